"""Changes of the order of two steps, and of what is left out by a product with 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import Call
from .change import Change, is_real

#: Functions of each number, which may stand before or after a sum, a mean or a product.
EACH = {
    "clamp", "clamp_min", "clamp_max", "relu", "pow", "square", "sqrt", "abs", "exp", "log", "sigmoid", "softplus",
    "logsigmoid", "tanh", "neg",
}  # fmt: skip
#: The same of a number and a constant, on either side.
WITH_CONSTANT = {"add", "sub", "rsub", "maximum", "minimum", "max", "min"}
REDUCING = {"sum", "mean"}
TIMES = {"mul", "multiply"}
SCALING = {"div", "truediv", "true_divide", "mul", "multiply"}
#: Operations that write a number into some places of a tensor, or all.
FILLING = {"masked_fill", "fill", "setitem", "where", "full", "full_like", "new_full", "index_fill", "fill_diagonal"}
OF_SHAPES = {"ones_like", "zeros_like", "full_like", "new_tensor", "new_full", "new_ones", "new_zeros"}
Function = Callable[[Tensor], Any]


def of_steps(call: Call) -> Iterator[Change]:
    """A function before the sum, mean or product of whose result it is taken, or after that of which it is taken before."""
    says = _(
        "two steps are in the wrong order: right with {new} of each number, before the sum, mean or product, in {old}"
    )
    for at in _arguments(call):
        for way in WAYS:
            if way(call, call.args[at], lambda x: x) is not None:
                yield Change(says, call.spot.name, partial(_earlier, way, at))
    before = call.made.get(id(call.args[0])) if call.args else None
    if before is not None and call.spot.name in REDUCING and before.spot.name in EACH:
        says = _("two steps are in the wrong order: right with {new} after the sum or mean, in {old}")
        yield Change(says, before.spot.name, _exchanged)


def of_constants(call: Call) -> Iterator[Change]:
    """A number that is added, or multiplied with, before a function and not after it; and the other way round."""
    before = call.made.get(id(call.args[0])) if call.args else None
    if before is None or not before.args or not isinstance(before.result, Tensor):
        return
    says = _("two steps are in the wrong order: right with {new} first, in {old}")
    here, there = call.spot.name, before.spot.name
    if (_is_with_number(call) and there in EACH) or (here in EACH and _is_with_number(before)):
        yield Change(says, here, _exchanged)


def _is_with_number(call: Call) -> bool:
    is_number = len(call.args) == 2 and type(call.args[1]) in (int, float)
    return is_number and call.spot.name in WITH_CONSTANT | SCALING


def _exchanged(call: Call) -> Any:
    before = call.made[id(call.args[0])]
    return before.again(call.again(before.args[0], *call.args[1:]), *before.args[1:])


def _arguments(call: Call) -> Iterator[int]:
    """Which argument a function of each number is taken of; the other one, if there is one, is a single number."""
    name = call.spot.name
    if name in EACH and call.args and isinstance(call.args[0], Tensor):
        yield 0
    if name in WITH_CONSTANT and len(call.args) == 2:
        yield from (i for i in (0, 1) if isinstance(call.args[i], Tensor) and _is_constant(call, call.args[1 - i]))


def _is_constant(call: Call, value: Any) -> bool:
    """A number, or a tensor of one that is computed of no argument."""
    if not isinstance(value, Tensor):
        return True
    made = call.made.get(id(value))
    if value.dim() or made is None:
        return not value.dim()
    return made.spot.name in OF_SHAPES or all(_is_constant(call, x) for x in made.args)


def _earlier(way: Callable, at: int, call: Call) -> Tensor | None:
    return way(call, call.args[at], lambda x: call.again(*call.args[:at], x, *call.args[at + 1 :]))


def _of_each(call: Call, value: Any, function: Function) -> Tensor | None:
    """The function taken of what was added up, with what it was then multiplied with."""
    made = call.made.get(id(value))
    if made is None or not made.args or not is_real(made.args[0]):
        return None
    x = made.args[0]
    if made.spot.name in REDUCING:
        return made.again(function(x), *made.args[1:])
    if made.spot.name in SCALING and len(made.args) == 2 and not _is_row(made.args[1]):
        return _of_each(call, x, lambda y: function(made.again(y, made.args[1])))
    return None


def _before_factor(call: Call, value: Any, function: Function) -> Tensor | None:
    """The function taken of what was added up and scaled, without that."""
    made = call.made.get(id(value))
    if made is None or len(made.args) != 2 or not is_real(made.args[0]):
        return None
    if made.spot.name not in SCALING or _is_row(made.args[1]):
        return None
    inner = _of_each(call, made.args[0], function)
    return None if inner is None else made.again(inner, made.args[1])


def _of_factors(call: Call, value: Any, function: Function, *, both: bool = True) -> Tensor | None:
    """The function taken of both factors of a product, or of the first; if need be of one that was added up."""
    made = call.made.get(id(value))
    if made is None or not made.args or not is_real(made.args[0]):
        return None
    if made.spot.name in REDUCING:
        inner = None if both else _of_factors(call, made.args[0], function, both=False)
        return None if inner is None else made.again(inner, *made.args[1:])
    if made.spot.name not in TIMES or len(made.args) != 2 or not _is_row(made.args[1]):
        return None
    return made.again(function(made.args[0]), function(made.args[1]) if both else made.args[1])


def _is_row(value: Any) -> bool:
    return is_real(value) and value.dim() > 0


WAYS: tuple[Callable[..., Tensor | None], ...] = (
    _of_each,
    _before_factor,
    _of_factors,
    partial(_of_factors, both=False),
)


def of_filled(call: Call) -> Iterator[Change]:
    """Another number where something is filled in: infinity with the other sign, so that it is never, or always, chosen."""
    places = range(1, len(call.args)) if call.spot.name in FILLING else ()
    for i in (i for i in places if type(call.args[i]) in (int, float)):
        for new, value in (("-inf", -math.inf), ("inf", math.inf), ("0", 0.0), ("1", 1.0)):
            if value != call.args[i]:
                says = _("the wrong number is filled in: right with {new} in {old}")
                yield Change(says, new, partial(lambda i, v, c: c.again(*c.args[:i], v, *c.args[i + 1 :]), i, value))


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
