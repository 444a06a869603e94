"""Both losses with another number for a setting that they share: what is said of a number must hold there too."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch

from ..compare import Sample, Standard, try_on
from ..examination import Examination
from .by_default import named_numbers, numbers_of

MOST = 3  #: settings that are varied
BATCHES = 2  #: on which they are


class Varied(NamedTuple):
    """The loss under test with another number for one setting, and what is right with it."""

    name: str
    now: float
    other: float
    loss: Callable
    samples: list[Sample]


def varied(examination: Examination, samples: Sequence[Sample]) -> Iterator[Varied]:
    """For each setting that both losses have by the same name and number, both with another one."""
    if not examination.standard.guessed:
        return
    reference, mine = examination.reference, named_numbers(examination)
    theirs = numbers_of(reference.losses[0] if reference.module is None else reference.module)
    shared = [n for n, value in mine.items() if theirs.get(n) == value and (type(value) is float or value > 1)]
    for name in shared[:MOST]:
        other = mine[name] + 1 if type(mine[name]) is int else round(0.8 * mine[name] + 0.03, 6)
        try:
            loss, right = _mine(examination, name, other), _theirs(examination, name, other)
        except Exception:  # a module may not be built or copied with it
            continue
        standard = Standard([right], examination.wrt, examination.standard.guessed, examination.tolerance)
        batches = [s.batch for s in samples if not s.batch.edge][:BATCHES]
        tried = [try_on(loss, standard, batch).sample for batch in batches]
        found = [s for s in tried if s is not None and bool(s.best.value.isfinite().all())]
        if found:
            yield Varied(name, mine[name], other, loss, found)


def _mine(examination: Examination, name: str, value: float) -> Callable:
    candidate = examination.candidate
    if candidate.module is None:
        return examination.reference.kind.around(candidate.with_settings({name: value}))
    return examination.around(_changed(candidate.module, name, value))


def _theirs(examination: Examination, name: str, value: float) -> Callable:
    module = examination.reference.module
    if module is None:
        return examination.reference.bound({name: value})[0]
    return examination.reference.kind.around(_changed(module, name, value))


def _changed(module: torch.nn.Module, name: str, value: float) -> torch.nn.Module:
    changed = copy.deepcopy(module)
    setattr(changed, name, value)
    return changed
