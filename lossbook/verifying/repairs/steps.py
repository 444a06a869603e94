"""Changes of the order of two steps, and of what is left out by a product with 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import Call
from .change import Change, is_real

#: Functions of each number, which may stand before or after a sum, a mean or a product.
EACH = {
    "clamp", "clamp_min", "relu", "pow", "square", "sqrt", "abs", "exp", "log", "sigmoid", "softplus", "logsigmoid",
    "tanh", "neg",
}  # fmt: skip
REDUCING = {"sum", "mean"}
TIMES = {"mul", "multiply"}
SCALING = {"div", "truediv", "true_divide", "mul", "multiply"}


def of_steps(call: Call) -> Iterator[Change]:
    """A function before the sum, mean or product of whose result it is taken, or after that of which it is taken before."""
    if not call.args or not isinstance(call.args[0], Tensor):
        return
    before = call.made.get(id(call.args[0]))
    if before is None:
        return
    if call.spot.name in EACH and _moved(call, call.args[0]) is not None:
        says = _(
            "two steps are in the wrong order: right with {new} of each number, before the sum, mean or product, in {old}"
        )
        yield Change(says, call.spot.name, lambda c: _moved(c, c.args[0]))
    if call.spot.name in REDUCING and before.spot.name in EACH:
        says = _("two steps are in the wrong order: right with {new} after the sum or mean, in {old}")
        yield Change(says, before.spot.name, _afterwards)


def _moved(call: Call, value: Any) -> Tensor | None:
    """The function taken of what was added up or multiplied, not of the result."""
    made = call.made.get(id(value))
    if made is None or not made.args or not is_real(made.args[0]):
        return None
    x = made.args[0]
    if made.spot.name in REDUCING:
        return made.again(_of(call, x), *made.args[1:])
    if len(made.args) != 2:
        return None  # the other factor, given by name
    if made.spot.name in TIMES and is_real(made.args[1]) and made.args[1].dim():
        return made.again(_of(call, x), _of(call, made.args[1]))
    if made.spot.name in SCALING:
        inner = _moved(call, x)
        return None if inner is None else made.again(inner, made.args[1])
    return None


def _of(call: Call, x: Tensor) -> Tensor:
    return call.again(x, *call.args[1:])


def _afterwards(call: Call) -> Tensor:
    before = call.made[id(call.args[0])]
    return before.again(call.again(before.args[0], *call.args[1:]), *before.args[1:])


def of_filling(call: Call) -> Iterator[Change]:
    """What a product with 0 leaves out, where it still counts: a largest or smallest number, a softmax."""
    if call.spot.name not in TIMES or len(call.args) != 2:
        return
    for i in (0, 1):
        mask, x = call.args[i], call.args[1 - i]
        if not isinstance(mask, Tensor) or not is_real(x) or not mask.dim() or not _is_mask(mask):
            continue
        for new, value in (("-inf", -math.inf), ("inf", math.inf)):
            says = _("what is left out is 0 there, and still counts: right with {new} in the place of {old}")
            yield Change(says, f"masked_fill(…, {new})", partial(_filled, i, value))


def _is_mask(tensor: Tensor) -> bool:
    return bool(((tensor == 0) | (tensor == 1)).all())


def _filled(i: int, value: float, call: Call) -> Tensor:
    return torch.where(call.args[i] == 0, value, call.args[1 - i])
