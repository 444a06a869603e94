"""What the lines of a loss show as they run: a broadcast, a graph that is cut, the first number that is not finite."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Sequence

import torch

from ...kit.batches.batch import Batch
from ...kit.precision import cast
from ...language import gettext as _
from ...tracing import Operation, Operations, body_of, broadcasts
from ..checks.check import Result, check, passed
from ..diagnosis.by_cut import cause_of_cut
from ..diagnosis.by_infinity import cause_of, cause_of_slope
from ..examination import Examination
from ..subject.outcome import call
from .subject import answered, told


def operations_of(
    examination: Examination, loss: Callable, batch: Batch, dtype: torch.dtype = torch.float64
) -> tuple[list[Operation], list[torch.Tensor]]:
    """The operations that ran in the loss on a batch, and the tensors that it was given."""
    seen = Operations(getattr(body_of(examination.candidate.loss), "__code__", None))
    given: list[torch.Tensor] = []

    def run(*tensors: torch.Tensor) -> object:
        given.extend(tensors)
        with seen:
            return loss(*tensors)

    call(run, [cast(t, dtype) for t in batch.tensors], examination.wrt)
    return seen.seen, given


def why_infinite(
    examination: Examination, loss: Callable, batch: Batch, dtype: torch.dtype = torch.float64
) -> dict[str, str]:
    """Why a result is not finite, and the line; or what an argument's slope there is, which is not."""
    seen, _given = operations_of(examination, loss, batch, dtype)
    first = first_infinite(seen)
    if first is not None:
        return {"line": line_of_operation(first), "diagnosis": cause_of(first)}
    steep = ((o, o.argument) for o in seen if o.argument and o.argument.breaks())
    return next(({"line": line_of_operation(o), "diagnosis": cause_of_slope(a)} for o, a in steep), {})


def first_infinite(seen: Sequence[Operation]) -> Operation | None:
    """The first operation whose result is not finite, though what went in was."""
    for o in seen:
        inputs_finite = all(bool(x.isfinite().all()) for x in o.inputs if x.is_floating_point())
        if o.result.is_floating_point() and inputs_finite and not bool(o.result.isfinite().all()):
            return o
    return None


def line_of_cut(examination: Examination, batch: Batch) -> str:
    """The line after which there is no gradient."""
    seen, _given = operations_of(examination, examination.loss, batch)
    return next((line_of_operation(o) for o in seen if o.cut), "")


def where_cut(examination: Examination, batch: Batch) -> dict[str, str]:
    """Why the gradient ends, and the line after which there is none."""
    found = cause_of_cut(examination, batch)
    return {"line": found.line, "diagnosis": found.says} if found else {"line": line_of_cut(examination, batch)}


def line_left(examination: Examination, batch: Batch) -> str:
    """The line at which a tensor with a gradient becomes a number of Python, which has none."""
    seen, _given = operations_of(examination, examination.loss, batch)
    return next((line_of_operation(o) for o in seen if o.cut and o.output is None), "")


def is_detached_on_purpose(examination: Examination, batch: Batch) -> bool:
    """True if the loss says itself, by detach or no_grad, that a part is a constant for the gradient."""
    seen, _given = operations_of(examination, examination.loss, batch)
    cuts = [o for o in seen if o.cut]
    files = {o.place.file for o in seen if o.place}
    text = "".join(line for file in files for line in linecache.getlines(file))
    return any(o.name.startswith("detach") for o in cuts) or any(word in text for word in ("detach(", "no_grad"))


def line_of_operation(operation: Operation) -> str:
    """The line that an operation stands in, with its number."""
    place = operation.place
    return f"{place.line}: {place.code}" if place and place.code else ""


@check(lambda: _("shapes that meet"), name="broadcast")
def broadcast(examination: Examination) -> Result:
    for batch, _got in answered(examination):
        seen, given = operations_of(examination, examination.loss, batch)
        for found in broadcasts(seen, given):
            place = found.operation.place
            if place and any(sign in place.expression for sign in ("unsqueeze(", "None")):
                continue  # who writes x.unsqueeze(1) - y means all pairs
            says = _("{shapes} were broadcast to {result}: numbers were paired that may not belong together.")
            shapes = ", ".join(map(str, found.shapes))
            return told(says.format(shapes=shapes, result=found.result), line=line_of_operation(found.operation))
    return passed()


@check(lambda: _("warnings"), name="warnings")
def warnings_of_torch(examination: Examination) -> Result:
    """What torch itself warns of, such as a target that is broadcast, or a mean over classes too."""
    for batch, _got in answered(examination):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call(examination.loss, batch.tensors, examination.wrt)
        for warning in caught:
            if issubclass(warning.category, (UserWarning, RuntimeWarning)):
                said = " ".join(str(warning.message).split())
                return told(_("A call warns: {said}").format(said=said), line=_line_of_warning(warning))
    return passed()


def _line_of_warning(warning: warnings.WarningMessage) -> str:
    code = linecache.getline(warning.filename, warning.lineno).strip()
    return f"{warning.lineno}: {code}" if code else ""
