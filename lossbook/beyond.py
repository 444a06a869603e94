"""Losses that torch does not have, as functions and as modules."""

__all__ = []
