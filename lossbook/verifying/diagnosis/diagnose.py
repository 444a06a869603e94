"""Finds what is behind batches on which a loss failed."""

from __future__ import annotations

from collections.abc import Sequence

from ...kit.batches.batch import Settings
from ..compare import Trial
from ..examination import Examination
from .by_manner import by_cut, by_gradient, by_infinite_gradient, by_infinity
from .by_ratio import by_offset, by_ratio
from .by_slip import by_slip
from .diagnosis import Diagnosis


def diagnose(
    examination: Examination, trials: Sequence[Trial], fault: str, settings: Settings | None = None
) -> Diagnosis | None:
    """Find what is behind trials that failed with this fault, under these settings of the check."""
    samples = [trial.sample for trial in trials if trial.sample]
    if not samples:
        return None
    of_gradient = fault in ("gradient", "gradient not finite")
    if of_gradient and any(examination.fault(t) == "value" for t in examination.ordinary()):
        return None  # a wrong value explains the wrong gradient
    if fault in ("value", "shape", "gradient"):
        found = by_slip(examination, samples, settings or {}, fault=fault) or by_ratio(samples, fault)
        if found is None and fault == "value":
            return by_offset(samples)
        return by_gradient(samples) if found is None and fault == "gradient" else found
    if fault == "graph cut":
        return by_cut(samples[0])
    if fault == "not finite":
        return by_infinity(examination, samples[0])
    return by_infinite_gradient(samples[0]) if fault == "gradient not finite" else None
