"""How `plot` draws losses."""
