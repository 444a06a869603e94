"""The slips that people make, each as the right loss with one thing done wrong.

If the right loss with this bug gives the tested loss's numbers, this is the bug.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from ...kit.batches.batch import Settings
from ...kit.entry import Entry
from ...kit.loss import settings_of
from ...language import gettext as _
from ..diagnosis.by_ratio import constants
from ..subject.reference import Reference
from . import (  # noqa: F401
    boxes,
    classes,
    counts,
    distributions,
    errors,
    focal,
    general,
    hinges,
    known,
    masks,
    noisy_labels,
    overlap,
    probabilities,
    reductions,
    regression,
    sequences,
    vectors,
)
from .slip import MAKERS, Loss, Slip

__all__ = ["Slip", "slips", "slips_inside", "slips_of_arguments", "slips_of_one_sample", "slips_outside"]


def slips(reference: Reference, settings: Settings, batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """Every slip that makes sense for a loss of the catalogue, the likeliest first."""
    right = reference.bound(settings)[0]
    if reference.entry is not None:
        yield from _of_entry(reference, reference.entry, settings)
    yield from reductions.of_parts(right)
    yield from general.of_predictions(right, reference)
    yield from general.of_targets(right, reference)
    yield from general.of_order(right, reference)
    yield from _of_forms(right)
    yield from general.of_other_losses(reference)


def slips_of_one_sample(reference: Reference, settings: Settings) -> Iterator[Slip]:
    """Every slip of a loss of the catalogue that a batch of one may show: none in how a batch is cut or laid out."""
    assert reference.entry is not None
    right = reference.bound(settings)[0]
    yield from _of_entry(reference, reference.entry, settings)
    yield from general.of_predictions(right, reference)
    yield from general.of_targets(right, reference)
    yield from general.of_order(right, reference)
    yield from general.of_result(right)
    for factor, says, operations in constants():
        yield Slip(says, lambda *t, factor=factor: factor * right(*t), operations=operations)
    yield Slip(_("it is 0 whatever comes in"), lambda *t: 0.0 * right(*t))
    yield from general.of_other_losses(reference)


def _of_forms(right: Loss) -> Iterator[Slip]:
    yield from general.of_shapes(right)
    yield from general.of_shifts(right)
    yield from general.of_elements(right)
    yield from general.of_result(right)


def slips_inside(reference: Reference, settings: Settings, batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """Of a person's own loss: slips of a well-known loss that it equals, and in what is done with all of its elements."""
    right = reference.bound(settings)[0]
    yield from known.of_known(right, batches)
    yield from reductions.of_parts(right)
    yield from _of_forms(right)
    yield from general.of_pairs(right, reference)


def slips_of_arguments(
    reference: Reference, settings: Settings, batches: Sequence[tuple[Tensor, ...]]
) -> Iterator[Slip]:
    """Of a person's own loss: arguments that change places, or are taken for what they are not."""
    right = reference.bound(settings)[0]
    yield from general.of_order(right, reference)
    yield from general.of_meanings(right, reference, batches)


def slips_outside(reference: Reference, settings: Settings, batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """Of a person's own loss: what any loss may do to a prediction or a target; another loss."""
    right = reference.bound(settings)[0]
    yield from general.of_predictions(right, reference)
    yield from general.of_targets(right, reference)
    yield from reductions.of_each_sample(right)
    yield from general.of_other_losses(reference)


def _of_entry(reference: Reference, entry: Entry, settings: Settings) -> Iterator[Slip]:
    """Slips of a loss of the catalogue: its own, in its reduction, in its settings."""
    defaults = {name: parameter.default for name, parameter in settings_of(reference.losses[0]).items()}
    everything = {**defaults, **reference.settings, **settings}
    for slip in itertools.chain(
        general.of_unused(reference, settings, everything, defaults),
        MAKERS[entry.name](reference, everything) if entry.name in MAKERS else (),
        reductions.of_reduction(reference, everything),
        general.of_settings(reference, everything, defaults),
    ):
        yield slip if slip.page else replace(slip, page=entry.page)
