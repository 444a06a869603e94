"""Tells from the way in which a loss fails what may be wrong: by its graph and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from ...language import gettext as _
from ..compare import Sample
from ..examination import Examination
from .diagnosis import Diagnosis
from .operations import broadcast_in, graph_of, line_at, recorded, recorded_in_reference

CUSTOM = "guide/custom-losses"


def by_gradient(examination: Examination, samples: Sequence[Sample], loss: Callable) -> Diagnosis | None:
    """The value is right and the gradient is not: what kind of wrong."""
    cut = ("detach", "detach_", "data", "item", "tolist", "numpy", "no_grad", "requires_grad")
    if all(g is not None and bool((g == 0).all()) for s in samples for g in s.got.gradients):
        says = _("the gradient is 0 everywhere: the graph is cut, or an operation has no slope")
        return Diagnosis(says, operations=(*cut, "round", "sign", "argmax", "gt", "floor", "ceil"), page=CUSTOM)
    if is_written_by_hand(samples[0].got.result):
        says = _("the backward pass that was written by hand does not belong to the forward pass")
        return Diagnosis(says, operations=("backward",), page=CUSTOM)
    mine = [o for o in recorded(examination, samples[0].batch, loss) if o.cut]
    theirs = [o for o in recorded_in_reference(examination, samples[0].batch) if o.cut]
    if mine and not theirs:
        says = _(
            "the value is right, but a part of the graph is cut: a factor or a branch was detached, and its slope is "
            "missing"
        )
        return Diagnosis(says, line=line_at(mine[0]), operations=cut, page=CUSTOM)
    if theirs and not mine:
        says = _(
            "the value is right, but the right loss holds a part of it constant for the gradient (detach, no_grad), "
            "and this one does not: a detach is missing"
        )
        return Diagnosis(says, page=CUSTOM)
    return None


def by_broadcast(examination: Examination, sample: Sample, loss: Callable) -> Diagnosis | None:
    """Numbers that were paired and may not belong together, as `explain` marks them."""
    found = broadcast_in(examination, sample.batch, loss)
    if found is None:
        return None
    says = _("{shapes} were broadcast to {result}: numbers were paired that may not belong together").format(
        shapes=", ".join(map(str, found.shapes)), result=found.result
    )
    return Diagnosis(says, line=line_at(found.operation), page="what-is-a-loss/l1-and-mse")


def is_written_by_hand(result: Tensor) -> bool:
    """True if somebody wrote a step of the backward pass."""
    return any(type(node).__name__.endswith("Backward") for node in graph_of(result))  # torch's own end in 0
