"""The data of all checks of one loss: the loss, the right one, and every batch that was tried."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..kit.batches.batch import Batch, Settings
from ..kit.precision import cast
from ..language import gettext as _
from .compare import DOUBLE, SINGLE, Sample, Standard, Trial, close, fault_of, try_on
from .diagnosis.diagnosis import Diagnosis
from .growth import adds_up, affordable, repeated, sizes
from .smallest import chosen, places
from .subject.candidate import Candidate
from .subject.outcome import Answered, Failed, Outcome, call
from .subject.reference import Reference
from .subject.state import TakesTooLong, TimeIsUp


class NotApplicable(Exception):
    """There is nothing that a check could look at; the text says why."""


class Examination:
    """One loss held against the right one."""

    def __init__(self, candidate: Candidate, reference: Reference) -> None:
        self.candidate, self.reference = candidate, reference
        self.wrt = reference.kind.wrt
        self.loss = self.around(candidate.loss)
        self.single = reference.single  #: whether it, or the right one, computes in float32 inside
        self.trials: list[Trial] = []
        self.larger: list[Trial] = []  #: with many samples, in the main form
        self.refused: dict[str, BaseException] = {}  #: forms of input that the loss does not take, and what it says
        self.diagnosed: dict[str, Diagnosis] = {}  #: what was found behind a fault
        self.unexplained: set[str] = set()  #: faults behind which nothing was found
        self.standard = self.standard_with({})
        with contextlib.suppress(TimeIsUp):  # a slow loss is judged by the batches that it had time for
            self._try_all()
        self.standard = self.standard_with({})  # now that its tolerance is known

    def around(self, loss: Callable) -> Callable:
        """The loss under test, or a copy of it, as the checks call it: with tensors in a row."""
        return self.reference.kind.around(self.candidate.around(loss))

    @property
    def tolerance(self) -> float:
        return SINGLE if self.single else DOUBLE

    def standard_with(self, settings: Settings) -> Standard:
        """The standard for the loss with these settings."""
        return Standard(self.reference.bound(settings), self.wrt, self.reference.guessed, self.tolerance)

    def _try_all(self) -> None:
        batches = self.reference.batches({})
        first = [batch for batch in batches if not batch.base]
        for batch in first:
            self.trials.append(try_on(self.loss, self.standard, batch))
            if self.hangs:
                return
        if self.trials and all(isinstance(t.got, Failed) for t in self.trials):
            self._try_single(first)
        main = next((t.batch.form for t in self.trials if not isinstance(t.got, Failed)), "")
        # In its main form a loss must take every batch; another form it may refuse, or some shapes of it.
        failed = {t.batch.form: t.got.error for t in self.trials if isinstance(t.got, Failed) and t.batch.form != main}
        came_back = {t.batch.form for t in self.trials if not isinstance(t.got, Failed)}
        self.refused = {form: error for form, error in failed.items() if form not in came_back}
        self.trials = [
            t for t in self.trials if not (isinstance(t.got, Failed) and t.batch.form in failed.keys() & came_back)
        ]
        taken = came_back - failed.keys()
        fitting = [_fitting(batch, taken) for batch in batches]
        self.trials += [try_on(self.loss, self.standard, batch) for batch in fitting if batch.base in taken]
        self.single = self.single or self._computes_in_float32()
        self._try_larger([t.batch for t in self.trials if t.batch.form == main and not t.batch.edge and t.sample])

    def _try_larger(self, batches: Sequence[Batch]) -> None:
        """Some of the samples of these batches again and again, as far as time and memory allow."""
        own = self.reference.given is not None
        if not batches or (own and not adds_up(self.standard.losses[0], batches)):
            return  # samples that belong together, in sorted rows for example, no longer would
        wanted = sizes(self.candidate.original, batches[0])
        losses = [self.standard.losses[0], self.loss]
        most = affordable(losses, self.wrt, lambda rows: repeated(batches, rows), max(wanted, default=0))
        larger = [repeated(batches, rows) for rows in wanted if rows <= most]
        self.larger = [try_on(self.loss, self.standard, batch) for batch in larger if batch is not None]

    def _try_single(self, batches: Sequence[Batch]) -> None:
        """A loss that brings float32 tensors along may refuse float64: it is then tried in float32."""
        inner = self.loss

        def loss(*tensors: Tensor) -> Any:
            return inner(*(cast(t, torch.float32) for t in tensors))

        trials = [try_on(loss, self.standard, batch) for batch in batches]
        if not all(isinstance(t.got, Failed) for t in trials):
            self.loss, self.trials, self.single = loss, trials, True

    def _computes_in_float32(self) -> bool:
        """True if its float64 results hold no more digits than float32 has."""
        values = [t.got.value for t in self.trials if isinstance(t.got, Answered) and not t.batch.edge]
        return len(values) > 2 and all(bool((v.double() == v.float().double()).all()) for v in values)

    @property
    def hangs(self) -> bool:
        """True if the last call did not come back."""
        got = self.trials[-1].got if self.trials else None
        return isinstance(got, Failed) and isinstance(got.error, TakesTooLong)

    @property
    def runs(self) -> bool:
        """True if the loss gives a tensor on any batch."""
        return any(isinstance(t.got, Answered) for t in self.trials)

    def ordinary(self) -> list[Trial]:
        return [t for t in self.trials if not t.batch.edge and t.batch.form not in self.refused]

    def edges(self) -> list[Trial]:
        return [t for t in self.trials if t.batch.edge and t.batch.form not in self.refused]

    def fault(self, trial: Trial) -> str | None:
        found = fault_of(trial, self.standard)
        # A person's own inputs, changed by us, may lie outside what the loss is for.
        changed = trial.batch.form != _("inputs") or trial in self.larger
        if found == "error" and self.reference.given and changed:
            return None
        return None if found in ("value", "gradient") and self.leaves_open(trial.batch) else found

    def leaves_open(self, batch: Batch) -> bool:
        """True for an edge that we made of a person's inputs, where their right loss depends on the order in a dimension.

        Equal times in a ranking are such: its author may have thought of inputs without them only.
        """
        given = self.reference.given
        if given is None or not batch.edge or self.reference.draws:
            return False
        right = self.standard.losses[0]

        def turned(tensors: Sequence[Tensor], dim: int) -> bool:
            back = chosen(tensors, dim, range(places(tensors, dim) - 1, -1, -1))
            one, other = call(right, tensors), call(right, back)
            if not isinstance(one, Answered) or not isinstance(other, Answered) or one.value.dim():
                return False
            return not close(one.value, other.value, self.tolerance)

        first = given.batches[0]
        dims = [d for d in range(max(t.dim() for t in first)) if min(places(first, d), places(batch.tensors, d)) > 1]
        return any(turned(batch.tensors, d) and not turned(first, d) for d in dims)

    def run(self, batch: Batch, *, upstream: float = 1.0, passes: int = 1) -> Outcome:
        """Call the loss once more."""
        return call(self.loss, batch.tensors, self.wrt, upstream=upstream, passes=passes)

    def samples(self) -> list[Sample]:
        """The ordinary batches on which the loss runs."""
        return [trial.sample for trial in self.ordinary() if trial.sample]

    def sample(self) -> Sample:
        """The first of them."""
        samples = self.samples()
        if not samples:
            raise NotApplicable(_("no batch on which it runs"))
        return samples[0]

    def sample_with_gradient(self) -> Sample:
        """The first on which the loss sends a finite gradient back: NaN says nothing about how it was passed on."""
        self.sample()
        for sample in self.samples():
            got = sample.got
            finite = all(bool(g.isfinite().all()) for g in got.gradients if g is not None)
            if got.carries_gradient and not got.backward_error and finite:
                return sample
        raise NotApplicable(_("no gradient"))


def _fitting(batch: Batch, taken: set[str]) -> Batch:
    """An edge for a loss that takes no single row of numbers: as a column."""
    if batch.base == "(N)" and "(N)" not in taken and "(N, D)" in taken:
        return replace(batch, tensors=tuple(t.unsqueeze(-1) for t in batch.tensors), form="(N, D)", base="(N, D)")
    return batch
