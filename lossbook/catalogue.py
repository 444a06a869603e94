"""The losses of this package, in the order of the book. Tests, tables, plots and pages are driven by this list."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

from .guards.names import enumerate_names, suggest
from .kit.entry import Entry
from .kit.loss import settings_of
from .language import Phrase, message

#: The files of the losses, in the order of the book.
LOSSES = (
    "l1",
    "mse",
    "smooth_l1",
    "huber",
    "log_cosh",
    "charbonnier",
    "rmse",
    "quantile",
    "poisson_nll",
    "gaussian_nll",
    "kl_div",
    "js_div",
    "distillation",
    "gaussian_kl",
    "bce",
    "bce_with_logits",
    "focal",
    "dice",
    "generalized_dice",
    "tversky",
    "jaccard",
    "focal_tversky",
    "giou",
    "iou",
    "diou",
    "ciou",
    "nll",
    "cross_entropy",
    "softmax_focal",
    "generalized_cross_entropy",
    "symmetric_cross_entropy",
    "soft_target_cross_entropy",
    "token_cross_entropy",
    "linear_cross_entropy",
    "adaptive_log_softmax",
    "arcface",
    "hinge_embedding",
    "soft_margin",
    "margin_ranking",
    "pairwise_logistic",
    "list_net",
    "dpo",
    "ipo",
    "multi_margin",
    "multilabel_margin",
    "multilabel_soft_margin",
    "cosine_embedding",
    "triplet_margin",
    "triplet_margin_with_distance",
    "contrastive",
    "info_nce",
    "nt_xent",
    "supervised_contrastive",
    "clip",
    "ctc",
    "uncertainty_weighting",
)

__all__ = ["CATALOGUE", "Entry", "find", "lookup"]

#: Every loss of the package, an :class:`Entry` each, in the order of the book.
CATALOGUE: tuple[Entry, ...] = tuple(import_module(f"{__package__}.losses.{name}").ENTRY for name in LOSSES)


def lookup(loss: str | Callable) -> Entry | None:
    """Return the entry of a loss, or ``None`` for a loss that is not in the catalogue.

    A loss goes by its name or another that people type (:attr:`Entry.names`), its function, its class or an object of it,
    from lossbook or from torch. An object of a subclass is another loss: its ``forward`` may do something else. A name
    that means several losses raises an error that lists them.
    """
    if isinstance(loss, str):
        return _named(loss)
    for entry in CATALOGUE:
        classes = (entry.module, entry.torch_module)
        if type(loss) in classes or any(
            loss is its for its in (entry.function, entry.torch_function, *classes) if its is not None
        ):
            return entry
    return None


def _named(name: str) -> Entry | None:
    meant = [entry for entry in CATALOGUE if name == entry.name] or [e for e in CATALOGUE if name in e.names]
    if len(meant) > 1:
        losses = enumerate_names([f"{entry.name!r} ({entry.module.__name__})" for entry in meant])
        raise ValueError(
            message(
                "{name!r} means several losses: {losses}. Write the name of the one that you mean.",
                name=name,
                losses=losses,
            )
        )
    return meant[0] if meant else None


def find(loss: str | Callable) -> Entry:
    """Return the entry of a loss, or raise an error with the nearest name.

    >>> find("mse").family
    'regression'
    >>> find("SigmoidFocalLoss").name
    'focal'
    """
    entry = lookup(loss)
    if entry is not None:
        return entry
    names, also = [entry.name for entry in CATALOGUE], [name for entry in CATALOGUE for name in entry.names]
    help = suggest(loss, names, Phrase("It holds:"), also=also)
    raise ValueError(message("The catalogue has no loss {loss!r}. {help}", loss=loss, help=help))


def settings_of_module(module: torch.nn.Module) -> dict[str, Any]:
    """Return the settings that a module of lossbook or torch was built with, for its function."""
    entry = find(module)
    if entry.function is None:
        raise TypeError(
            message(
                "{loss} has no function: its settings belong to the module alone. Call the module.", loss=entry.name
            )
        )
    names = settings_of(entry.function)
    return {name: getattr(module, name) for name in names if hasattr(module, name)}
