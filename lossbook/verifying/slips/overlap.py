"""Slips in losses of overlap: Dice, Tversky, Jaccard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from .slip import Loss

# Dice: Milletari et al., 2016


def dice(x: Tensor, t: Tensor, smooth: float, logits: bool, each: bool, two: float = 2.0, power: int = 1) -> Tensor:
    p = x.sigmoid() if logits else x
    dims = tuple(range(1, x.dim())) if each else tuple(range(x.dim()))
    both = (p * t).sum(dims)
    return (1 - (two * both + smooth) / ((p**power).sum(dims) + (t**power).sum(dims) + smooth)).mean()


def dice_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield _("the factor 2 of the intersection is missing"), partial(dice, **{**n, "two": 1.0})
    yield _("Dice goes over the whole batch at once, not over each sample"), partial(dice, **{**n, "each": False})
    yield _("Dice goes over each sample, not over the whole batch"), partial(dice, **{**n, "each": True})
    yield _("the squares are summed in the denominator"), partial(dice, **{**n, "power": 2})
    yield _("sigmoid is missing"), partial(dice, **{**n, "logits": False})
    yield _("sigmoid is applied twice"), partial(dice, **{**n, "logits": True})
    yield _("Dice itself, without 1 −: it grows with the quality"), lambda x, t: 1 - dice(x, t, **n)
    yield _("minus Dice, without 1 −"), lambda x, t: dice(x, t, **n) - 1

    def hard(x: Tensor, t: Tensor) -> Tensor:
        p = ((x.sigmoid() if n["logits"] else x) > 0.5).to(x.dtype)
        return dice(p, t, **{**n, "logits": False})

    yield _("probabilities are turned into 0 and 1, which has no slope"), hard

    def union(x: Tensor, t: Tensor) -> Tensor:
        p = x.sigmoid() if n["logits"] else x
        dims = tuple(range(1, x.dim())) if n["each"] else tuple(range(x.dim()))
        both = (p * t).sum(dims)
        return (1 - (both + n["smooth"]) / (p.sum(dims) + t.sum(dims) - both + n["smooth"])).mean()

    yield _("the intersection is divided by the union: Jaccard (IoU) instead of Dice"), union
    for smooth in (0.0, 1.0, 1e-6, 1e-5, 1e-8):
        yield (
            _("it computes with {name} = {value}").format(name="smooth", value=smooth),
            partial(dice, **{**n, "smooth": smooth}),
        )

    def not_both(x: Tensor, t: Tensor) -> Tensor:
        p = x.sigmoid() if n["logits"] else x
        dims = tuple(range(1, x.dim())) if n["each"] else tuple(range(x.dim()))
        return (1 - 2 * (p * t).sum(dims) / (p.sum(dims) + t.sum(dims) + n["smooth"])).mean()

    yield _("the smoothing number stands in the denominator only"), not_both

    def above(x: Tensor, t: Tensor) -> Tensor:
        p = x.sigmoid() if n["logits"] else x
        dims = tuple(range(1, x.dim())) if n["each"] else tuple(range(x.dim()))
        return (1 - (2 * (p * t).sum(dims) + n["smooth"]) / (p.sum(dims) + t.sum(dims))).mean()

    yield _("the smoothing number stands in the numerator only"), above


# ---- Tversky (Salehi et al., 2017), which is Jaccard (IoU) with both weights 1


def tversky(x: Tensor, t: Tensor, a: float, b: float, smooth: float, logits: bool, each: bool) -> Tensor:
    p = x.sigmoid() if logits else x
    dims = tuple(range(1, x.dim())) if each else tuple(range(x.dim()))
    hit, false, missed = (p * t).sum(dims), (p * (1 - t)).sum(dims), ((1 - p) * t).sum(dims)
    return (1 - (hit + smooth) / (hit + a * false + b * missed + smooth)).mean()


def tversky_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield (
        _("alpha and beta are swapped: false positives and false negatives"),
        partial(tversky, **{**n, "a": n["b"], "b": n["a"]}),
    )
    yield _("the intersection is counted twice in the union"), lambda x, t: _union(x, t, n, 0.0)
    yield _("the intersection is subtracted twice from the union"), lambda x, t: _union(x, t, n, 2.0)
    yield _("Dice instead: the weights are both ½"), partial(tversky, **{**n, "a": 0.5, "b": 0.5})
    yield _("both weights are 1: Jaccard (IoU) instead"), partial(tversky, **{**n, "a": 1.0, "b": 1.0})
    yield _("it goes over the whole batch at once, not over each sample"), partial(tversky, **{**n, "each": False})
    yield _("it goes over each sample, not over the whole batch"), partial(tversky, **{**n, "each": True})
    yield _("sigmoid is missing"), partial(tversky, **{**n, "logits": False})
    yield _("sigmoid is applied twice"), lambda x, t: tversky(x.sigmoid(), t, **n)
    yield _("the smoothing number is not used"), partial(tversky, **{**n, "smooth": 0.0})


def _union(x: Tensor, t: Tensor, n: Settings, minus: float) -> Tensor:
    p = x.sigmoid() if n["logits"] else x
    dims = tuple(range(1, x.dim())) if n["each"] else tuple(range(x.dim()))
    hit = (p * t).sum(dims)
    return (1 - (hit + n["smooth"]) / (p.sum(dims) + t.sum(dims) - minus * hit + n["smooth"])).mean()
