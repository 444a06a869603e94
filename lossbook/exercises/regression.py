"""The exercises of the guide to losses: L1, MSE and Smooth L1."""

from __future__ import annotations

from .exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
