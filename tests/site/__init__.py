"""The built site, and what can be taken away from it."""
