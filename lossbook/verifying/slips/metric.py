"""Slips in losses of metric learning: contrastive, InfoNCE, NT-Xent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from .slip import Loss

# ---- contrastive loss (Hadsell et al., 2006) and InfoNCE (van den Oord et al., 2018)


def contrastive(a: Tensor, b: Tensor, y: Tensor, margin: float, half: bool, similar: int) -> Tensor:
    d = F.pairwise_distance(a, b)
    near = y if similar else 1 - y
    return ((0.5 if half else 1.0) * (near * d**2 + (1 - near) * (margin - d).clamp(min=0) ** 2)).mean()


def contrastive_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    margin, factor = n["margin"], 0.5 if n["half"] else 1.0

    def of(near: Callable, far: Callable) -> Loss:
        def loss(a: Tensor, b: Tensor, y: Tensor) -> Tensor:
            d, same = F.pairwise_distance(a, b), y if n["similar"] else 1 - y
            return factor * (same * near(d) + (1 - same) * far(d)).mean()

        return loss

    def hinge(d: Tensor) -> Tensor:
        return (margin - d).clamp(min=0)

    yield (
        _("the labels are turned round: 0 and 1 change places"),
        partial(contrastive, **{**n, "similar": 1 - n["similar"]}),
    )
    yield (
        _("the margin is missing: dissimilar pairs are pushed apart without end"),
        of(lambda d: d**2, lambda d: -(d**2)),
    )
    yield _("the margin is missing: dissimilar pairs are pushed apart without end"), of(lambda d: d**2, lambda d: -d)
    yield _("the margin is missing"), of(lambda d: d**2, lambda d: (-d).clamp(min=0) ** 2)
    yield _("the square of the hinge is missing"), of(lambda d: d**2, hinge)
    yield _("the squares are missing"), of(lambda d: d, hinge)
    yield (
        _("the margin is compared with the squared distance"),
        of(lambda d: d**2, lambda d: (margin - d**2).clamp(min=0)),
    )
    yield _("the hinge is missing: far pairs cost something"), of(lambda d: d**2, lambda d: (margin - d) ** 2)
    yield _("dissimilar pairs cost nothing"), of(lambda d: d**2, lambda d: 0 * d)
    yield _("the factor ½ is wrong"), partial(contrastive, **{**n, "half": not n["half"]})


def info_nce(a: Tensor, b: Tensor, T: float, both: bool, normal: bool = True) -> Tensor:
    if normal:
        a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    scores, labels = a @ b.T / T, torch.arange(len(a))
    one = F.cross_entropy(scores, labels)
    return (one + F.cross_entropy(scores.T, labels)) / 2 if both else one


def info_nce_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    T = n["T"]
    yield _("the vectors are not divided by their lengths"), partial(info_nce, **{**n, "normal": False})
    yield (
        _("softmax is applied twice: cross-entropy takes the scores themselves"),
        lambda a, b: F.cross_entropy(
            (F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / T).softmax(1), torch.arange(len(a))
        ),
    )
    yield _("the temperature is missing"), partial(info_nce, **{**n, "T": 1.0})
    yield _("the temperature multiplies where it should divide"), partial(info_nce, **{**n, "T": 1 / T})
    yield _("only one of the two directions counts"), partial(info_nce, **{**n, "both": False})
    yield _("the other direction counts: rows and columns are exchanged"), lambda a, b: info_nce(b, a, **n)
    yield _("both directions are added, not averaged"), lambda a, b: 2 * info_nce(a, b, **n)
    yield (
        _("the vectors are normalized over dimension 0, the batch"),
        lambda a, b: info_nce(F.normalize(a, dim=0), F.normalize(b, dim=0), **{**n, "normal": False}),
    )


def nt_xent(a: Tensor, b: Tensor, T: float, itself: bool = False) -> Tensor:
    z = F.normalize(torch.cat([a, b]), dim=1)
    n = len(a)
    scores = z @ z.T / T
    if not itself:
        scores = scores.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))


def nt_xent_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield _("each view is compared with itself: the diagonal is not masked"), partial(nt_xent, **n, itself=True)
    yield _("the temperature is missing"), partial(nt_xent, T=1.0)
    yield _("the temperature multiplies where it should divide"), partial(nt_xent, T=1 / n["T"])
    yield _("only the pairs between the two views count"), lambda a, b: info_nce(a, b, n["T"], True)
