"""Finds what a loss should have got instead of its arguments: a step that is missing before all that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from ...language import gettext as _
from ..compare import Sample
from ..examination import Examination
from ..repairs import FUNCTIONS
from ..subject.arguments import placed
from .by_argument import argument_names
from .diagnosis import Diagnosis
from .fitting import is_right

CUSTOM = "guide/custom-losses"
Entrance = Callable[[Sequence[Tensor]], Sequence[Tensor]]
FIRST, LAST = slice(None, -1), slice(1, None)


def by_entrance(examination: Examination, loss: Callable, samples: Sequence[Sample]) -> Diagnosis | None:
    """The change of its arguments with which the loss is right, on every batch."""
    names = argument_names(examination, len(samples[0].batch.tensors))
    for says, entrance in _entrances(samples[0].batch.tensors, names):
        if all(is_right(examination, _after(loss, entrance), sample) for sample in samples):
            return Diagnosis(says, page=CUSTOM)
    return None


def _after(loss: Callable, entrance: Entrance) -> Callable[..., Tensor]:
    return lambda *tensors: loss(*entrance(tensors))


def _entrances(tensors: Sequence[Tensor], names: Sequence[str]) -> Iterator[tuple[str, Entrance]]:
    """What may be missing, the likeliest first."""
    yield from _shifts(tensors)
    for i, t in enumerate(tensors):
        for new, made in FUNCTIONS.items() if t.is_floating_point() and t.dim() else ():
            says = _("a step is missing at the beginning: right if {name} goes through {new} first")
            yield says.format(name=placed(names, i), new=f"`{new}`"), partial(_with, i, made)
        for step in (1, -1) if not t.is_floating_point() and t.dtype is not torch.bool else ():
            says = _("the numbers of {name} are off by one: right with {step:+d}").format(
                name=placed(names, i), step=step
            )
            yield says, partial(_with, i, partial(torch.add, other=step))
    for i, t in enumerate(tensors):
        if t.dim() > 2 and t.is_floating_point():
            says = _("the dimensions of {name} are taken in the wrong order: right with {new}")
            for source, target in ((1, -1), (-1, 1)):
                new = f"`movedim({source}, {target})`"
                moved = partial(torch.movedim, source=source, destination=target)
                yield says.format(name=placed(names, i), new=new), partial(_with, i, moved)


def _with(i: int, made: Callable[[Tensor], Tensor], tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    return [made(t) if k == i else t for k, t in enumerate(tensors)]


def _shifts(tensors: Sequence[Tensor]) -> Iterator[tuple[str, Entrance]]:
    """Sequences (N, T, …) that belong together one step further."""
    steps = {t.shape[1] for t in tensors if t.dim() > 1}
    if len(steps) != 1 or min(steps) < 3 or sum(t.dim() > 1 for t in tensors) < 2:
        return
    for says, ends in (
        (_("the shift by one position is missing: each step belongs to the next target"), (FIRST, LAST)),
        (_("the shift by one position is missing: each step belongs to the target before it"), (LAST, FIRST)),
        (_("the last position of each sequence counts, and should not"), (FIRST, FIRST)),
        (_("the first position of each sequence counts, and should not"), (LAST, LAST)),
    ):
        yield says, partial(_cut, ends)


def _cut(ends: tuple[slice, slice], tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    return [t[:, ends[min(i, 1)]] if t.dim() > 1 else t for i, t in enumerate(tensors)]
