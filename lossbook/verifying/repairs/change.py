"""A change of one call of torch, and what is said when it makes the loss right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .call import Call, Run


@dataclass(frozen=True)
class Change:
    """Something else that is done at one place."""

    says: str  #: with {old} and {new}
    new: str  #: what then stands there, as code
    run: Run
    alike: str = ""  #: what such changes of other operations are called, that may have to be made together
    unless: Run | None = None  #: something simpler that does not make it right as well


Maker = Callable[[Call], Iterator[Change]]


def taking(function: Callable[..., Any]) -> Run:
    """The change that calls another function with the same arguments."""
    return lambda call: function(*call.args, **call.kwargs)


def of_result(function: Callable[[Any], Any]) -> Run:
    """The change that does something to the result."""
    return lambda call: function(call.again())


def is_real(value: Any) -> bool:
    """True for a tensor of real numbers."""
    return isinstance(value, Tensor) and value.is_floating_point()


def is_turned(new: str, x: Tensor) -> bool:
    """True if a step that is said to be missing would do no more than turn the sign round."""
    return new == "abs(x)" and bool((x <= 0).all())


def masks_of(call: Call, like: Tensor) -> Iterator[tuple[str, Callable[[Call], Tensor]]]:
    """Arguments of the loss that say which elements of this tensor count: 0 and 1, or labels of which some are below 0.

    Each comes with its name, and with the function that finds it in another run.
    """
    for i, t in enumerate(call.inputs):
        if i == 0 or t.dim() == 0 or not _fits(t, like):
            continue
        values = t.unique() if t.numel() < 10_000 else t
        name = call.name_of(i)
        if t.dtype is torch.bool or bool(((values == 0) | (values == 1)).all()) and values.numel() == 2:
            yield name, partial(lambda i, c: _like(c.inputs[i].to(like.dtype), like), i)
        elif not t.is_floating_point() and bool((t < 0).any()):
            yield f"({name} >= 0)", partial(lambda i, c: _like((c.inputs[i] >= 0).to(like.dtype), like), i)


def masks_among(call: Call, like: Tensor) -> Iterator[tuple[str, Callable[[Call], Tensor]]]:
    """The same among what was computed before."""
    for spot, t in call.latest.items():
        if t.shape == like.shape and t.dim() and bool(((t == 0) | (t == 1)).all()) and t.unique().numel() == 2:
            text = spot.text if spot.text.isidentifier() else f"({spot.text})"
            yield text, partial(lambda spot, c: c.latest[spot].to(like.dtype), spot)


def _fits(mask: Tensor, like: Tensor) -> bool:
    return mask.shape == like.shape[: mask.dim()] or mask.numel() == like.numel()


def _like(mask: Tensor, like: Tensor) -> Tensor:
    """With as many dimensions as a tensor of these; only the number of dimensions is taken from it."""
    while mask.dim() < like.dim():
        mask = mask.unsqueeze(-1)
    return mask.reshape(-1) if like.dim() == 1 else mask
