"""Finds where the gradient ends: the operation, what it gives, and why that has no slope."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...tracing import WITHOUT_GRADIENT, Operation, Place
from ..compare import Sample
from ..examination import Examination
from .diagnosis import Diagnosis
from .operations import line_at, recorded

CUSTOM = "guide/custom-losses"
COMPARING = {"gt", "ge", "lt", "le", "eq", "ne", "isclose", "sign", "heaviside", "bool"}
FLAT = {"round", "floor", "ceil", "trunc", "sign", "heaviside"}  #: with a slope that is 0 everywhere
TO_INTEGERS = {"long", "int", "to", "type", "floor_divide"}


def by_cut(examination: Examination, sample: Sample, loss: Callable) -> Diagnosis:
    """No gradient arrives at the prediction."""
    found = cause_of_cut(examination, sample.batch, loss)
    if found is not None:
        return found
    if sample.got.carries_gradient:
        says = _(
            "the graph is cut: the result was wrapped into a new tensor with requires_grad=True, or a part was "
            "detached; no gradient reaches the input"
        )
        return Diagnosis(says, operations=("tensor", "requires_grad_", "from_numpy", "numpy"), page=CUSTOM)
    says = _("the graph is cut: no gradient can flow back (item, numpy, detach, no_grad, argmax or a new tensor)")
    return Diagnosis(says, operations=("numpy", "tensor", "tolist"), page=CUSTOM)


def by_lost_gradient(examination: Examination, samples: Sequence[Sample], loss: Callable) -> Diagnosis | None:
    """The value is right, and no gradient comes, or it is 0 everywhere."""
    if all(g is None or not bool(g.any()) for s in samples for g in s.got.gradients):
        return cause_of_cut(examination, samples[0].batch, loss)
    return None


def cause_of_cut(examination: Examination, batch: Batch, loss: Callable | None = None) -> Diagnosis | None:
    """The operation at which the gradient ends on its way to the result."""
    seen = recorded(examination, batch, loss)
    found = _on_the_way(seen, [o for o in seen if _ends_there(o)])
    if found is None:
        return None
    expression = found.place.expression if found.place else found.name
    variable = variable_at(found.place, expression) if found.place else ""
    what = f"`{expression or found.name}`"
    if variable:
        what = _("{this}, of which `{variable}` is made").format(this=what, variable=variable)
    says = _("the gradient is 0 before {what}: {why}") if found.name in FLAT else _("the graph is cut at {what}: {why}")
    says = says.format(what=what, why=_why(found))
    return Diagnosis(says, line=line_at(found), page=CUSTOM)


def _ends_there(operation: Operation) -> bool:
    carried = any(x.requires_grad for x in operation.inputs)
    if operation.cut or (carried and operation.name in FLAT):
        return True
    return carried and operation.name not in WITHOUT_GRADIENT and not operation.result.is_floating_point()


def _on_the_way(seen: Sequence[Operation], ends: Sequence[Operation]) -> Operation | None:
    """The first of these of whose result the last one is made; of what left torch that cannot be told."""
    after: dict[int, set[int]] = {}  # of each of these, what is made of it
    for o in seen:
        for made in after.values():
            if any(id(x) in made for x in o.inputs):
                made.add(id(o.output))
        if any(o is end for end in ends):
            after[id(o)] = {id(o.output)}
    for end in ends:
        if end.output is not None and id(seen[-1].output) in after[id(end)]:
            return end
    return next((end for end in ends if end.cut), None)


def _why(operation: Operation) -> str:
    if operation.name in COMPARING:
        return _("a comparison gives only true or false, which has no slope; go on with the numbers themselves")
    if operation.name in FLAT:
        return _("a number that was rounded has the slope 0 everywhere")
    if operation.output is None or operation.name in ("numpy", "tensor", "from_numpy"):
        return _("a number of Python or NumPy carries no gradient")
    if not operation.result.is_floating_point() and operation.name not in TO_INTEGERS:
        return _("an index or a count has no slope; go on with the largest value itself, or with softmax")
    if not operation.result.is_floating_point():
        return _("whole numbers have no slope")
    if operation.name in ("detach", "data"):
        return _("what was detached carries no gradient")
    return _("within no_grad nothing is recorded, so no gradient comes back")


def variable_at(place: Place, expression: str) -> str:
    """The name that the line gives to what is made there."""
    try:
        statements = ast.walk(ast.parse(place.code))
    except (SyntaxError, ValueError):
        return ""
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(name := statement.targets[0], ast.Name):
            inside = ast.get_source_segment(place.code, statement.value) or ""
            if expression and expression in inside:
                return name.id
    return ""
