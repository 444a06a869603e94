"""The steps of a reader's own loss: line by line, or operation by operation."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..catalogue import CATALOGUE
from ..guards.losses import check_result
from ..kit.steps import Step
from ..kit.text import elided, number, row
from ..language import gettext as _
from ..tracing import Operation, Operations, body_of, snapshot
from .lines import Lines, Visit, statements_of

#: Operations that pair the numbers of two tensors. Only these can broadcast by mistake.
PAIRING = {
    "add", "sub", "subtract", "rsub", "mul", "multiply", "div", "divide", "true_divide", "pow", "maximum", "minimum",
    "atan2", "logaddexp", "xlogy", "where",
}  # fmt: skip
PAIRING |= {e.torch_function.__name__ for e in CATALOGUE if e.torch_function and e.batches.elementwise}

#: Operations after which nobody expects a gradient.
NO_GRADIENT = {"zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "sign"}


def own_steps(loss: Callable, tensors: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Tensor, list[Step]]:
    """Run the reader's own loss once. Returns its value, and a step for each line, or for each operation."""
    function = body_of(loss)
    statements = statements_of(function)
    operations = Operations(function.__code__ if statements else None)
    lines, before = Lines(operations.code, statements, operations), sys.gettrace()
    try:
        if statements:
            sys.settrace(lines)
        with operations:
            value = loss(*tensors, **settings)
    finally:
        sys.settrace(before)
    check_result(value)
    steps = list(_line_steps(lines.visits) if lines.visits else _operation_steps(operations.seen))
    return value, steps or [_step(_("Result"), snapshot(value), [])]


def _line_steps(visits: list[Visit]) -> Iterator[Step]:
    for i, visit in enumerate(visits):
        again = any(earlier.statement is visit.statement for earlier in visits[:i])
        if again:  # a loop: show its first and its last turn
            last = not any(later.statement is visit.statement for later in visits[i + 1 :])
            if not last:
                continue
        code = ast.unparse(visit.statement)
        say = _("{code}, in the last turn of the loop").format(code=code) if again else code
        for name, value in visit.values.items():
            several = len(visit.values) > 1
            yield _step(f"{say}: {name}" if several else say, value, visit.operations)


def _operation_steps(operations: list[Operation]) -> Iterator[Step]:
    for o in operations:
        shapes = ", ".join(str(tuple(x.shape)) for x in o.inputs)
        yield _step(f"{o.name}({shapes})", o.result, [o])


def _step(say: str, value: Tensor, operations: list[Operation]) -> Step:
    return Step(say, tuple(shown(value.detach())), value.detach(), tuple(dict.fromkeys(_marks(value, operations))))


def _marks(value: Tensor, operations: list[Operation]) -> Iterator[str]:
    """Warn of what is suspicious about a line: broadcasting, numbers that are not finite, a lost gradient."""
    for o in operations:
        shapes = [x.shape for x in o.inputs]
        grown = (
            len(shapes) > 1 and len({len(s) for s in shapes if len(s)}) > 1
        )  # (N, 1) with (N,), not (N, 1) with (1, N)
        if o.name in PAIRING and grown:
            together = torch.broadcast_shapes(*shapes)
            if together.numel() > max(s.numel() for s in shapes):
                yield _("{shapes} were broadcast to {result}: numbers were paired that may not belong together").format(
                    shapes=", ".join(str(tuple(s)) for s in shapes), result=tuple(together)
                )
    if value.is_floating_point() and not bool(value.isfinite().all()):
        yield _("not finite from here on")
    carries = any(x.requires_grad for o in operations for x in o.inputs)
    meant = any(o.name in NO_GRADIENT for o in operations)
    if carries and value.is_floating_point() and not value.requires_grad and not meant:
        yield _("the gradient ends here")


def shown(value: Tensor) -> list[str]:
    """Write a tensor in a few lines: a number, a row, rows; of more than two dimensions only the shape."""
    if value.is_complex() or value.dim() > 2:
        return [_("a tensor of shape {shape}").format(shape=tuple(value.shape))]
    if value.dim() == 0:
        return [number(value)]
    if value.dim() == 1:
        return [row(value)]
    return elided([row(line) for line in value])
