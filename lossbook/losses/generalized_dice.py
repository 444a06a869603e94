"""Generalized Dice loss: one Dice loss of all classes together, in which a small class counts as much as a large one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..kit.batches.batch import Batch, Kind, Settings
from ..kit.entry import Entry, Term
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import ClassNumber, NotNegative, Reduction, Switch, one_of
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, number, row
from ..kit.views import ANSWERS, LOGIT, Inputs, View
from ..language import gettext as _
from . import _overlap as overlap
from ._masks import large_masks, mask_batches, masks, masks_by_hand, sample_of_masks
from ._overlap import Symbols, disagreement, meaning, missing_share, smoothed


@loss_function
def generalized_dice_loss(
    input: Tensor,
    target: Tensor,
    *,
    mode: Annotated[str, one_of("multiclass", "multilabel")] = "multiclass",
    weighting: Annotated[str, one_of("square", "simple", "uniform")] = "square",
    absent: Annotated[str, one_of("largest", "zero")] = "largest",
    from_logits: Switch = True,
    batch: Switch = False,
    smooth_nr: NotNegative = 0.0,
    smooth_dr: NotNegative = 0.0,
    include_background: Switch = True,
    ignore_index: ClassNumber = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""1 minus a Dice coefficient of all classes together, each weighted by how small it is.

    .. math:: \ell(p, t) = 1 - \frac{2 \sum_c w_c \sum_i p_{ci} t_{ci}}
              {\sum_c w_c \big(\sum_i p_{ci} + \sum_i t_{ci}\big)}, \qquad w_c = \frac{1}{\big(\sum_i t_{ci}\big)^2}

    :func:`lossbook.beyond.dice_loss` has a loss for each class and takes their mean; here the classes are summed before the
    division, so that a class is never lost in the mean, nor a missing one undefined.

    Args:
        input: logits, floating point, shape ``(N, C, *)``, or ``(C,)``.
        target: class numbers, shape ``(N, *)``, int64, or masks in the shape of ``input``, 1 in the mask and 0 outside, or
            between; with ``mode="multilabel"`` masks.
        mode: ``"multiclass"`` takes the softmax over dimension 1, ``"multilabel"`` the sigmoid of each class.
        weighting: of a class with a size of n elements 1/n² (``"square"``, the paper), 1/n (``"simple"``) or 1
            (``"uniform"``). The names are those of MONAI's ``w_type``.
        absent: the weight of a class that is not in the mask, n = 0: the ``"largest"`` of those that are, as in MONAI and
            NiftyNet, or ``"zero"``, so that it does not count. Much code has 1/(n² + ε) instead: there the classes that are
            not in the mask outweigh all others.
        from_logits, include_background, ignore_index: as in :func:`lossbook.beyond.dice_loss`.
        batch: whether sizes and sums run over the whole batch, which then has one loss, or over each sample.
        smooth_nr: s, added above. With weights of 1/n² the sums are about 2/n: MONAI's 1e-5 for both outweighs them for
            objects of several 10⁵ voxels, and its loss then falls although nothing gets better. So it is 0 here.
        smooth_dr: d, added below.
        reduction: ``"mean"`` over the samples; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or one loss for each sample, shape ``(N,)``, with ``reduction="none"`` (with ``batch`` and
        for an ``input`` of shape ``(C,)`` it is ``()``). Without a unit, between 0 and 1 where s = d. A sample in which nothing is
        true costs 0 then and has no slope.

    Raises:
        ValueError: shapes differ, a label or a probability lies outside [0, 1], a setting outside its range.
        TypeError: ``input`` holds no floating-point numbers.
        IndexError: a class number outside 0 … C − 1.

    Source: C. H. Sudre et al., "Generalised Dice overlap as a deep learning loss function for highly unbalanced
    segmentations", 2017, https://arxiv.org/abs/1707.03237; MONAI's ``GeneralizedDiceLoss``.

    >>> p = torch.tensor([[[0.5, 0.0, 0.0], [0.5, 1.0, 1.0]]])  # weights 1 and ¼: 1 − 2 (½ + ¼ · 2) / (1½ + ¼ · 4½)
    >>> generalized_dice_loss(p, torch.tensor([[0, 1, 1]]), from_logits=False)
    tensor(0.2381)
    """
    p, rest, t = masks(input, target, mode, from_logits, batch, include_background, ignore_index)
    losses = generalized_dice(p, rest, t, weighting, absent, smooth_nr, smooth_dr)
    return reduce(losses.to(input.dtype), reduction)


def generalized_dice(
    p: Tensor, rest: Tensor, t: Tensor, weighting: str, absent: str, smooth_nr: float, smooth_dr: float
) -> Tensor:
    """1 − generalized Dice of each sample; the classes are the last dimension but one. Σp + Σt as in the Dice loss."""
    weight = weights(t.sum(-1), weighting, absent)
    false, missed = disagreement(p, rest, t)
    shared = 2 * (weight * (p * t).sum(-1)).sum(-1)
    apart = (weight * (false + missed).sum(-1)).sum(-1)
    return missing_share(shared, apart, smooth_nr, smooth_dr)


def weights(sizes: Tensor, weighting: str, absent: str) -> Tensor:
    """The weight of each class, from its size; the classes are the last dimension."""
    there = sizes > 0
    power = {"square": 2, "simple": 1, "uniform": 0}[weighting]
    weight = torch.where(there, torch.where(there, sizes, 1) ** -power, 0)
    return torch.where(there, weight, weight.amax(-1, keepdim=True)) if absent == "largest" else weight


class GeneralizedDiceLoss(Loss):
    """Module form of :func:`lossbook.beyond.generalized_dice_loss`."""

    function = generalized_dice_loss


def definition(
    input: list[list[Any]],
    target: list[list[Any]],
    mode: str = "multiclass",
    weighting: str = "square",
    absent: str = "largest",
    from_logits: bool = True,
    batch: bool = False,
    smooth_nr: float = 0.0,
    smooth_dr: float = 0.0,
) -> Iterator[Term]:
    every = list(masks_by_hand(input, target, mode, from_logits, batch))
    classes = len(input[0])
    for i in range(0, len(every), classes):
        sample = every[i : i + classes]
        sizes = [sum(t) for _p, t in sample]
        found = [{"square": 1 / n**2, "simple": 1 / n, "uniform": 1.0}[weighting] if n else None for n in sizes]
        unseen = max((w for w in found if w is not None), default=0.0) if absent == "largest" else 0.0
        above, below = smooth_nr, smooth_dr
        for w, (p, t) in zip(found, sample, strict=True):
            w = unseen if w is None else w
            above += 2 * w * sum(a * b for a, b in zip(p, t, strict=True))
            below += w * (sum(p) + sum(t))
        yield Term(1 - above / below if below else 0.0)


def formula(
    mode: str, weighting: str, absent: str, from_logits: bool, batch: bool, smooth_nr: float, smooth_dr: float
) -> str:
    symbols = Symbols(mode, from_logits, batch)
    above = smoothed(r"2 \sum_c w_c " + symbols.sum("p t"), "s", smooth_nr)
    below = smoothed(rf"\sum_c w_c \big({symbols.sum('p')} + {symbols.sum('t')}\big)", "d", smooth_dr)
    size = symbols.sum("t")
    weight = {"square": rf"\frac{{1}}{{\big({size}\big)^2}}", "simple": rf"\frac{{1}}{{{size}}}", "uniform": "1"}
    unseen = r"\max_k w_k" if absent == "largest" else "0"
    of_absent = rf",\quad {unseen} \text{{ for }} {size} = 0"
    meanings = meaning("s", smooth_nr), meaning("d", smooth_dr)
    text = symbols.formula(rf"1 - \frac{{{above}}}{{{below}}}", False, *meanings)
    return text + rf" \qquad w_c = {weight[weighting]}{of_absent}"


def steps(input: Tensor, target: Tensor, reduction: str, **settings: Any) -> Iterator[Step]:
    names = ("mode", "from_logits", "batch", "include_background", "ignore_index")
    p, _rest, t = (x.detach() for x in masks(input, target, *(settings[name] for name in names)))
    losses = generalized_dice_loss(input, target, reduction="none", **settings).detach()
    if settings["from_logits"]:
        yield overlap.probability_step(p, settings["mode"])
    sums = []
    for a_sum in (overlap.SHARED, overlap.PREDICTED, overlap.TRUE):
        step = overlap.sum_step(a_sum, p, t)
        yield step
        sums.append(step.value)
    weight = weights(sums[2], settings["weighting"], settings["absent"])
    samples = weight.reshape(-1, weight.shape[-1])
    yield Step(
        _("Weight of each class, from its size in the true mask"), tuple(elided([row(w) for w in samples])), weight
    )
    nr, dr = settings["smooth_nr"], settings["smooth_dr"]
    shared, predicted, true = (totals.reshape(samples.shape) for totals in sums)
    lines = [
        equals(term(w, s, a, b, nr, dr) if w.any() or dr else "0", loss)
        for w, s, a, b, loss in zip(samples, shared, predicted, true, losses.flatten(), strict=True)
    ]
    yield Step(_("Loss of each sample"), tuple(elided(lines)), losses)
    if losses.dim():
        yield from reduction_steps(losses, None, reduction, [number(value) for value in losses])


def term(weight: Tensor, shared: Tensor, predicted: Tensor, true: Tensor, smooth_nr: float, smooth_dr: float) -> str:
    above = [f"{number(w)} · 2 · {number(s)}" for w, s in zip(weight, shared, strict=True)]
    sizes = zip(weight, predicted, true, strict=True)
    below = [f"{number(w)} · ({number(a)} + {number(b)})" for w, a, b in sizes]
    return overlap.ratio(" + ".join(elided(above)), " + ".join(elided(below)), smooth_nr, smooth_dr)


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    return mask_batches({"mode": "multiclass", **settings}, g)


def beside_the_object(label: float) -> Inputs:
    """Two pixels of two classes: one with the logit on the axis for class 1, and one of class 1, found with the logit 2."""

    def inputs(z: Tensor) -> tuple[Tensor, Tensor]:
        of_one = torch.stack([z, torch.full_like(z, 2.0)], dim=-1)
        true = torch.tensor([[1 - label, 0.0], [label, 1.0]], dtype=z.dtype).expand(len(z), -1, -1)
        return torch.stack([torch.zeros_like(of_one), of_one], dim=1), true

    return inputs


ENTRY = Entry(
    name="generalized_dice",
    also=("generalised_dice", "gdl", "GDL", "gdice", "GDiceLoss", "generalised_dice_loss"),
    family="overlap",
    module=GeneralizedDiceLoss,
    page="practice/segmentation",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(
        View(
            LOGIT,
            {case: beside_the_object(label) for case, label in ANSWERS.items()},
            {"mode": "multiclass", "batch": False, "from_logits": True},
        ),
    ),
    batches=Kind(
        batches,
        large_masks,
        trials=({"batch": True}, {"weighting": "simple"}, {"smooth_nr": 1e-5, "smooth_dr": 1e-5}),
    ),
    sample=sample_of_masks,
    settings=(
        {},
        {"batch": True, "weighting": "simple"},
        {"mode": "multilabel", "weighting": "uniform", "absent": "zero"},
        {"smooth_nr": 1.0, "smooth_dr": 0.5, "absent": "zero"},
        {"from_logits": False, "mode": "multilabel", "smooth_nr": 0.25, "smooth_dr": 0.25},
    ),
)
