"""Slips in losses of overlap: Dice, Tversky, Jaccard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses._masks import labels_of, probabilities_of, rows_of
from ...losses._overlap import class_weight, finish, missing_share
from ...losses.dice import dice, dice_loss
from ...losses.focal_tversky import focal_tversky_loss, to_the
from ...losses.generalized_dice import generalized_dice, generalized_dice_loss
from ...losses.jaccard import jaccard, jaccard_loss
from ...losses.tversky import tversky, tversky_loss
from .slip import Loss, slips_by_settings

Map = Callable[[Tensor], Tensor]
OfRows = Callable[[Tensor, Tensor, Tensor], Tensor]  #: of p, 1 − p and t
SMOOTH = (0.0, 1.0, 1e-6, 1e-5, 1e-7, 1e-8)


def of_masks(n: Settings, of: OfRows, activate: Map | None = None) -> Loss:
    """The loss that a function makes of each mask, without guards: people's probabilities may be none."""
    names = ("mode", "batch", "include_background")

    def loss(x: Tensor, t: Tensor) -> Tensor:
        p = activate(x) if activate else probabilities_of(x, n["mode"], n["from_logits"])[0]
        labels = labels_of(x, t, n["mode"], n["ignore_index"])
        p, rest, true = rows_of(p, 1 - p, *labels, *(n[name] for name in names))
        weight = class_weight(n.get("weight"), x, n["mode"], n["include_background"])
        average = n.get("average", "masks")
        return finish(of(p, rest, true), true, n["skip_absent"], x.dtype, n["reduction"], weight, average)

    return loss


def of_activation(n: Settings, of: OfRows) -> Iterator[tuple[str, Loss]]:
    """Probabilities that are wrong, whatever the loss makes of them."""
    if n["mode"] == "multiclass":
        yield _("softmax is missing"), of_masks(n, of, lambda x: x)
        yield _("softmax is applied twice"), of_masks(n, of, lambda x: x.softmax(1).softmax(1))
        yield _("softmax goes over dimension 0, the batch"), of_masks(n, of, lambda x: x.softmax(0))
        yield _("sigmoid of each class where softmax should be"), of_masks(n, of, torch.sigmoid)
    else:
        yield _("sigmoid is missing"), of_masks(n, of, lambda x: x)
        twice: Map = (lambda x: x.sigmoid().sigmoid()) if n["from_logits"] else torch.sigmoid
        yield _("sigmoid is applied twice"), of_masks(n, of, twice)


def of_sums(n: Settings, right: Callable[..., Tensor]) -> Iterator[tuple[str, Loss]]:
    """Masks that are summed over too much, or too little, and means of too many."""
    over_batch, over_sample = (partial(right, **{**n, "batch": batch}) for batch in (True, False))
    yield _("it goes over the whole batch at once, not over each sample"), over_batch
    yield _("it goes over each sample, not over the whole batch"), over_sample
    if n["mode"] != "binary":
        background = partial(right, **{**n, "include_background": not n["include_background"]})
        says = (
            _("class 0, the background, is left out")
            if n["include_background"]
            else _("class 0, the background, counts")
        )
        yield says, background
    if "skip_absent" in n:
        skip = partial(right, **{**n, "skip_absent": not n["skip_absent"]})
        yield (_("empty masks count") if n["skip_absent"] else _("empty masks do not count")), skip


def of_logarithm_and_weights(n: Settings, right: Callable[..., Tensor]) -> Iterator[tuple[str, Loss]]:
    says = (
        _("1 minus the fraction, where minus its logarithm should stand")
        if n["log_loss"]
        else _("minus the logarithm of the fraction, not 1 minus it")
    )
    yield says, partial(right, **{**n, "log_loss": not n["log_loss"]})
    if n["weight"] is not None:
        yield _("the weights of the classes are missing"), partial(right, **{**n, "weight": None})
        by_masks, by_weights = (partial(right, **{**n, "average": kind}) for kind in ("masks", "weights"))
        yield _("the mean divides by the number of masks, not by the sum of their weights"), by_masks
        yield _("the mean divides by the sum of the weights, not by the number of masks"), by_weights


def of_smoothing(n: Settings, right: Callable[..., Tensor]) -> Iterator[tuple[str, Loss]]:
    for value in SMOOTH:
        says = _("it computes with {name} = {value}").format(name="smooth", value=value)
        yield says, partial(right, **{**n, "smooth_nr": value, "smooth_dr": value})
    for value in (n["smooth_dr"], *SMOOTH[1:]):
        yield (
            _("the smoothing number stands in the denominator only"),
            partial(right, **{**n, "smooth_nr": 0.0, "smooth_dr": value}),
        )
        yield (
            _("the smoothing number stands in the numerator only"),
            partial(right, **{**n, "smooth_nr": value, "smooth_dr": 0.0}),
        )


# ---- Dice: Milletari et al., 2016; Jaccard (IoU)


@slips_by_settings("dice")
def dice_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    squared, smooth = n["squared"], (n["smooth_nr"], n["smooth_dr"], n["log_loss"])
    right: Loss = partial(dice_loss, **n)
    itself: OfRows = lambda p, rest, t: dice(p, rest, t, squared, *smooth)  # noqa: E731

    def without_two(p: Tensor, rest: Tensor, t: Tensor) -> Tensor:
        power = 2 if squared else 1
        shared = (p * t).sum(-1)
        return missing_share(shared, (p**power + t**power).sum(-1) - shared, *smooth)

    def union(p: Tensor, rest: Tensor, t: Tensor) -> Tensor:
        return missing_share((p * t).sum(-1), (p * (1 - t) + rest * t).sum(-1), *smooth)

    def hard(p: Tensor, rest: Tensor, t: Tensor) -> Tensor:
        p = (p > 0.5).to(p.dtype)
        return dice(p, 1 - p, t, squared, *smooth)

    yield _("the factor 2 of the intersection is missing"), of_masks(n, without_two)
    yield from of_sums(n, dice_loss)
    says = (
        _("the squares are missing in the denominator") if squared else _("the squares are summed in the denominator")
    )
    yield says, partial(dice_loss, **{**n, "squared": not squared})
    yield from of_logarithm_and_weights(n, dice_loss)
    yield from of_activation(n, itself)
    yield _("Dice itself, without 1 −: it grows with the quality"), lambda x, t: 1 - right(x, t)
    yield _("minus Dice, without 1 −"), lambda x, t: right(x, t) - 1
    yield _("probabilities are turned into 0 and 1, which has no slope"), of_masks(n, hard)
    yield _("the intersection is divided by the union: Jaccard (IoU) instead of Dice"), of_masks(n, union)
    yield from of_smoothing(n, dice_loss)


@slips_by_settings("jaccard")
def jaccard_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    squared, smooth = n["squared"], (n["smooth_nr"], n["smooth_dr"], n["log_loss"])
    power = 2 if squared else 1
    right: Loss = partial(jaccard_loss, **n)

    def with_union(minus: float) -> OfRows:
        """The union with the intersection subtracted so often."""

        def loss(p: Tensor, rest: Tensor, t: Tensor) -> Tensor:
            shared, sizes = (p * t).sum(-1), (p**power + t**power).sum(-1)
            return missing_share(shared, sizes - (minus + 1) * shared, *smooth)

        return loss

    yield _("the intersection is counted twice in the union"), of_masks(n, with_union(0.0))
    yield _("the intersection is subtracted twice from the union"), of_masks(n, with_union(2.0))
    yield _("Dice instead: the intersection counts twice"), partial(dice_loss, **n)
    yield from of_sums(n, jaccard_loss)
    says = (
        _("the squares are missing in the denominator") if squared else _("the squares are summed in the denominator")
    )
    yield says, partial(jaccard_loss, **{**n, "squared": not squared})
    yield from of_logarithm_and_weights(n, jaccard_loss)
    yield from of_activation(n, lambda p, rest, t: jaccard(p, rest, t, squared, *smooth))
    yield _("the index itself, without 1 −: it grows with the quality"), lambda x, t: 1 - right(x, t)
    yield from of_smoothing(n, jaccard_loss)


# ---- Generalized Dice: Sudre et al., 2017


@slips_by_settings("generalized_dice")
def generalized_dice_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    right: Loss = partial(generalized_dice_loss, **n)

    def with_(**changed: str) -> Loss:
        return partial(generalized_dice_loss, **{**n, **changed})

    yield (
        _("the sizes of the classes are not squared in the weights"),
        with_(weighting="simple"),
    )
    yield _("the sizes of the classes are squared in the weights"), with_(weighting="square")
    yield _("the weights of the classes are missing"), with_(weighting="uniform")
    of_dice = {name: value for name, value in n.items() if name not in ("weighting", "absent")}
    yield (
        _("a Dice loss of each class and their mean, where the classes are summed before the division"),
        partial(dice_loss, **of_dice),
    )
    yield _("a class that is not in the mask does not count"), with_(absent="zero")
    yield _("a class that is not in the mask counts with the largest weight"), with_(absent="largest")
    yield _("the factor 2 of the intersection is missing"), lambda x, t: (1 + right(x, t)) / 2
    yield _("Dice itself, without 1 −: it grows with the quality"), lambda x, t: 1 - right(x, t)
    yield from of_sums(n, generalized_dice_loss)
    numbers = n["weighting"], n["absent"], n["smooth_nr"], n["smooth_dr"]
    yield from of_activation({**n, "skip_absent": False}, lambda p, rest, t: generalized_dice(p, rest, t, *numbers))
    yield from of_smoothing(n, generalized_dice_loss)


# ---- Tversky: Salehi et al., 2017; its power: Abraham and Khan, 2018


@slips_by_settings("tversky")
def tversky_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield from _tversky(n, tversky_loss, lambda losses: losses)


@slips_by_settings("focal_tversky")
def focal_tversky_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    gamma = n["gamma"]
    plain = {name: value for name, value in n.items() if name != "gamma"}
    yield _("the power is missing: the plain Tversky loss"), partial(tversky_loss, **plain)
    yield _("the exponent is 1 / gamma, not gamma"), partial(focal_tversky_loss, **{**n, "gamma": 1 / gamma})
    mean: Loss = partial(tversky_loss, **{**plain, "reduction": "mean"})
    yield _("the power of the mean, not the mean of the powers"), lambda x, t: mean(x, t) ** gamma
    yield _("gamma is a factor where it should be an exponent"), lambda x, t: gamma * mean(x, t)
    numbers = n["alpha"], n["beta"], n["smooth_nr"], n["smooth_dr"]
    yield (
        _("the power is taken of the index, not of 1 minus the index"),
        of_masks(n, lambda p, rest, t: 1 - (1 - tversky(p, rest, t, *numbers)) ** gamma),
    )
    yield from _tversky(n, focal_tversky_loss, partial(to_the, gamma))


def _tversky(n: Settings, right: Callable[..., Tensor], then: Map) -> Iterator[tuple[str, Loss]]:
    """What people get wrong in the index; ``then`` is what the loss makes of 1 minus the index."""
    a, b = n["alpha"], n["beta"]
    for alpha, beta, says in (
        (b, a, _("alpha and beta are swapped: false positives and false negatives")),
        (0.5, 0.5, _("Dice instead: the weights are both ½")),
        (1.0, 1.0, _("both weights are 1: Jaccard (IoU) instead")),
    ):
        yield says, partial(right, **{**n, "alpha": alpha, "beta": beta})
    yield from of_sums(n, right)
    yield from of_logarithm_and_weights(n, right)
    numbers = a, b, n["smooth_nr"], n["smooth_dr"], n["log_loss"]
    yield from of_activation(n, lambda p, rest, t: then(tversky(p, rest, t, *numbers)))
    itself: Loss = partial(right, **n)
    yield _("the index itself, without 1 −: it grows with the quality"), lambda x, t: 1 - itself(x, t)
    yield _("the smoothing number is not used"), partial(right, **{**n, "smooth_nr": 0.0, "smooth_dr": 0.0})
    yield from of_smoothing(n, right)
