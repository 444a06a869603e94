"""DPO: a language model learns from pairs of answers which one people preferred."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ..guards.tensors import check_floating, check_same_shape, check_tensors
from ..kit.batches.batch import Settings, normal, row
from ..kit.batches.by_element import elementwise
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, UnitInterval
from ..kit.steps import Step, by_element
from ..kit.text import given, number, operand
from ..kit.text import row as as_row
from ..kit.views import LOG_RATIO, View, beside
from ..language import gettext as _
from .bce_with_logits import softplus


@loss_function
def dpo_loss(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: Positive = 0.1,
    label_smoothing: UnitInterval = 0.0,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Minus the log-probability of the preference, by how much more than a reference the model prefers the chosen answer.

    .. math:: \ell(c, r, c_0, r_0) = -\log \sigma(\beta h), \qquad h = (c - r) - (c_0 - r_0)

    Here c and r are the log-probabilities of the chosen and of the rejected answer, :math:`c_0` and :math:`r_0` those of
    the reference, the model before this training. It is :func:`lossbook.beyond.pairwise_logistic_loss` of the rewards
    :math:`\beta (c - c_0)` and :math:`\beta (r - r_0)`.

    Args:
        chosen_logps: log-probabilities of the chosen answers, given their prompts: **sums** over the tokens of the answer,
            without prompt and padding. Any shape ``(*)``, usually ``(N,)``, floating point.
        rejected_logps: those of the rejected answers, shape of ``chosen_logps``.
        ref_chosen_logps: the reference's, of the chosen answers. Compute them under ``torch.no_grad()``. Without a
            reference (``reference_free``) give zeros.
        ref_rejected_logps: the reference's, of the rejected answers.
        beta: β, larger than 0: how dear it is to move away from the reference. 0.1 in the paper and in TRL.
        label_smoothing: the share ε of the labels that is taken to be wrong, as in conservative DPO (TRL had it up to 0.28):
            −(1 − ε) log σ(βh) − ε log σ(−βh).
        reduction: ``"mean"`` divides by the number of pairs; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; in nats, at least 0, and log 2 where the model is
        the reference. Value and gradient are finite for every finite βh.

    Raises:
        ValueError: shapes differ, or a setting lies outside its range.
        TypeError: a tensor holds no floating-point numbers.

    Source: R. Rafailov et al., "Direct preference optimization", 2023, https://arxiv.org/abs/2305.18290; ``dpo_loss`` of
    TRL's ``DPOTrainer`` up to 0.28, for the names and the smoothing.

    >>> c, r = torch.tensor([-2.0]), torch.tensor([-2.0])  # as likely as before: ln 2
    >>> dpo_loss(c, r, c, r)
    tensor(0.6931)
    >>> dpo_loss(c + 10, r, c, r)  # h = 10, βh = 1: log(1 + e⁻¹)
    tensor(0.3133)
    """
    h = log_ratio(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    losses = softplus(-beta * h)
    if label_smoothing:
        losses = (1 - label_smoothing) * losses + label_smoothing * softplus(beta * h)
    return reduce(losses.to(chosen_logps.dtype), reduction)


def log_ratio(
    chosen_logps: Tensor, rejected_logps: Tensor, ref_chosen_logps: Tensor, ref_rejected_logps: Tensor
) -> Tensor:
    """How much more the model prefers the chosen answer than the reference does; in float32 at least."""
    named: dict[str, Any] = {
        "chosen_logps": chosen_logps,
        "rejected_logps": rejected_logps,
        "ref_chosen_logps": ref_chosen_logps,
        "ref_rejected_logps": ref_rejected_logps,
    }
    check_tensors(**named)
    check_same_shape(**named)
    check_floating(**named)
    wide = torch.promote_types(chosen_logps.dtype, torch.float32)
    c, r, c0, r0 = (value.to(wide) for value in named.values())
    return (c - r) - (c0 - r0)


class DPOLoss(Loss):
    """Module form of :func:`lossbook.beyond.dpo_loss`."""

    function = dpo_loss


def definition(
    chosen: list[float],
    rejected: list[float],
    ref_chosen: list[float],
    ref_rejected: list[float],
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> Iterator[Term]:
    for c, r, c0, r0 in zip(chosen, rejected, ref_chosen, ref_rejected, strict=True):
        p = 1 / (1 + math.exp(-beta * ((c - r) - (c0 - r0))))
        yield Term(-(1 - label_smoothing) * math.log(p) - label_smoothing * math.log(1 - p))


RATIO = given("h", "(c - r) - (c_0 - r_0)")


def formula(beta: float, label_smoothing: float) -> str:
    text = r"-\log \sigma(\beta h)"
    if label_smoothing:
        text = r"-(1 - \epsilon) \log \sigma(\beta h) - \epsilon \log \sigma(-\beta h)"
    text = rf"\ell(c, r, c_0, r_0) = {text}" + RATIO + given(r"\beta", beta)
    return text + (given(r"\epsilon", label_smoothing) if label_smoothing else "")


def ratio_step(*logps: Tensor) -> Step:
    h = log_ratio(*logps)
    return Step(
        _("Log-ratio of chosen to rejected, less that of the reference: h"),
        (as_row(h.flatten()),),
        h,
    )


def term(c: float, r: float, c0: float, r0: float, beta: float, label_smoothing: float) -> str:
    x = beta * ((c - r) - (c0 - r0))
    right, wrong = (f"ln (1 + e^{operand(value)})" for value in (-x, x))
    if not label_smoothing:
        return right
    return f"{number(1 - label_smoothing)} · ({right}) + {number(label_smoothing)} · ({wrong})"


def log_probabilities(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return tuple(8 * normal(g, *shape) - 32 for _answer in range(4))


def edges(settings: Settings) -> Iterator[tuple[str, tuple[Any, ...]]]:
    equal = row(-8, -4, -2)
    yield _("the model is the reference"), (equal, equal - 1, equal, equal - 1)
    yield _("equal answers"), (equal, equal, equal, equal)
    yield _("large log-ratios"), (row(-8, -1000, -2), row(-1000, -8, -900), equal, equal)


ENTRY = Entry(
    name="dpo",
    also=("DPO", "direct_preference_optimization"),
    family="ranking",
    module=DPOLoss,
    page="practice/preferences",
    definition=definition,
    formula=formula,
    steps=by_element(dpo_loss, term, first=ratio_step),
    views=(View(LOG_RATIO, {"": beside(0, 0, 0)}),),
    batches=elementwise(log_probabilities, edges, wrt=(0, 1), trials=({"beta": 0.5}, {"label_smoothing": 0.1})),
    sample=lambda g: tuple(uniform(g, 4, low=-20, high=-1) for _answer in range(4)),
    settings=({}, {"beta": 0.5, "label_smoothing": 0.125}),
)
