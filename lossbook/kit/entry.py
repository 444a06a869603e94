"""The catalogue entry of a loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..language import Phrase
from .batches.batch import Kind
from .loss import DEPRECATED
from .steps import Step
from .views import View


def uniform(generator: torch.Generator, *shape: int, low: float = -4.0, high: float = 4.0) -> Tensor:
    """Random numbers in float64, for the samples of the catalogue."""
    return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)


class Term(NamedTuple):
    """The loss of one element. The mean is Σ(loss / own) / Σ share."""

    loss: float
    share: float = 1.0
    own: float = 1.0  #: divisor of this loss alone (CTC: the length of the target)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """All that tests, tables, plots, ``explain``, ``verify`` and pages know about a loss."""

    name: str  #: how ``explain``, ``plot`` and the pages call it, e.g. ``"mse"``
    also: tuple[
        str, ...
    ] = ()  #: other names that people type for it; other losses may share one, and then it is refused
    family: str
    module: type[torch.nn.Module]
    torch_module: type[torch.nn.Module] | None = None  #: torch's own; ``None`` where torch, or this version, has none
    torch_function: Callable[..., Tensor] | None = None  #: likewise
    page: str = ""  #: the page of the book about it, e.g. ``"guide/mse"``
    definition: Callable[..., Iterator[Term]]  #: the paper's formula in plain Python, one number at a time
    formula: Callable[..., str]  #: LaTeX, for one element or sample; takes the arguments of the loss that it depends on
    steps: Callable[..., Iterator[Step]]  #: what ``explain`` shows; takes all arguments of the loss, by name
    views: tuple[View, ...] = ()  #: what ``plot`` draws it over, the default first; the others are for comparison
    not_drawn: str | Phrase = ""  #: for a loss without a view, the sentence that says why
    batches: Kind  #: what ``verify`` calls it with
    sample: Callable[[torch.Generator], tuple[Tensor, ...]]  #: a legal batch in float64, for tests
    settings: tuple[dict[str, Any], ...] = ({},)  #: settings that the tests try, with every reduction
    coupled: bool = False  #: whether the samples of a batch meet in its losses, so that one alone has another loss
    sizes: dict[str, Any] = field(default_factory=dict)  #: what a module that owns parameters needs besides settings
    fitting: Callable[[Any], tuple[Tensor, ...]] | None = None  #: a random batch for such a module, of the sizes it has
    helpers: tuple[
        Callable, ...
    ] = ()  #: functions in ``lossbook.beyond`` that make what it takes, e.g. choose triplets

    @property
    def function(self) -> Callable[..., Tensor] | None:
        """The loss as a function; ``None`` for a loss that exists as a module only."""
        return getattr(self.module, "function", None)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that finds the loss: its own, its function's and its module's, and those that people type."""
        function = () if self.function is None else (self.function.__name__,)
        return self.name, *function, self.module.__name__, *self.also

    def arguments(self, tensors: tuple[Any, ...], settings: dict[str, Any]) -> dict[str, Any]:
        """All arguments of a call by name, with the defaults of the function's signature."""
        assert self.function is not None
        signature = inspect.signature(self.function)
        bound = signature.bind(*tensors, **{k: v for k, v in settings.items() if k not in DEPRECATED})
        bound.apply_defaults()
        return bound.arguments
