"""Changes of calls that choose: comparisons, masks, branches, indices, slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import Call, written
from .change import Change

COMPARING: dict[str, Callable[[Any, Any], Any]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}
EQUAL = {"eq", "ne"}
SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}


def of_comparison(call: Call) -> Iterator[Change]:
    """Compared otherwise."""
    name = call.spot.name
    if name in COMPARING and len(call.args) == 2:
        for other, made in COMPARING.items():
            if other != name and (name in EQUAL) == (other in EQUAL):
                says = _("the comparison is wrong: right with {new} in the place of {old}")
                yield Change(says, f"a {SIGNS[other]} b", partial(lambda made, c: made(*c.args), made))
        if isinstance(call.args[0], Tensor):
            says = _("the comparison is wrong: right with {new} in the place of {old}")
            yield Change(says, f"abs(a) {SIGNS[name]} b", lambda c: c.again(c.args[0].abs(), c.args[1]))
    if name in ("and", "or", "logical_and", "logical_or", "bitwise_and", "bitwise_or"):
        says = _("`and` and `or` are exchanged: right with {new} in the place of {old}")
        yield Change(says, "a | b", lambda c: c.args[0] | c.args[1])
        yield Change(says, "a & b", lambda c: c.args[0] & c.args[1])
    if name == "invert":
        yield Change(_("{old} is one step too many: right without it"), "", lambda c: c.args[0])
    if isinstance(call.result, Tensor) and call.result.dtype is torch.bool and name not in ("invert",):
        says = _("a condition is inverted: right with {new} in the place of {old}")
        yield Change(says, _("its opposite"), lambda c: ~c.again())


def of_choice(call: Call) -> Iterator[Change]:
    """The other branch, the other part, another order."""
    name = call.spot.name
    if name == "where" and len(call.args) == 3:
        says = _("the two branches are exchanged: right with {new} in the place of {old}")
        yield Change(says, "where(c, b, a)", lambda c: c.again(c.args[0], c.args[2], c.args[1]))
        for i in (1, 2):
            if isinstance(call.args[i], Tensor) and call.args[i].shape == call.result.shape:
                says = _("one branch is enough: right with {new} in the place of {old}")
                yield Change(
                    says, written(call, i) or _("branch {n}").format(n=i), partial(lambda i, c: c.args[i] + 0, i)
                )
    if name in ("sort", "argsort", "topk"):
        key = "largest" if name == "topk" else "descending"
        now = call.kwargs.get(key, name == "topk")
        says = _("the order is turned round: right with {new} in {old}")
        yield Change(says, f"{key}={not now}", partial(lambda key, now, c: c.again(**{key: not now}), key, now))
    if name == "topk":
        for step in (1, -1):
            says = _("another number of elements is chosen: right with {new} in {old}")
            yield Change(says, f"k {step:+d}", partial(lambda s, c: _more(c, s), step))


def _more(call: Call, step: int) -> Any:
    if "k" in call.kwargs:
        return call.again(k=call.kwargs["k"] + step)
    return call.again(call.args[0], call.args[1] + step, *call.args[2:])


def of_slices(call: Call) -> Iterator[Change]:
    """The first left out where the last should be, and the like."""
    if call.spot.name != "getitem" or len(call.args) != 2 or not isinstance(call.args[0], Tensor):
        return
    index = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    for at, part in enumerate(index):
        if isinstance(part, slice) and part.step is None and (part.start or part.stop):
            for other in _slices(part):
                says = _("the slice is shifted: right with {new} in the place of {old}")
                new = f"[{'' if other.start is None else other.start}:{'' if other.stop is None else other.stop}]"
                yield Change(says, new, partial(lambda at, other, c: _sliced(c, at, other), at, other))
        elif isinstance(part, int) and not isinstance(part, bool):
            size = call.args[0].shape[at] if call.args[0].dim() > at else 0
            for k in range(size):
                if k != part % size:
                    says = _("another index: right with {new} in the place of {old}")
                    yield Change(says, f"[{k}]", partial(lambda at, k, c: _sliced(c, at, k), at, k))
        elif isinstance(part, Tensor) and part.dtype is torch.bool:
            says = _("a condition is inverted: right with {new} in the place of {old}")
            yield Change(says, _("its opposite"), partial(lambda at, c: _sliced(c, at, ~_parts(c)[at]), at))
    columns = call.args[0]
    if columns.dim() > 1 and len(index) == 1 and isinstance(index[0], int):
        says = _("another index: right with {new} in the place of {old}")
        yield Change(says, f"[:, {index[0]}]", lambda c: c.args[0][:, c.args[1]])


def _slices(part: slice) -> Iterator[slice]:
    for other in (slice(None, -1), slice(1, None), slice(None, None), slice(1, -1), slice(2, None), slice(None, -2)):
        if (other.start, other.stop) != (part.start, part.stop):
            yield other


def _parts(call: Call) -> tuple[Any, ...]:
    return call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)


def _sliced(call: Call, at: int, part: Any) -> Any:
    parts = list(_parts(call))
    parts[at] = part
    return call.again(call.args[0], tuple(parts) if isinstance(call.args[1], tuple) else parts[0])
