"""The slips that people make, each as the right loss with one thing done wrong.

If the right loss with this bug gives the tested loss's numbers, this is the bug.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from ...kit.batches.batch import Settings
from ..subject.reference import Reference
from . import classes, counts, general, hinges, known, probabilities, reductions, regression, vectors  # noqa: F401
from .slip import MAKERS, Slip, page_of

__all__ = ["Slip", "slips"]


def slips(reference: Reference, settings: Settings, batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """Every slip that makes sense for this loss, the likeliest first."""
    right = reference.bound(settings)[0]
    everything = {**reference.settings, **settings}
    if reference.entry is None:
        yield from known.of_known(right, batches)
    elif reference.entry.name in MAKERS:
        for slip in MAKERS[reference.entry.name](reference, everything):
            yield slip if slip.page else replace(slip, page=page_of(reference))
    yield from reductions.of_reduction(reference, everything)
    yield from general.of_settings(reference, settings)
    yield from general.of_predictions(right, reference)
    yield from general.of_targets(right, reference)
    yield from general.of_order(right, reference)
    yield from general.of_shapes(right)
    yield from general.of_result(right)
    yield from general.of_other_losses(reference)
