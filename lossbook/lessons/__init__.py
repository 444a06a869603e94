"""What only the book calls."""
