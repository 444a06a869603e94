"""Slips in well-known losses that torch does not have: focal, Dice, distillation, contrastive, InfoNCE, quantile.

The reference is recognized by its values: try every known loss with every listed setting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...kit.loss import settings_of
from ...language import gettext as _
from ...losses.charbonnier import charbonnier_loss
from ...losses.clip import clip_loss
from ...losses.contrastive import contrastive_loss
from ...losses.dice import dice_loss
from ...losses.distillation import distillation_loss
from ...losses.dpo import dpo_loss
from ...losses.gaussian_kl import gaussian_kl_div
from ...losses.info_nce import info_nce_loss
from ...losses.ipo import ipo_loss
from ...losses.jaccard import jaccard_loss
from ...losses.list_net import list_net_loss
from ...losses.nt_xent import nt_xent_loss
from ...losses.pairwise_logistic import pairwise_logistic_loss
from ...losses.quantile import quantile_loss
from ...losses.rmse import rmse_loss
from ...losses.supervised_contrastive import supervised_contrastive_loss
from ...losses.tversky import tversky_loss
from ..subject.state import check_time
from .distributions import distillation, gaussian_kl
from .errors import charbonnier, quantile, rmse
from .focal import focal, focal_slips
from .metric import clip, contrastive, info_nce, nt_xent, supervised_contrastive
from .overlap import SMOOTH, dice_slips, jaccard_slips, tversky_slips
from .preferences import dpo, ipo, list_net, pairwise_logistic
from .slip import Loss, Slip


@dataclass(frozen=True)
class Known:
    """A loss with settings, and what people get wrong in it."""

    loss: Callable[..., Tensor]
    settings: tuple[Settings, ...]  #: to try
    slips: Callable[[Settings], Iterator[tuple[str, Loss]]]


def of_known(right: Loss, batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """Slips of the known loss that equals the reference."""
    for known in KNOWN:
        for settings in known.settings:
            if _agrees(partial(known.loss, **settings), right, batches):
                defaults = {name: parameter.default for name, parameter in settings_of(known.loss).items()}
                for says, loss in known.slips({**defaults, **settings}):
                    yield Slip(says, loss, page="guide/custom-losses")
                return


def _agrees(loss: Loss, right: Loss, batches: Sequence[tuple[Tensor, ...]]) -> bool:
    check_time()
    try:
        return all(torch.allclose(loss(*t), right(*t), rtol=1e-5, atol=1e-7) for t in batches)
    except (RuntimeError, IndexError, TypeError, ValueError):
        return False


def _grid(**values: Sequence[Any]) -> tuple[Settings, ...]:
    found: list[Settings] = [{}]
    for name, options in values.items():
        found = [{**settings, name: option} for settings in found for option in options]
    return tuple(found)


# ---- masks


def masked_mse(x: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    return ((x - t).square() * mask).sum() / mask.sum()


def _masked_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield _("masked elements count in what the mean divides by"), lambda x, t, m: ((x - t).square() * m).mean()
    yield _("the mask is not used"), lambda x, t, m: (x - t).square().mean()
    yield _("the mask is inverted"), lambda x, t, m: masked_mse(x, t, 1 - m)
    yield (
        _("the mean of the means of the rows, which have masks of different lengths"),
        lambda x, t, m: (((x - t).square() * m).sum(1) / m.sum(1).clamp(min=1)).mean(),
    )


def _with_smoothing(every: Sequence[Settings]) -> tuple[Settings, ...]:
    """Settings of a loss of overlap, with what people add above and below: the same, or below only."""
    pairs = [(s, s) for s in SMOOTH] + [(0.0, s) for s in SMOOTH[1:]]
    return tuple({**settings, "smooth_nr": above, "smooth_dr": below} for settings in every for above, below in pairs)


MEANS = ("mean", "sum", "none")
TEMPERATURES = (0.1, 0.07, 0.5, 1.0, 0.2, 0.05)
MASKS = {"from_logits": (False, True), "batch": (False, True), "mode": ("binary", "multiclass")}
WEIGHTS = tuple({"alpha": a, "beta": b} for a, b in ((0.3, 0.7), (0.7, 0.3), (0.5, 0.5)))
KNOWN = (
    Known(
        focal, _grid(gamma=(2.0, 1.0, 3.0, 1.5, 0.5, 5.0), alpha=(None, 0.25, 0.75, 0.5), reduction=MEANS), focal_slips
    ),
    Known(dice_loss, _with_smoothing(_grid(**MASKS)), dice_slips),
    Known(jaccard_loss, _with_smoothing(_grid(**MASKS)), jaccard_slips),
    Known(tversky_loss, tuple(w | s for w in WEIGHTS for s in _with_smoothing(_grid(**MASKS))), tversky_slips),
    Known(nt_xent_loss, _grid(temperature=(0.5, 0.1, 0.07, 1.0, 0.2)), nt_xent),
    Known(rmse_loss, _grid(eps=(0.0, 1e-8, 1e-6, 1e-12, 1e-10, 1e-5, 1e-4)), rmse),
    Known(charbonnier_loss, _grid(eps=(1e-3, 1e-6, 1e-2, 1e-4, 1.0)), charbonnier),
    Known(masked_mse, ({},), _masked_slips),
    Known(gaussian_kl_div, _grid(reduction=("mean", "sum", "batchmean")), gaussian_kl),
    Known(
        distillation_loss,
        _grid(temperature=(2.0, 4.0, 3.0, 1.0, 5.0, 10.0), t_squared=(True, False), direction=("forward", "reverse")),
        distillation,
    ),
    Known(
        contrastive_loss,
        _grid(
            margin=(1.0, 2.0, 0.5),
            half=(False, True),
            similar=(1, 0),
            squared=(True, False),
            distance=("euclidean", "cosine"),
        ),
        contrastive,
    ),
    Known(dpo_loss, _grid(beta=(0.1, 0.5, 0.2, 0.05, 0.01, 1.0), label_smoothing=(0.0, 0.1)), dpo),
    Known(ipo_loss, _grid(beta=(0.1, 0.5, 0.2, 0.05, 0.01, 1.0)), ipo),
    Known(info_nce_loss, _grid(temperature=TEMPERATURES, normalize=(True, False)), info_nce),
    Known(
        supervised_contrastive_loss,
        _grid(temperature=(0.1, 0.07, 0.5, 1.0), base_temperature=(None, 0.07)),
        supervised_contrastive,
    ),
    Known(list_net_loss, _grid(relevance=("softmax", "sum", "raw")), list_net),
    Known(clip_loss, _grid(temperature=TEMPERATURES, normalize=(True, False)), clip),
    Known(pairwise_logistic_loss, _grid(sigma=(1.0, 0.5, 2.0), margin=(0.0, 1.0)), pairwise_logistic),
    Known(quantile_loss, _grid(quantile=(0.9, 0.1, 0.5, 0.25, 0.75, 0.95, 0.05)), quantile),
)
