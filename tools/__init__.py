"""Commands for maintainers, one a file: ``python -m tools.<name>``."""
