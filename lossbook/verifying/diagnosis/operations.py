"""The operations that ran inside a loss, and the graph behind its result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from ...kit.batches.batch import Batch
from ...tracing import Broadcast, Operation, Operations, body_of, broadcasts
from ..examination import Examination
from ..subject.state import TakesTooLong, limited, quiet

MOST = 2000  #: nodes of a graph that are looked at


def recorded(examination: Examination, batch: Batch, loss: Callable | None = None) -> list[Operation]:
    """The operations that ran in the loss under test, or in it with other settings or in another dtype."""
    return _recorded(loss or examination.loss, examination.candidate.loss, batch, examination.wrt)[0]


def recorded_in_reference(examination: Examination, batch: Batch) -> list[Operation]:
    """The operations that ran in the right loss."""
    right = examination.standard.losses[0]
    return _recorded(right, examination.reference.losses[0], batch, examination.wrt)[0]


def broadcast_in(examination: Examination, batch: Batch, loss: Callable) -> Broadcast | None:
    """The first operation that paired numbers which may not belong together, as `explain` marks it."""
    seen, given = _recorded(loss, examination.candidate.loss, batch, examination.wrt)
    return next(broadcasts(seen, given), None)


def _recorded(loss: Callable, own: Callable, batch: Batch, wrt: Sequence[int]) -> tuple[list[Operation], list[Tensor]]:
    """The operations that ran in a loss, each with its line in the code of what a person gave; and the tensors it got."""
    code = getattr(body_of(own), "__code__", None)  # a loss that was compiled has no lines
    tensors = [t.clone() for t in batch.tensors]
    for i in wrt:
        tensors[i].requires_grad_()
    tensors = [t.clone() if t.requires_grad else t for t in tensors]
    with Operations(code) as operations, quiet(), contextlib.suppress(Exception, TakesTooLong), limited():
        loss(*tensors)
    return operations.seen, tensors


def line_at(operation: Operation | None) -> str:
    """The line of an operation with its number; empty where there is no source."""
    place = operation.place if operation else None
    return f"{place.line}: {place.code}" if place and place.code else ""


def graph_of(result: Tensor) -> set[Any]:
    """The nodes of the graph behind a result."""
    queue: list[Any] = [result.grad_fn]
    seen: set[Any] = set()
    while queue and len(seen) < MOST:
        node = queue.pop()
        if node is not None and node not in seen:
            seen.add(node)
            queue += [after for after, _ in node.next_functions]
    return seen
