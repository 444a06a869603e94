"""The line of a loss's own source to look at, with its number; empty where the source does not show it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from torch import Tensor

from ...kit.batches.batch import Batch
from ...tracing import body_of
from ..examination import Examination
from ..subject.candidate import Candidate
from .operations import graph_of, line_at, recorded

REDUCING = {"mean", "sum", "div"}


def line_of(examination: Examination, batch: Batch, operations: Sequence[str]) -> str:
    """The line that calls one of these operations."""
    if not operations:
        return ""
    try:
        lines, first = inspect.getsourcelines(body_of(examination.candidate.loss))
    except (OSError, TypeError):
        return ""
    seen = recorded(examination, batch)
    if operations[0] in REDUCING:  # the last of them makes the loss
        found = line_at(next((o for o in reversed(seen) if o.line and o.name in operations), None))
        if found:
            return found
    for name in operations:
        found = line_at(next((o for o in seen if o.line and o.name == name), None))
        if found:
            return found
        # What torch does not see happen stands in the text.
        number = next((first + i for i, line in enumerate(lines) if f"{name}(" in line or f".{name}" in line), 0)
        if first <= number < first + len(lines):
            return f"{number}: {lines[number - first].strip()}"
    return ""


def line_of_error(candidate: Candidate, error: BaseException) -> str:
    """The line that raised an error."""
    found, trace = "", error.__traceback__
    try:
        home = inspect.getsourcefile(candidate.loss if candidate.module is None else type(candidate.module).forward)
        while trace:
            if trace.tb_frame.f_code.co_filename == home:
                lines, first = inspect.getsourcelines(trace.tb_frame)
                found = f"{trace.tb_lineno}: {lines[trace.tb_lineno - first].strip()}"
            trace = trace.tb_next
    except (TypeError, OSError, IndexError):
        return ""
    return found


def line_of_backward(result: Tensor) -> str:
    """The return line of a backward pass that was written by hand."""
    for node in graph_of(result):
        forward = getattr(type(node), "_forward_cls", None)
        if forward is not None:
            try:
                lines, first = inspect.getsourcelines(forward.backward)
            except (OSError, TypeError):
                return ""
            number = next((i for i, line in enumerate(lines) if "return" in line), 0)
            return f"{first + number}: {lines[number].strip()}"
    return ""
