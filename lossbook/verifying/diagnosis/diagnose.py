"""Finds what is behind batches on which a loss failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...kit.batches.batch import Settings
from ..compare import Sample, Standard, Trial, fault_of
from ..examination import Examination
from .by_manner import by_cut, by_gradient, by_infinite_gradient, by_infinity
from .by_ratio import by_offset, by_ratio
from .by_repair import by_repair
from .by_slip import by_slip
from .diagnosis import Diagnosis


@dataclass(frozen=True)
class Evidence:
    """The loss, and every batch that was tried on it under the same settings: those on which it is right refute."""

    loss: Callable
    trials: Sequence[Trial]
    settings: Settings

    def beside(self, failing: Sequence[Sample], standard: Standard) -> list[Sample]:
        """The other batches that a diagnosis must fit, the ordinary ones first: those of the same form, and the right ones.

        In another form a loss may take the input for something else, and so be wrong in another way.
        """
        taken, forms = {id(sample.batch) for sample in failing}, {sample.batch.form for sample in failing}
        others = [
            t.sample
            for t in self.trials
            if t.sample and id(t.batch) not in taken and (t.batch.form in forms or fault_of(t, standard) is None)
        ]
        return sorted(others, key=lambda s: s.batch.edge)


def diagnose(
    examination: Examination, trials: Sequence[Trial], fault: str, evidence: Evidence | None = None
) -> Diagnosis | None:
    """Find what is behind trials that failed with this fault."""
    failing = [trial.sample for trial in trials if trial.sample]
    if not failing:
        return None
    if fault == "graph cut":
        return by_cut(failing[0])
    if fault == "not finite":
        return by_infinity(examination, failing[0])
    if fault in ("gradient", "gradient not finite") and any(
        examination.fault(t) == "value" for t in examination.ordinary()
    ):
        return None  # a wrong value explains the wrong gradient
    if fault == "gradient not finite":
        return by_infinite_gradient(failing[0])
    if fault in ("value", "shape", "gradient") and evidence is not None:
        return _of_numbers(examination, failing, fault, evidence)
    return None


def _of_numbers(
    examination: Examination, failing: Sequence[Sample], fault: str, evidence: Evidence
) -> Diagnosis | None:
    others = evidence.beside(failing, examination.standard_with(evidence.settings))
    every = sorted([*failing, *(s for s in others if not s.batch.edge)], key=lambda s: s.batch.edge)
    found = by_slip(examination, failing, others, evidence.settings, fault=fault) or by_ratio(every, fault)
    if found is None and fault == "value":
        found = by_offset(every)
    return (
        found
        or by_repair(evidence.loss, every, examination.wrt, examination.tolerance, fault=fault)
        or (by_gradient(failing) if fault == "gradient" else None)
    )
