"""The catalogue entry of a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor


def uniform(generator: torch.Generator, *shape: int, low: float = -4.0, high: float = 4.0) -> Tensor:
    """Random numbers in float64, for the samples of the catalogue."""
    return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)


class Term(NamedTuple):
    """What one element adds to a loss by its definition: the mean is the sum of losses over the sum of shares."""

    loss: float
    share: float = 1.0
    own: float = 1.0  #: what the mean divides this loss alone by, before it adds them up


@dataclass(frozen=True)
class Entry:
    """A loss in the catalogue: what tests, tables, plots, ``explain`` and pages know about it."""

    name: str  #: how ``explain``, ``plot`` and the pages call it, e.g. ``"mse"``
    function: Callable[..., Tensor] | None  #: ``None`` for a loss that exists as a module only
    module: type[torch.nn.Module]
    definition: Callable[..., Iterator[Term]]  #: the paper's formula in plain Python, one number at a time
    working: Callable[..., Iterator]  #: the steps that ``explain`` shows
    torch_function: Callable[..., Tensor] | None  #: torch's own, the second oracle; ``None`` where this torch has none
    formula: str  #: LaTeX, for one element or sample
    family: str
    sample: Callable[[torch.Generator], tuple[Tensor, ...]]  #: a legal batch in float64
    settings: tuple[dict[str, Any], ...] = field(default=({},))  #: settings that the tests try, with every reduction
    sizes: dict[str, Any] = field(default_factory=dict)  #: what a module that owns parameters needs besides settings

    @property
    def torch_module(self) -> type[torch.nn.Module] | None:
        """torch's own class; ``None`` where this torch has none."""
        return getattr(torch.nn, self.module.__name__, None)
