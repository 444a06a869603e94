"""Changes of calls that choose: comparisons, masks, branches, indices, slices."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import Call, Spot, written
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
SORTING = ("sort", "argsort", "topk")
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
    if name in SORTING:
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


def of_order(call: Call) -> Iterator[Change]:
    """In the order in which the rest was brought, as by sort or argsort."""
    for i, used in enumerate(call.args):
        if not isinstance(used, Tensor) or not used.dim() or call.spot.name in ("getitem", *SORTING):
            continue
        for spot, index in _orders(call, len(used)):
            says = _("it is not in the order of the rest: right with {new} in the place of {that} in {old}")
            that = written(call, i) or _("argument {n}").format(n=i + 1)
            yield Change(says.replace("{that}", f"`{that}`"), f"{that}[{index}]", partial(_ordered, i, spot))


def _orders(call: Call, size: int) -> Iterator[tuple[Spot, str]]:
    """Where something was brought into another order before, and the name of the index there."""
    for made in {c.spot: c for c in call.made.values() if c.spot.name == "getitem"}.values():
        index = made.args[1]
        if not isinstance(index, Tensor) or index.dtype is not torch.int64 or index.shape != (size,) or size < 2:
            continue
        if torch.equal(index.sort().values, torch.arange(size)) and (name := _index_in(made.spot.text)):
            yield made.spot, name


def _index_in(text: str) -> str:
    """What stands in the brackets of an expression."""
    with contextlib.suppress(SyntaxError):
        body = ast.parse(text, mode="eval").body
        return ast.unparse(body.slice) if isinstance(body, ast.Subscript) else ""
    return ""


def _ordered(i: int, spot: Spot, call: Call) -> Any:
    index = next(c.args[1] for c in call.made.values() if c.spot == spot)
    return call.again(*call.args[:i], call.args[i][index], *call.args[i + 1 :])


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
