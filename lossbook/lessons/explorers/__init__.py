"""The explorers of the book: figures whose controls move a loss, computed in the page by the loss's own definition."""

from __future__ import annotations

from . import descent, losses, practice, working
from .explorer import Choice, Explorer, Slider

__all__ = ["EXPLORERS", "Choice", "Explorer", "Slider", "working"]

EXPLORERS: dict[str, Explorer] = {
    explorer.name: explorer for explorer in (*losses.EXPLORERS, *practice.EXPLORERS, *descent.EXPLORERS)
}
