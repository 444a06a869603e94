"""What the pages of "In practice" share: the data they train on, one training loop, and what a loss costs.

Memory is counted where a page runs. Times differ from machine to machine: they were measured on one, and are kept.

A page shows the loop with ``inspect.getsource`` where it first uses it, so that nothing is hidden from its reader.
"""

from .data import Split, breast_cancer, diabetes, digits, wine
from .memory import peak_memory
from .times import measured_times
from .training import network, train
from .workers import on_workers

__all__ = [
    "Split",
    "breast_cancer",
    "diabetes",
    "digits",
    "measured_times",
    "network",
    "on_workers",
    "peak_memory",
    "train",
    "wine",
]
