"""The exercises of the guide to losses: order and similarity."""

from __future__ import annotations

from .exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
