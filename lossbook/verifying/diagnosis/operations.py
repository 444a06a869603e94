"""What ran inside a loss: its operations, and the graph behind its result."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ...kit.batches.batch import Batch
from ...tracing import Operation, Operations, body_of
from ..examination import Examination
from ..subject.outcome import call

MOST = 2000  #: nodes of a graph that are looked at


def recorded(examination: Examination, batch: Batch) -> list[Operation]:
    """The operations that ran in the loss, each with the line of its own code."""
    try:
        code = body_of(examination.candidate.loss).__code__
    except AttributeError:  # a loss that was compiled has no lines
        code = None
    operations = Operations(code)
    tensors = [t.clone() for t in batch.tensors]
    for i in examination.wrt:
        tensors[i].requires_grad_()
    tensors = [t.clone() if t.requires_grad else t for t in tensors]
    with operations:
        call(lambda: examination.loss(*tensors), ())
    return operations.seen


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
