"""Changes of calls with two operands: another operation, operands exchanged, left out, aligned otherwise, other arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import Call, written
from .change import Change, is_real, is_turned

Two = Callable[[Any, Any], Any]

SUBTRACT: Two = lambda a, b: a - b  # noqa: E731
#: Each operation as it is written, and what people write instead of it.
SIGNS: dict[str, tuple[tuple[str, Two], ...]] = {
    "add": (("a - b", SUBTRACT), ("b - a", lambda a, b: b - a)),
    "sub": (("a + b", lambda a, b: a + b), ("b - a", lambda a, b: b - a)),
    "rsub": (("a + b", lambda a, b: a + b), ("b - a", SUBTRACT)),
    "mul": (("a / b", lambda a, b: a / b), ("b / a", lambda a, b: b / a), ("a + b", lambda a, b: a + b)),
    "div": (("a * b", lambda a, b: a * b), ("b / a", lambda a, b: b / a)),
    "rdiv": (("a * b", lambda a, b: a * b), ("a / b", lambda a, b: a / b)),
    "pow": (("b ** a", lambda a, b: b**a), ("a * b", lambda a, b: a * b)),
    "rpow": (("a ** b", lambda a, b: a**b),),
    "maximum": (("minimum(a, b)", torch.minimum),),
    "minimum": (("maximum(a, b)", torch.maximum),),
    "max": (("min(a, b)", torch.minimum),),
    "min": (("max(a, b)", torch.maximum),),
    "matmul": (),
    "mm": (),
    "where": (),
}
#: What may be missing of one operand, where the other is right.
ONES: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("1 - x", lambda x: 1 - x),
    ("abs(x)", torch.abs),
    ("x.square()", torch.square),
    ("x.sqrt()", torch.sqrt),
)
ONE_OF_MANY = {"sum", "mean", "norm", "vector_norm", "logsumexp", "amax", "amin", "std", "var"}
LAST = 12  #: so many results before a call are tried as its operands
ALIASES = {"truediv": "div", "true_divide": "div", "divide": "div", "subtract": "sub", "multiply": "mul"}


def of_operation(call: Call) -> Iterator[Change]:
    """Another operation with the same operands, or one operand left out."""
    name = ALIASES.get(call.spot.name, call.spot.name)
    if name not in SIGNS or len(call.args) != 2 or not isinstance(call.result, Tensor):
        return
    for new, made in SIGNS[name]:
        says = (
            _("the sign is turned round, or two operands are exchanged: right with {new} in the place of {old}")
            if name in ("add", "sub", "rsub")
            else _("an operation or the order of its operands is wrong: right with {new} in the place of {old}")
        )
        yield Change(says, _with_operands(call, new), partial(lambda made, c: made(*c.args), made))
    for i, which in ((1, _("its left side")), (0, _("its right side"))):
        kept = call.args[1 - i]
        if is_real(kept) and kept.shape == call.result.shape:
            says = _("there is one part too many: right with {new} in the place of {old}")
            yield Change(says, written(call, 1 - i) or which, partial(lambda i, c: c.args[1 - i], i))
        if is_real(call.args[i]) and name in ("mul", "div", "add", "sub", "rsub", "pow"):
            for new, one in ONES:
                if is_turned(new, call.args[i]) or new == "x.square()" and _is_power(call, i):
                    continue
                says, shown = _operand_told(call, i, new)
                yield Change(says, shown, partial(lambda i, one, c: _with(c, i, one(c.args[i])), i, one))


def _is_power(call: Call, i: int) -> bool:
    """Whether the square of an operand is one power for another: a number that is wrong."""
    made = call.made.get(id(call.args[i]))
    powers = [c for c in (made, call if i == 0 else None) if c is not None and c.spot.name == "pow"]
    return any(not isinstance(c.args[1], Tensor) for c in powers)


def _operand_told(call: Call, i: int, new: str) -> tuple[str, str]:
    """What is said of an operand x that must be something else, and this with what stands there in the source."""
    text = written(call, i)
    if not text:
        return _("an operand is wrong: in {old}, x, one of the two, must be {new}"), new
    says = _("an operand is wrong: right with {new} in the place of {that} in {old}").replace("{that}", f"`{text}`")
    return says, re.sub(r"\bx\b", lambda _m: text if text.isidentifier() else f"({text})", new)


def _with_operands(call: Call, new: str) -> str:
    """An operation of a and b with what stands there in the source, where both are short."""
    texts = {letter: written(call, i) for i, letter in enumerate("ab")}
    if not all(text.replace(".", "").isidentifier() for text in texts.values()):
        return new
    return re.sub(r"\b[ab]\b", lambda m: texts[m[0]], new)


def _with(call: Call, i: int, operand: Any) -> Any:
    """The same call with another operand i."""
    args = list(call.args)
    args[i] = operand
    return call.again(*args)


def of_alignment(call: Call) -> Iterator[Change]:
    """Operands that are broadcast against each other along other dimensions, or not at all; transposed ones."""
    name = ALIASES.get(call.spot.name, call.spot.name)
    if name not in SIGNS or not isinstance(call.result, Tensor):
        return
    tensors = [i for i, a in enumerate(call.args) if isinstance(a, Tensor) and a.dim()]
    shapes = [tuple(call.args[i].shape) for i in tensors]
    if len(tensors) >= 2 and len(set(shapes)) > 1 and name not in ("matmul", "mm"):
        result = tuple(call.result.shape)
        for i in tensors:
            other = next(call.args[j] for j in tensors if j != i)
            for view in _views(call.args[i], other):
                says = _(
                    "{old} broadcasts {shapes} to {result}: numbers meet that do not belong together; right with the "
                    "shape {new} in the place of {other}"
                )
                own = tuple(call.args[i].shape)
                says = says.format(
                    shapes=", ".join(map(str, shapes)), result=result, other=f"`{own}`", old="{old}", new="{new}"
                )
                new = str(tuple(view(call.args[i], other).shape))
                yield Change(says, new, _seen_as(i, tensors, view))


def of_transposed(call: Call) -> Iterator[Change]:
    """Rows and columns of an operand exchanged."""
    name = ALIASES.get(call.spot.name, call.spot.name)
    if name not in SIGNS or not isinstance(call.result, Tensor):
        return
    for i, x in enumerate(call.args):
        if isinstance(x, Tensor) and x.dim() > 1 and (name in ("matmul", "mm") or x.shape[-1] == x.shape[-2]):
            says = _("rows and columns are exchanged: right with {new} in {old}")
            yield Change(says, _("one side transposed"), partial(lambda i, c: _with(c, i, c.args[i].mT), i))


def _seen_as(i: int, tensors: list[int], view: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Call], Any]:
    def run(call: Call) -> Any:
        other = next(call.args[j] for j in tensors if j != i)
        return _with(call, i, view(call.args[i], other))

    return run


def _views(x: Tensor, other: Tensor) -> Iterator[Callable[[Tensor, Tensor], Tensor]]:
    """Other ways to lay a smaller tensor along the dimensions of a larger one."""
    if x.numel() == other.numel():
        yield lambda x, o: x.reshape(o.shape)
    core = [size for size in x.shape if size != 1]
    if len(core) == 1:
        for at, size in enumerate(other.shape):
            if size == core[0] and x.dim() <= other.dim():
                yield partial(lambda at, x, o: x.reshape([-1 if d == at else 1 for d in range(o.dim())]), at)
    if x.squeeze().shape != x.shape:
        yield lambda x, o: x.squeeze()
    if x.dim() < other.dim():
        yield lambda x, o: x.unsqueeze(-1)
        yield lambda x, o: x.unsqueeze(0)


def of_results(call: Call) -> Iterator[Change]:
    """Another variable, or what was computed before, in the place of an operand."""
    name = ALIASES.get(call.spot.name, call.spot.name)
    if name not in SIGNS:
        return
    says = _("the wrong intermediate result is used: right with {new} in the place of {that} in {old}")
    for i, used in enumerate(call.args):
        if not is_real(used):
            continue
        yield from _of_variables(call, i, says)
        that = says.replace("{that}", f"`{written(call, i) or _('one side')}`")
        for spot, other in list(call.latest.items())[-LAST:]:
            if other is not used and other.shape == used.shape and other.dtype == used.dtype:
                yield Change(that, spot.text, partial(lambda i, spot, c: _with(c, i, c.latest[spot]), i, spot))


def of_variables(call: Call) -> Iterator[Change]:
    """Another variable, of which the sum or the norm belongs there."""
    if call.spot.name in ONE_OF_MANY and call.args and is_real(call.args[0]):
        says = _("the wrong intermediate result is used: right with {new} in the place of {that} in {old}")
        yield from _of_variables(call, 0, says)


def _of_variables(call: Call, i: int, says: str) -> Iterator[Change]:
    used = call.args[i]
    says = says.replace("{that}", f"`{written(call, i) or _('one side')}`")
    for name, other in list(call.variables.items())[-LAST:]:
        if other is not used and other.shape == used.shape and other.dtype == used.dtype:
            yield Change(says, name, partial(lambda i, name, c: _with(c, i, c.variables[name]), i, name))


def of_arguments(call: Call) -> Iterator[Change]:
    """Another argument of the loss in the place of one that is used."""
    for i, used in enumerate(call.args):
        at = call.number_of(used)
        if at is None:
            continue
        for j, other in enumerate(call.inputs):
            if j != at and other.shape == used.shape and other.dtype == used.dtype:
                says = _("one argument is used in the place of another: right with {new} in {old}")
                new = _("{this} in the place of {that}").format(this=call.name_of(j), that=call.name_of(at))
                yield Change(says, new, partial(lambda i, j, c: _with(c, i, c.inputs[j]), i, j))
