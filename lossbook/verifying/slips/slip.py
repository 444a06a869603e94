"""A slip, the decorator that enters slips of a loss, and reductions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ..diagnosis.diagnosis import Diagnosis
from ..subject.reference import Reference

Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Slip(Diagnosis):
    """One thing done wrong, and the loss that it makes of the right one."""

    loss: Loss
    pairs: bool = False  #: whether numbers are paired in it: then somewhere in the loss they are
    unused: bool = False  #: whether a setting has no effect: then the loss is the same without it


Maker = Callable[[Reference, Settings], Iterator[Slip]]
MAKERS: dict[str, Maker] = {}  #: for the losses of the catalogue that have slips of their own, by name


def slips_of(*names: str) -> Callable[[Maker], Maker]:
    """Enter what people get wrong in these losses of the catalogue, the likeliest first.

    The function gets the reference, and a value for each of its settings. A slip without a page gets that of the loss.
    """

    def enter(make: Maker) -> Maker:
        MAKERS.update(dict.fromkeys(names, make))
        return make

    return enter


Pairs = Callable[[Settings], Iterator[tuple[str, Loss]]]


def slips_by_settings(*names: str) -> Callable[[Pairs], Pairs]:
    """Enter slips that depend on the settings of the loss alone, as pairs of what is said and the loss."""

    def enter(pairs: Pairs) -> Pairs:
        slips_of(*names)(lambda reference, settings: (Slip(says, loss) for says, loss in pairs(settings)))
        return pairs

    return enter


EPSILONS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)


REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": torch.mean,
    "sum": torch.sum,
    "none": lambda losses: losses,
    "batchmean": lambda losses: losses.sum() / losses.shape[0],
}


def reduction_of(settings: Settings) -> Callable[[Tensor], Tensor]:
    """The reduction that the settings name, as a function of the losses of all elements."""
    return REDUCTIONS[settings["reduction"]]
