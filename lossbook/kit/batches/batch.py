"""A batch to try a loss on, and what the batches of one loss look like.

All numbers are exact in float32, so that a loss may compute in float32 inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Settings = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """Tensors to call a loss with."""

    tensors: tuple[Tensor, ...]
    form: str  #: what kind of input it is; a loss that refuses one form may still be right in the others
    base: str = ""  #: the form that this one is a special case of: who takes that must take this
    edge: bool = False  #: values where losses break, rather than ordinary ones
    name: str = ""  #: what is special about an edge
    open: bool = False  #: whether the definition leaves the value open there, as at a vector of zeros: finite is right


@dataclass(frozen=True)
class Kind:
    """What the inputs of one loss look like."""

    batches: Callable[[Settings, torch.Generator], Iterator[Batch]]
    large: Callable[[torch.Generator, int, int], tuple[Tensor, ...]] | None = (
        None  #: rows × columns predictions, to time it
    )
    wrt: tuple[int, ...] = (0,)  #: which arguments are predictions
    trials: tuple[Settings, ...] = ()  #: settings to try on a loss that takes them, besides what `trials.py` makes
    tensors: tuple[Tensor, ...] = ()  #: what to try for a setting that is a tensor, e.g. weights
    reductions: tuple[str, ...] = ("mean", "sum", "none")
    around: Callable[[Callable], Callable] = field(default=lambda loss: loss)  #: what comes before the loss
    elementwise: bool = False  #: whether it pairs number with number, so that broadcasting is a mistake


def normal(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=g).double()


def row(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float32).double()


def exact(tensor: Tensor) -> Tensor:
    return tensor.float().double()
