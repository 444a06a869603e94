"""How `verify` checks a loss."""
