"""The explorers of the book: figures whose controls move a loss, computed in the page by the loss's own definition."""

from __future__ import annotations

from . import working
from .explorer import Choice, Explorer, Slider
from .losses import EXPLORERS

__all__ = ["EXPLORERS", "Choice", "Explorer", "Slider", "working"]
