"""Finds the slip that gives the numbers that the loss under test gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from ...kit.batches.batch import Settings
from ...tracing import Operations
from ..compare import Sample, close
from ..examination import Examination
from ..slips import Slip, slips
from ..subject.outcome import Answered, Failed, call
from ..subject.state import quiet

ENOUGH = 4  #: on so many batches a slip must give what the loss gives


def by_slip(
    examination: Examination,
    mine: Callable,
    failing: Sequence[Sample],
    others: Sequence[Sample],
    settings: Settings,
    *,
    fault: str,
    of: Callable[..., Iterator[Slip]] = slips,
) -> Slip | None:
    """The first slip that gives the same values, and if possible the same gradients, on every batch.

    On those on which the loss fails it must be wrong; on the others it must give what the loss gives, right or not.
    """
    samples = sorted(failing, key=lambda sample: sample.batch.edge)[:ENOUGH]
    with_gradients = fault == "gradient"  # then the values are right and say nothing
    values_only = None
    for slip in of(examination.reference, settings, [sample.batch.tensors for sample in samples]):
        loss = examination.reference.kind.around(slip.loss)
        if not _gives_values(loss, samples, examination.tolerance, may_be_right=with_gradients):
            continue
        if not all(_is_not_refuted(loss, s, examination.tolerance) for s in others):
            continue
        if (slip.pairs and not any(_pairs(mine, s) for s in samples)) or (slip.unused and _is_used(examination, mine)):
            continue
        if all(_gives_gradients(loss, s, examination) for s in samples):
            return slip
        if not with_gradients:
            values_only = values_only or slip
    return values_only


def _pairs(mine: Callable, sample: Sample) -> bool:
    """Whether any step of the loss has more numbers than each tensor that goes into it, as one that pairs them."""
    tensors = [t.clone() for t in sample.batch.tensors]
    with Operations(None) as operations, quiet():
        call(lambda: mine(*tensors), ())
    seen = [o for o in operations.seen if o.shapes]
    grown = any(o.result.numel() > max(map(math.prod, o.shapes)) for o in seen)
    return grown or any(_spread(*two) for o in seen for two in itertools.combinations(o.shapes, 2))


def _spread(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes are broadcast to one with more numbers than either has."""
    rank = max(len(one), len(other))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in (one, other)]
    sizes = [*zip(*padded, strict=True)]
    fit = all(m == n or 1 in (m, n) for m, n in sizes)
    return fit and math.prod(map(max, sizes)) > max(math.prod(one), math.prod(other))


def _is_used(examination: Examination, mine: Callable) -> bool:
    """Whether the loss with these settings gives another number than without, on any batch."""
    for trial in examination.trials:
        plain, got = trial.got, call(mine, trial.batch.tensors)
        if not isinstance(plain, Answered) or not isinstance(got, Answered) or plain.value.shape != got.value.shape:
            continue
        if not close(got.value, plain.value, examination.tolerance):
            return True
    return False


def _gives_values(loss: Callable, samples: Sequence[Sample], tolerance: float, *, may_be_right: bool) -> bool:
    """Whether a slip gives what the loss gives on every batch that it takes, and takes one at least."""
    taken = False
    for sample in samples:
        gives = _gives_value(loss, sample, tolerance, may_be_right=may_be_right)
        if gives is False:
            return False  # the right loss may be slow: most slips are out after one batch
        taken = taken or gives is True
    return taken


def _gives_value(loss: Callable, sample: Sample, tolerance: float, *, may_be_right: bool) -> bool | None:
    """Whether a slip gives what the loss gives; None where it raises an error, as it may guard against such input."""
    again = call(loss, sample.batch.tensors)
    if isinstance(again, Failed):
        return None
    if not isinstance(again, Answered) or again.value.numel() != sample.got.value.numel() or not again.is_finite:
        return False
    if not close(sample.got.value.reshape(again.value.shape), again.value, tolerance):
        return False
    right = sample.best.value
    return may_be_right or again.value.shape != right.shape or not close(again.value, right, tolerance)


def _is_not_refuted(loss: Callable, sample: Sample, tolerance: float) -> bool:
    """False if on this batch the slip gives another number; an error tells nothing, as a slip may not take each form."""
    again = call(loss, sample.batch.tensors)
    if not isinstance(again, Answered):
        return True
    if again.value.numel() != sample.got.value.numel():
        return False
    if sample.batch.edge and not (again.is_finite and sample.got.is_finite):
        return True
    return close(sample.got.value.reshape(again.value.shape), again.value, tolerance)


def _gives_gradients(loss: Callable, sample: Sample, examination: Examination) -> bool:
    again = call(loss, sample.batch.tensors, examination.wrt)
    if not isinstance(again, Answered):
        return True
    for mine, theirs in zip(sample.got.gradients, again.gradients, strict=True):
        if mine is None or theirs is None:
            if mine is not theirs:
                return False
        elif not close(mine, theirs, 10 * examination.tolerance):
            return False
    return True
