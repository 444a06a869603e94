"""What all checks of one loss look at: the loss, the right one, and every batch that was tried."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..kit.batches.batch import Batch
from .compare import DOUBLE, SINGLE, Trial, fault_of, try_on
from .subject.call import Outcome, call
from .subject.candidate import Candidate
from .subject.reference import Reference
from .subject.state import TakesTooLong


class Examination:
    """One loss held against the right one."""

    def __init__(self, candidate: Candidate, reference: Reference) -> None:
        self.candidate, self.reference = candidate, reference
        self.wrt = reference.kind.wrt
        self.loss = reference.kind.around(candidate.loss)
        self.losses = reference.bound({})
        self.single = reference.single  #: whether it, or the right one, computes in float32 inside
        self.trials: list[Trial] = []
        self.refused: dict[str, BaseException] = {}  #: forms of input that the loss does not take, and what it says
        self._try_all()

    @property
    def tolerance(self) -> float:
        return SINGLE if self.single else DOUBLE

    def _try_all(self) -> None:
        batches = self.reference.batches({})
        first = [batch for batch in batches if not batch.base]
        for batch in first:
            self.trials.append(try_on(self.loss, self.losses, batch, self.wrt))
            if self.hangs:
                return
        if self.trials and all(t.got.error is not None for t in self.trials):
            self._try_single(first)
        main = next((t.batch.form for t in self.trials if t.got.error is None), "")
        # In its main form a loss must take every batch; another form it may refuse.
        for trial in self.trials:
            if trial.got.error is not None and trial.batch.form != main:
                self.refused.setdefault(trial.batch.form, trial.got.error)
        taken = {t.batch.form for t in self.trials} - self.refused.keys() if main else set()
        kept = [b for b in map(functools.partial(_fitting, taken=taken), batches) if b.base in taken]
        self.trials += [try_on(self.loss, self.losses, batch, self.wrt) for batch in kept]
        self.single = self.single or self._computes_in_float32()

    def _try_single(self, batches: Sequence[Batch]) -> None:
        """A loss that brings float32 tensors along may refuse float64: it is then tried in float32."""
        inner = self.loss

        def loss(*tensors: Tensor) -> Any:
            return inner(*(t.float() if t.is_floating_point() else t for t in tensors))

        trials = [try_on(loss, self.losses, batch, self.wrt) for batch in batches]
        if any(t.got.error is None for t in trials):
            self.loss, self.trials, self.single = loss, trials, True

    def _computes_in_float32(self) -> bool:
        """Whether its float64 results hold no more digits than float32 has."""
        values = [t.got.value for t in self.trials if t.got.works and not t.batch.edge]
        return len(values) > 2 and all(bool((v.double() == v.float().double()).all()) for v in values)

    def losses_in(self, dtype: torch.dtype) -> list[Callable]:
        """The right losses with their own tensors in this dtype."""
        settings = {
            name: v.to(dtype) if isinstance(v, Tensor) and v.is_floating_point() else v
            for name, v in self.reference.settings.items()
        }
        return [self.reference.kind.around(functools.partial(loss, **settings)) for loss in self.reference.losses]

    @property
    def hangs(self) -> bool:
        """Whether the last call did not come back."""
        return bool(self.trials) and isinstance(self.trials[-1].got.error, TakesTooLong)

    def ordinary(self) -> list[Trial]:
        return [t for t in self.trials if not t.batch.edge and t.batch.form not in self.refused]

    def edges(self) -> list[Trial]:
        return [t for t in self.trials if t.batch.edge and t.batch.form not in self.refused]

    def fault(self, trial: Trial) -> str | None:
        found = fault_of(trial, self.losses, self.wrt, self.tolerance)
        # A person's own inputs, changed by us, may lie outside what the loss is for.
        if found == "error" and self.reference.entry is None and trial.batch.form != "inputs":
            return None
        return found

    def call(self, batch: Batch, loss: Callable | None = None, **how: Any) -> Outcome:
        return call(loss or self.loss, batch.tensors, self.wrt, **how)

    def sample(self) -> Trial | None:
        """An ordinary batch on which the loss runs."""
        return next((t for t in self.ordinary() if t.got.works and t.right), None)

    def sample_with_gradient(self) -> Trial | None:
        """The same, if the loss sends a gradient back on it."""
        trial = self.sample()
        return trial if trial and trial.got.carries_gradient and not trial.got.backward_error else None


def _fitting(batch: Batch, taken: set[str]) -> Batch:
    """An edge for a loss that takes no single row of numbers: as a column."""
    if batch.base == "(N)" and "(N)" not in taken and "(N, D)" in taken:
        return Batch(tuple(t.unsqueeze(-1) for t in batch.tensors), "(N, D)", "(N, D)", batch.edge, batch.name)
    return batch
