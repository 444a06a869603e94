"""Which slip explains what a loss gives."""
