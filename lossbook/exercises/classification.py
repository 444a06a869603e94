"""The exercises of the guide to losses: cross-entropy and its family."""

from __future__ import annotations

from .exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
