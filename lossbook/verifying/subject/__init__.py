"""The loss under test and the right one, and one call of either."""
