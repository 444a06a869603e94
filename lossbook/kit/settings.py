"""Kinds of settings. A loss names them in its signature, e.g. `reduction: Reduction`; each holds its rule.

The function checks the rules at every call, the module when it is built.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from torch import Tensor

from ..guards.tensors import check_floating, check_tensors
from ..language import message

#: Takes the name of a setting and its value, and raises where the value breaks the rule.
Rule = Callable[[str, Any], None]


@dataclass(frozen=True)
class OneOf:
    """The value is one of these."""

    allowed: tuple[str | int, ...]

    def __call__(self, name: str, value: Any) -> None:
        if isinstance(value, (str, int)) and value in self.allowed:
            return
        choices = ", ".join(map(repr, self.allowed))
        if value == "elementwise_mean":
            raise ValueError(
                message(
                    "{name} must be one of {choices}, got {value!r}. In PyTorch 0.4 this was the name of 'mean'.",
                    name=name,
                    choices=choices,
                    value=value,
                )
            )
        raise ValueError(
            message("{name} must be one of {choices}, got {value!r}.", name=name, choices=choices, value=value)
        )


def one_of(*allowed: str | int) -> Rule:
    """The value is one of these."""
    return OneOf(allowed)


def number(name: str, value: Any) -> None:
    """The value is a real number; True and False are not."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number:
        raise TypeError(message("{name} must be a number, got {kind}.", name=name, kind=type(value).__name__))


def between(low: float, high: float) -> Rule:
    """The value is a number in [low, high]; `nan` is in no interval."""

    def rule(name: str, value: Any) -> None:
        number(name, value)
        if not low <= value <= high:
            raise ValueError(
                message(
                    "{name} must lie between {low} and {high}, got {value}.", name=name, low=low, high=high, value=value
                )
            )

    return rule


def at_least(low: float) -> Rule:
    """The value is a number in [low, ∞]."""
    return between(low, math.inf)


def inside(low: float, high: float) -> Rule:
    """The value is a number in (low, high), the ends left out."""

    def rule(name: str, value: Any) -> None:
        number(name, value)
        if not low < value < high:
            raise ValueError(
                message(
                    "{name} must lie between {low} and {high}, and be neither, got {value}.",
                    name=name,
                    low=low,
                    high=high,
                    value=value,
                )
            )

    return rule


any_number = between(-math.inf, math.inf)


def positive(name: str, value: Any) -> None:
    """The value is a number larger than 0."""
    number(name, value)
    if not value > 0:
        raise ValueError(message("{name} must be larger than 0, got {value}.", name=name, value=value))


def switch(name: str, value: Any) -> None:
    """The value is True or False."""
    if not isinstance(value, bool):
        raise TypeError(message("{name} must be True or False, got {value!r}.", name=name, value=value))


def integer(name: str, value: Any) -> None:
    """The value is a whole number."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(message("{name} must be an integer, got {kind}.", name=name, kind=type(value).__name__))


def integer_or_none(name: str, value: Any) -> None:
    """The value is a whole number or None."""
    if value is not None:
        integer(name, value)


def chunk_options(name: str, value: Any) -> None:
    """The value says how many samples are computed at once, as torch's options do, or is None."""
    if value is not None and not hasattr(value, "batch_chunk_size"):
        raise TypeError(
            message(
                "{name} must be a torch.nn.LinearCrossEntropyOptions, or another object with a batch_chunk_size, "
                "or None; got {kind}.",
                name=name,
                kind=type(value).__name__,
            )
        )


def callable_or_none(name: str, value: Any) -> None:
    """The value is a function, e.g. a distance, or None."""
    if value is not None and not callable(value):
        raise TypeError(
            message(
                "{name} must be a function of two batches of embeddings, got {kind}.",
                name=name,
                kind=type(value).__name__,
            )
        )


def tensor_or_none(name: str, value: Any) -> None:
    """The value is a tensor of floating-point numbers or None."""
    if value is None:
        return
    check_tensors(**{name: value})
    check_floating(**{name: value})


Reduction = Annotated[str, one_of("none", "mean", "sum")]
UnitInterval = Annotated[float, between(0, 1)]
NotNegative = Annotated[float, at_least(0)]
Positive = Annotated[float, positive]
Number = Annotated[float, any_number]
Switch = Annotated[bool, switch]
ClassNumber = Annotated[int, integer]
ClassDim = Annotated[int | None, integer_or_none]
OptionalTensor = Annotated[Tensor | None, tensor_or_none]
