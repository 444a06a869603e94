"""A loss of the reader's own: what it is, and what it returns."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..language import message


def check_not_class(loss: Any, caller: str) -> None:
    """A loss is a function or an object, not the class of one."""
    if isinstance(loss, type):
        name = loss.__name__
        raise TypeError(
            message(
                "{caller} needs a loss, and {name} is the class of one. Build it: {caller}({name}(), …).",
                caller=caller,
                name=name,
            )
        )


def check_result(value: Any) -> None:
    """A loss returns one tensor, which can carry a gradient."""
    if not isinstance(value, Tensor):
        raise TypeError(
            message(
                "The loss must return a tensor, got {kind}. A Python number carries no gradient: leave out "
                ".item() and float(). Of several results return one.",
                kind=type(value).__name__,
            )
        )
