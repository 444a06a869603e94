"""Whether a changed loss is right on a batch, in value and in gradient."""

from __future__ import annotations

from collections.abc import Callable

from ..compare import Sample, close
from ..examination import Examination
from ..subject.outcome import Answered, call


def is_right(examination: Examination, loss: Callable, sample: Sample) -> bool:
    got, want = call(loss, sample.batch.tensors, examination.wrt), sample.best.value
    if not isinstance(got, Answered) or got.value.numel() != want.numel():
        return False
    if not close(got.value.reshape(want.shape), want, 10 * examination.tolerance):
        return False
    pairs = zip(got.gradients, sample.best.gradients, strict=True)
    return all(a is None or b is None or close(a, b, 100 * examination.tolerance, steep=True) for a, b in pairs)
