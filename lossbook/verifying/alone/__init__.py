"""Checks of a loss alone, without a right one beside it: what is certain fails, all else is told as "look at this"."""
