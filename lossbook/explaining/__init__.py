"""How `explain` shows the steps of a loss."""
