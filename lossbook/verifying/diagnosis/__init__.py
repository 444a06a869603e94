"""Find the slip behind the results of a wrong loss."""
