"""The losses of this package, in the order of the book. Tests, tables, plots and pages are driven by this list."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import torch

from ._core import Entry
from .losses import (
    bce,
    bce_with_logits,
    cosine_embedding,
    cross_entropy,
    gaussian_nll,
    hinge_embedding,
    huber,
    kl_div,
    l1,
    margin_ranking,
    mse,
    multi_margin,
    multilabel_margin,
    multilabel_soft_margin,
    nll,
    poisson_nll,
    smooth_l1,
    soft_margin,
    triplet_margin,
    triplet_margin_with_distance,
)

CATALOGUE: tuple[Entry, ...] = tuple(
    loss.ENTRY
    for loss in (
        l1,
        mse,
        smooth_l1,
        huber,
        poisson_nll,
        gaussian_nll,
        kl_div,
        bce,
        bce_with_logits,
        nll,
        cross_entropy,
        hinge_embedding,
        soft_margin,
        margin_ranking,
        multi_margin,
        multilabel_margin,
        multilabel_soft_margin,
        cosine_embedding,
        triplet_margin,
        triplet_margin_with_distance,
    )
)


def find(loss: str | Callable) -> Entry:
    """The entry of a loss, given its name, its function or its module, from lossbook or from torch.

    >>> find("mse").family
    'regression'
    """
    for entry in CATALOGUE:
        torch_module = getattr(torch.nn, entry.module.__name__)
        if loss in (entry.name, entry.function, entry.module, entry.torch_function, torch_module):
            return entry
        if isinstance(loss, (entry.module, torch_module)):
            return entry
    names = [entry.name for entry in CATALOGUE]
    nearest = difflib.get_close_matches(loss, names, n=1) if isinstance(loss, str) else []
    advice = f"Did you mean {nearest[0]!r}?" if nearest else f"It holds: {', '.join(names)}."
    raise ValueError(f"The catalogue has no loss {loss!r}. {advice}")


def settings_of_module(module: torch.nn.Module) -> dict:
    """The settings that a module of lossbook or torch was built with, for its function."""
    names = find(module).module(**{}).settings
    return {name: getattr(module, name) for name in names if hasattr(module, name)}
