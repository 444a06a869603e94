"""The data of all checks of one loss: the loss, the right one, and every batch that was tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..kit.batches.batch import Batch, Settings
from ..kit.precision import cast
from ..language import gettext as _
from .compare import DOUBLE, SINGLE, Sample, Standard, Trial, fault_of, try_on
from .diagnosis.diagnosis import Diagnosis
from .subject.candidate import Candidate
from .subject.outcome import Answered, Failed, Outcome, call
from .subject.reference import Reference
from .subject.state import TakesTooLong


class NotApplicable(Exception):
    """There is nothing that a check could look at; the text says why."""


class Examination:
    """One loss held against the right one."""

    def __init__(self, candidate: Candidate, reference: Reference) -> None:
        self.candidate, self.reference = candidate, reference
        self.wrt = reference.kind.wrt
        self.loss = reference.kind.around(candidate.loss)
        self.single = reference.single  #: whether it, or the right one, computes in float32 inside
        self.trials: list[Trial] = []
        self.refused: dict[str, BaseException] = {}  #: forms of input that the loss does not take, and what it says
        self.diagnosed: dict[str, Diagnosis] = {}  #: what was found behind a fault
        self.standard = self.standard_with({})
        self._try_all()
        self.standard = self.standard_with({})  # now that its tolerance is known

    @property
    def tolerance(self) -> float:
        return SINGLE if self.single else DOUBLE

    def standard_with(self, settings: Settings) -> Standard:
        """The standard for the loss with these settings."""
        guessed = self.reference.entry is None
        return Standard(self.reference.bound(settings), self.wrt, guessed, self.tolerance)

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
        # In its main form a loss must take every batch; another form it may refuse.
        for trial in self.trials:
            if isinstance(trial.got, Failed) and trial.batch.form != main:
                self.refused.setdefault(trial.batch.form, trial.got.error)
        taken = {t.batch.form for t in self.trials} - self.refused.keys() if main else set()
        fitting = [_fitting(batch, taken) for batch in batches]
        self.trials += [try_on(self.loss, self.standard, batch) for batch in fitting if batch.base in taken]
        self.single = self.single or self._computes_in_float32()

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
        if found == "error" and self.reference.entry is None and trial.batch.form != _("inputs"):
            return None
        return found

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
        """The same, if the loss sends a gradient back on it."""
        sample = self.sample()
        if not sample.got.carries_gradient or sample.got.backward_error:
            raise NotApplicable(_("no gradient"))
        return sample


def _fitting(batch: Batch, taken: set[str]) -> Batch:
    """An edge for a loss that takes no single row of numbers: as a column."""
    if batch.base == "(N)" and "(N)" not in taken and "(N, D)" in taken:
        return replace(batch, tensors=tuple(t.unsqueeze(-1) for t in batch.tensors), form="(N, D)", base="(N, D)")
    return batch
