"""How `explain` shows the working of a loss."""
