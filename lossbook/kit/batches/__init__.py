"""What a loss can be called with."""
