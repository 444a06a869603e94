"""The exercises of the part "A training case"."""

from __future__ import annotations

from .exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
