"""The tools, the guides and the project around them."""
