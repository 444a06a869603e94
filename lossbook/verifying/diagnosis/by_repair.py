"""Finds the one change of the loss's own code that makes it right, on every batch, in value and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ...kit.batches.batch import Batch
from ..compare import Sample, close
from ..repairs import MISSING, OF_GRADIENT, WRITTEN, Call, Calls, Knob, Place, hidden_knobs, knobs, others, solved
from ..repairs.call import Run
from ..repairs.change import Maker
from ..subject.outcome import Answered, call
from .diagnosis import Diagnosis

WORK = 60_000  #: calls of torch that are spent on the search
PLACES = 80  #: of a loss that are looked at


class Search:
    """Runs a loss with one of its calls changed."""

    def __init__(self, loss: Callable, samples: Sequence[Sample], wrt: Sequence[int], tolerance: float) -> None:
        self.loss, self.samples, self.wrt, self.tolerance = loss, samples, wrt, tolerance
        self.left = WORK
        first = samples[0].batch
        calls = Calls(first.tensors)
        tensors = [t.clone().requires_grad_() if i in wrt else t.clone() for i, t in enumerate(first.tensors)]
        tensors = [t.clone() for t in tensors]
        calls.inputs = tensors
        with calls:
            self._run(lambda: loss(*tensors))
        self.calls = [c for c in calls.first.values()][:PLACES]

    def _run(self, what: Callable) -> None:
        call(what, ())

    def changed(self, place: Place, run: Run) -> Callable[..., Tensor]:
        """The loss with a change at a place."""

        def loss(*tensors: Tensor) -> Tensor:
            calls = Calls(tensors, place, run)
            try:
                with calls:
                    return self.loss(*tensors)
            finally:
                self.left -= calls.count

        return loss

    def value(self, place: Place, run: Run, batch: Batch) -> Tensor | None:
        got = call(self.changed(place, run), batch.tensors)
        return got.value if isinstance(got, Answered) else None

    def fits(self, place: Place, run: Run) -> bool:
        """True if with this change the loss is right on every batch."""
        return all(self._is_right(place, run, sample) for sample in self.samples) and all(
            self._has_right_slopes(place, run, sample) for sample in self.samples if not sample.batch.edge
        )

    def _is_right(self, place: Place, run: Run, sample: Sample) -> bool:
        value, want = self.value(place, run, sample.batch), sample.best.value
        return (
            value is not None
            and value.numel() == want.numel()
            and value.is_floating_point()
            and close(value.reshape(want.shape), want, self.tolerance)
        )

    def _has_right_slopes(self, place: Place, run: Run, sample: Sample) -> bool:
        got = call(self.changed(place, run), sample.batch.tensors, self.wrt)
        if not isinstance(got, Answered):
            return False
        for mine, right in zip(got.gradients, sample.best.gradients, strict=True):
            if right is None or not bool(right.isfinite().all()):
                continue
            if mine is None:
                mine = torch.zeros_like(right)
            if not close(mine, right, 100 * self.tolerance):
                return False
        return True

    def of_makers(self, makers: Sequence[Maker]) -> Iterator[Diagnosis]:
        for maker in makers:
            for made in self.calls:
                for change in maker(made):
                    if self.left < 0:
                        return
                    if self.fits(made.place, change.run):
                        yield _told(made, change.says, change.new)

    def of_knobs(self, makers: Sequence[Callable[[Call], Iterator[Knob]]]) -> Iterator[Diagnosis]:
        for maker in makers:
            for made in self.calls:
                for knob in maker(made):
                    if self.left < 0:
                        return
                    value = self._turned(made.place, knob)
                    if value is not None and value != knob.start and self.fits(made.place, knob.at(value)):
                        yield _told(made, knob.says, number=f"{value:.6g}", now=f"{knob.start:.6g}")

    def _turned(self, place: Place, knob: Knob) -> float | None:
        sample = self.samples[0]
        want = sample.best.value

        def off(value: float) -> float:
            got = self.value(place, knob.at(value), sample.batch)
            if got is None or got.numel() != want.numel():
                return math.nan
            return (got.reshape(want.shape) - want).sum().item()

        found = solved(off, knob.start, 1e-9 * max(1.0, want.abs().sum().item()))
        if found is None and off(knob.start * 1.01) == off(knob.start):
            found = next((v for v in others(knob) if abs(off(v)) < 1e-9), None)
        return found


def _told(made: Call, says: str, new: str = "", **numbers: str) -> Diagnosis:
    old = f"`{made.place.text}`"
    new = f"`{new}`" if new else ""
    return Diagnosis(says.format(old=old, new=new, **numbers), line=made.place.line)


def by_repair(
    loss: Callable, samples: Sequence[Sample], wrt: Sequence[int], tolerance: float, *, fault: str
) -> Diagnosis | None:
    """The likeliest change that makes the loss right; None if no single one does."""
    search = Search(loss, samples, wrt, tolerance)
    if fault == "gradient":
        return next(search.of_makers(OF_GRADIENT), None)
    for found in (
        search.of_makers(WRITTEN),
        search.of_knobs([knobs]),
        search.of_knobs([hidden_knobs]),
        search.of_makers(MISSING),
    ):
        diagnosis = next(found, None)
        if diagnosis is not None:
            return diagnosis
    return None
