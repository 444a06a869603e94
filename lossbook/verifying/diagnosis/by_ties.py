"""Says that a loss differs only where numbers are equal that differ in every batch a person gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...language import gettext as _
from ..compare import Sample, close
from ..examination import Examination
from ..subject.arguments import placed
from ..subject.outcome import Answered, call
from .by_argument import argument_names
from .diagnosis import Diagnosis

APART = 1e-3  #: what equal numbers are set apart by


def by_ties(examination: Examination, failing: Sequence[Sample], loss: Callable) -> Diagnosis | None:
    """The argument with ties, where the loss is right as soon as there are none."""
    names = argument_names(examination, len(failing[0].batch.tensors))
    for i, first in enumerate(failing[0].batch.tensors):
        others = [s.batch.tensors[i] for s in examination.samples()]
        if not first.is_floating_point() or not others or any(map(_has_ties, others)):
            continue
        if all(_is_right_without(examination, loss, sample, i) for sample in failing):
            says = _("it differs only on ties: where {name} holds equal numbers, which no batch that was given does")
            return Diagnosis(says.format(name=placed(names, i)), page="guide/custom-losses")
    return None


def _has_ties(tensor: Tensor) -> bool:
    return tensor.unique().numel() < tensor.numel()


def _is_right_without(examination: Examination, loss: Callable, sample: Sample, i: int) -> bool:
    tensors = list(sample.batch.tensors)
    if not _has_ties(tensors[i]):
        return False
    # In both orders: of two ties either may come first.
    steps = torch.arange(tensors[i].numel(), dtype=tensors[i].dtype).reshape(tensors[i].shape) * APART
    for step in (steps, -steps):
        apart = [*tensors[:i], tensors[i] + step, *tensors[i + 1 :]]
        mine, right = call(loss, apart), call(examination.standard.losses[0], apart)
        if not isinstance(mine, Answered) or not isinstance(right, Answered) or mine.value.shape != right.value.shape:
            return False
        if not close(mine.value, right.value, examination.tolerance):
            return False
    return True
