"""Commands for maintainers: ``python -m tools`` lists them."""
