"""Tells by the gradients that the terms of a loss have other weights than those of the right one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from torch import Tensor

from ...language import gettext as _
from ..compare import Sample, close
from ..examination import Examination
from ..subject.arguments import arguments_of, placed
from ..subject.outcome import Answered, call
from .by_argument import argument_names
from .diagnosis import Diagnosis

SAMPLES = 6  #: so many batches are looked at
LEAST = 3  #: so many must agree
LARGEST_PART = 12  #: below the line in a factor that is shown as a ratio


def by_terms(examination: Examination, loss: Callable, samples: Sequence[Sample]) -> Diagnosis | None:
    """Arguments whose gradient is the right one but for a factor, which is not the same for all of them.

    Each then stands in terms of its own, and these are what is weighed wrongly.
    """
    right = examination.standard.losses[0]
    first = samples[0].batch.tensors
    floats = [i for i, t in enumerate(first) if t.is_floating_point() and t.dim()]
    kinds = [t.dtype for t in first]
    alike = [s.batch for s in samples if not s.batch.edge and [t.dtype for t in s.batch.tensors] == kinds]
    found: dict[int, list[float]] = {i: [] for i in floats}
    for batch in alike[:SAMPLES]:
        mine, theirs = call(loss, batch.tensors, floats), call(right, batch.tensors, floats)
        if not isinstance(mine, Answered) or not isinstance(theirs, Answered):
            continue
        for i, got, want in zip(floats, mine.gradients, theirs.gradients, strict=True):
            if want is not None and bool(want.any()):
                found[i].append(_factor(got, want))
    factors = {i: each[0] for i, each in found.items() if len(each) >= LEAST and _are_one(each)}
    if len(factors) < 2 or _are_one([*factors.values()]):
        return None  # an argument that stands in all terms, as a target may, has no such factor
    names = _names(examination, len(first))
    part = _("that of {name} counts {factor} times what it should")
    wrong = {names[i]: _in_words(f) for i, f in factors.items() if not math.isclose(f, 1, rel_tol=1e-5)}
    parts = "; ".join(part.format(name=name, factor=factor) for name, factor in wrong.items())
    return Diagnosis(_("the terms are weighted wrongly: {parts}").format(parts=parts), page="practice/several-losses")


def _factor(got: Tensor | None, want: Tensor) -> float:
    """What the right gradient is to be multiplied with; no number where the two differ otherwise."""
    if got is None or got.shape != want.shape:
        return math.nan
    largest = want.abs().argmax()
    factor = (got.flatten()[largest] / want.flatten()[largest]).item()
    return factor if close(got, want * factor, 1e-6) else math.nan


def _are_one(factors: Sequence[float]) -> bool:
    return all(math.isclose(factor, factors[0], rel_tol=1e-5, abs_tol=1e-9) for factor in factors)


def _in_words(factor: float) -> str:
    ratio = Fraction(factor).limit_denominator(LARGEST_PART)
    return str(ratio) if math.isclose(float(ratio), factor, rel_tol=1e-5) else f"{factor:.4g}"


def _names(examination: Examination, n: int) -> list[str]:
    """What the arguments are called; of those within a list or a dictionary where they stand there."""
    if examination.reference.given is not None:
        known = arguments_of(examination.candidate, examination.reference.given.layout)
        return [a.name if a.is_named else placed([], a.index) for a in known]
    names = argument_names(examination, n)
    return [placed(names, i) for i in range(n)]
