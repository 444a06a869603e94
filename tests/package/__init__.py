"""The package alone: neither pages nor site."""
