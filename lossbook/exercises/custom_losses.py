"""The exercises of the guide to losses: writing your own."""

from __future__ import annotations

from .exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
