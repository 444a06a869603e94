"""What a slip is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..subject.reference import Reference

Loss = Callable[..., Tensor]
Numbers = dict[str, Any]  #: the settings of a known loss


@dataclass(frozen=True)
class Slip:
    """One thing done wrong."""

    says: str
    loss: Loss  #: takes the tensors of a batch and gives what the slip gives
    operations: tuple[str, ...] = ()  #: operations of torch that a line with this slip calls
    page: str = ""  #: the page of the book that explains it


EPSILONS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)


def page_of(reference: Reference) -> str:
    """The page of the book about this loss."""
    return reference.entry.page if reference.entry else ""


def reduction_of(settings: dict[str, Any]) -> Callable[[Tensor], Tensor]:
    """What the settings make of the losses of all elements."""
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda losses: losses}[settings.get("reduction", "mean")]
