"""What every page must keep, one check a file: ``python -m tools.checks`` runs them."""
