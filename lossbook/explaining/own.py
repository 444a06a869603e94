"""The steps of a reader's own loss: line by line, or operation by operation."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

from ..guards.losses import check_result
from ..kit.steps import Step
from ..kit.text import elided, number, row
from ..language import gettext as _
from ..tracing import Broadcast, Operation, Operations, body_of, broadcasts, snapshot, steep, tensors_in
from .lines import Call, Lines, Made, Visit, depth_of

#: Operations that compute nothing: no step of their own.
COPIES = {"to", "type", "type_as", "float", "double", "half", "contiguous", "clone", "detach", "data", "requires_grad"}

#: Operations by which a mask or an index chooses.
CHOOSING = {"mul", "multiply", "where", "getitem", "setitem", "masked_fill", "masked_select", "gather", "index_select"}
CHOOSING |= {"matmul", "einsum", "take_along_dim"}

MOST = 40  #: steps, beyond which the functions that a loss calls are not shown


def own_steps(loss: Callable, arguments: Sequence[Any], settings: dict[str, Any]) -> tuple[Tensor, list[Step]]:
    """Run the reader's own loss once. Returns its value, and a step for each line, or for each operation."""
    operations = Operations(getattr(body_of(loss), "__code__", None))
    lines, before = Lines(operations.code, operations), sys.gettrace()
    try:
        sys.settrace(lines)
        with operations:
            value = loss(*arguments, **settings)
    finally:
        sys.settrace(before)
    check_result(value)
    given = tensors_in([list(arguments), settings])
    found, depth = steps_of(lines.first, operations.seen, given, value), depth_of(lines.first)
    while len(found) > MOST and depth > 0:  # the innermost functions are shown by what they return
        depth -= 1
        lines.fold(depth)
        found = steps_of(lines.first, operations.seen, given, value)
    return value, found or [Step(_("Result"), tuple(shown(value.detach())), snapshot(value).detach(), ())]


def steps_of(call: Call | None, operations: list[Operation], given: list[Tensor], value: Tensor) -> list[Step]:
    """The steps of a loss: those of its lines; of a single line, or none, its operations show more."""
    steps = Steps(operations, given, value)
    found = list(steps.of_call(call)) if call else []
    return found if len(found) > 1 else list(steps.of_operations(operations, last=found)) or found


class Steps:
    """Makes the steps of what was recorded."""

    def __init__(self, operations: list[Operation], given: list[Tensor], value: Tensor) -> None:
        self.operations = operations
        self.broadcasts = {id(b.operation): b for b in broadcasts(operations, given)}
        finite = bool(value.isfinite().all())  # of one that is not, no slope is expected either
        self.steep = {id(o) for o in steep(operations, value)} if finite else set()
        self.result = {id(o) for o in leading_to(value, operations)}  #: operations that the result came from
        #: The loss carries no gradient at all: then comparisons, argmax and the like are told too, where it ended.
        self.lost = not value.requires_grad
        self.told: dict[int, Tensor | None] = {}  #: what a step showed already

    def of_call(self, call: Call, caller: str = "") -> Iterator[Step]:
        """The steps of a function: of a loop, its first and its last turn."""
        for i, visit in enumerate(call.visits):
            before = any(earlier.statement is visit.statement for earlier in call.visits[:i])
            after = any(later.statement is visit.statement for later in call.visits[i + 1 :])
            again = before and visit.statement is not None
            if not (again and after):
                yield from self.of_visit(visit, caller, last=again)

    def of_visit(self, visit: Visit, caller: str, *, last: bool) -> Iterator[Step]:
        """The steps of the functions that a statement called, then its own."""
        for i, inner in enumerate(visit.calls):
            alike = [k for k, other in enumerate(visit.calls) if other.function == inner.function]
            if len(alike) <= 2 or i in (alike[0], alike[-1]):
                yield from self.of_call(inner, inner.function)
        if visit.statement is None:
            yield from self.of_operations(visit.operations)
            return
        code = "; ".join(ast.unparse(statement) for statement in visit.statement)
        if last:
            code = _("{code}, in the last turn of the loop").format(code=code)
        if caller:
            code = _("in {function}: {code}").format(function=caller, code=code)
        for made in visit.made:
            if self._is_known(made, visit, caller):
                continue
            self.told[id(made.itself)] = made.itself
            several = len(visit.made) > 1 or "[" in made.name
            marks = self._marks(made.value, leading_to(made.itself, visit.operations))
            yield step(f"{code}: {made.name}" if several else code, made.value, marks)

    def _is_known(self, made: Made, visit: Visit, caller: str) -> bool:
        """True for what a line only passes on, and an earlier step showed."""
        (statement, *_others) = visit.statement or (None,)
        alias = isinstance(getattr(statement, "value", None), ast.Name)
        passes_on = (isinstance(statement, ast.Return) and bool(visit.calls)) or (alias and bool(caller))
        return id(made.itself) in self.told and (passes_on or "[" in made.name)

    def of_operations(self, operations: Sequence[Operation], last: Sequence[Step] = ()) -> Iterator[Step]:
        """A step for each operation, as the part of the line that ran; the last one as ``last``, if it is given."""
        operations = [o for o in operations if id(o) in self.result and (o.name not in COPIES or o.cut)]
        texts = [o.place.expression if o.place else "" for o in operations]
        runs = Counter((text, o.name) for text, o in zip(texts, operations, strict=True))
        names = Counter(text for text, _name in runs)
        seen: Counter = Counter()
        told: set[str] = set()
        for i, (text, o) in enumerate(zip(texts, operations, strict=True)):
            seen[text, o.name] += 1
            library = names[text] > 1 and bool(text)  # several operations in one place ran inside of it
            marks = self._marks(o.result, [o], inside=library)
            if library or not text:
                text = f"{o.name}({', '.join(map(str, o.shapes))})"
            elif 1 < seen[text, o.name] < runs[text, o.name]:
                continue
            elif seen[text, o.name] > 1:
                text = _("{code}, in the last turn of the loop").format(code=text)
            if i == len(operations) - 1 and last:
                yield step(last[0].say, last[0].value, [*marks, *(m for m in last[0].marks if m not in told)])
            else:
                told.update(marks)
                yield step(text, o.result, marks)

    def _marks(self, value: Tensor, operations: Sequence[Operation], *, inside: bool = False) -> list[str]:
        """Warn of what is suspicious: broadcasting, numbers or slopes that are not finite, a lost gradient."""
        marks = [says_broadcast(self.broadcasts[id(o)]) for o in operations if id(o) in self.broadcasts]
        if value.is_floating_point() and not bool(value.isfinite().all()):
            marks.append(_("not finite from here on"))
        if any(id(o) in self.steep for o in operations):
            marks.append(_("the slope is not finite here, and with it the gradient"))
        cut = value.is_floating_point() and not value.requires_grad and any(self._ends(o) for o in operations)
        if cut and (self.lost or not inside):  # a library that carries the gradient in the end does as it means to
            marks.append(_("the gradient ends here"))
        return marks

    def _ends(self, operation: Operation) -> bool:
        """True where the gradient ended on the way to the result, and was not meant to."""
        exact = not (operation.result.is_floating_point() or operation.result.is_complex())  # whole or truth values
        stepwise = exact and any(x.requires_grad for x in operation.inputs)
        if self.lost or not stepwise:
            return stepwise or (operation.cut and (self.lost or id(operation) in self.result))
        return id(operation) in self.result and not chooses(operation, self.operations)


def chooses(operation: Operation, operations: Sequence[Operation]) -> bool:
    """True where a comparison, an argmax and the like only choose among numbers that carry a gradient, as masks do."""
    made = {id(operation.output)}
    for o in operations:
        if any(id(x) in made for x in o.inputs) and o.output is not None:
            if o.name in CHOOSING and any(x.requires_grad for x in o.inputs):
                return True
            if not o.result.requires_grad:
                made.add(id(o.output))
    return False


def leading_to(value: Tensor | None, operations: Sequence[Operation]) -> list[Operation]:
    """Of the operations of a line those that a value came from; for a number of Python those that left torch."""
    left = [o for o in operations if o.output is None]
    if value is None:
        return left
    wanted, found = {id(value)}, []
    for o in reversed(operations):
        if o.output is not None and id(o.output) in wanted:
            found.append(o)
            wanted |= {id(x) for x in o.inputs}
    if any(not o.inputs for o in found):  # a new tensor, of numbers that had left torch
        found += left
    return found[::-1] or list(operations)


def step(say: str, value: Tensor, marks: Sequence[str]) -> Step:
    return Step(say, tuple(shown(value.detach())), value.detach(), tuple(dict.fromkeys(marks)))


def says_broadcast(found: Broadcast) -> str:
    return _("{shapes} were broadcast to {result}: numbers were paired that may not belong together").format(
        shapes=", ".join(map(str, found.shapes)), result=found.result
    )


def shown(value: Tensor) -> list[str]:
    """Write a tensor in a few lines: a number, a row, rows; of more dimensions its shape and how far its numbers go."""
    shape = tuple(value.shape)
    if value.is_complex() or (value.dim() > 2 and not value.numel()):
        return [_("a tensor of shape {shape}").format(shape=shape)]
    if value.dim() > 2:
        low, high = value.aminmax()
        return [
            _("a tensor of shape {shape}, from {low} to {high}").format(shape=shape, low=number(low), high=number(high))
        ]
    if value.dim() == 0:
        return [number(value)]
    if value.dim() == 1:
        return [row(value)]
    return elided([row(line) for line in value])
