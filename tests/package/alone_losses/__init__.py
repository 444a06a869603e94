"""Losses for the tests of `verify` without a right loss: wrong ones, each beside the right one, and other right ones.

Each file holds one theme: the pairs that it enters, or, in `right.py`, losses of which nothing must be said.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Pair:
    check: str  #: the check that sees the wrong one
    says: str  #: a part of what it says
    wrong: Any
    right: Any
    inputs: Callable
    certain: bool = False  #: whether it fails, or is only told


PAIRS: dict[str, Pair] = {}


def pair(name, *args, **more):
    PAIRS[name] = Pair(*args, **more)


def two():
    return torch.randn(6, 3), torch.randn(6, 3)


def classes():
    return torch.randn(6, 4), torch.randint(4, (6,))


for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
