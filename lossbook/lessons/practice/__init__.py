"""What the pages of "In practice" share: the data they train on, and one training loop.

A page shows the loop with ``inspect.getsource`` where it first uses it, so that nothing is hidden from its reader.
"""

from .data import Split, breast_cancer, diabetes, digits, wine
from .training import network, train
from .workers import on_workers

__all__ = ["Split", "breast_cancer", "diabetes", "digits", "network", "on_workers", "train", "wine"]
