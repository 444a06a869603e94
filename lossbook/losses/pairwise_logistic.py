"""Pairwise logistic loss: which of two is better? RankNet's, and that of a reward model (Bradley and Terry)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_floating, check_real, check_same_shape, check_soft_labels, check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, normal, row
from ..kit.batches.by_element import elementwise
from ..kit.curve import reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Number, Positive, Reduction
from ..kit.steps import by_element
from ..kit.text import given, number, operand
from ..kit.views import ANSWERS, LEAD, View, each
from ..language import gettext as _
from .bce_with_logits import logistic, logistic_slope, softplus


@loss_function
def pairwise_logistic_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor | None = None,
    *,
    margin: Number = 0.0,
    sigma: Positive = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Minus the log-probability that the better of two has the better score.

    .. math:: \ell(s_1, s_2, y) = -y \log \sigma(d) - (1 - y) \log \sigma(-d), \qquad d = s_1 - s_2

    Of Bradley and Terry's model: scores are the logarithms of strengths, and each wins in proportion to its own.

    Args:
        input1: scores or rewards of the first of each pair, any shape ``(*)``, floating point.
        input2: those of the second, shape of ``input1``.
        target: the probability y that the first is better, in [0, 1], shape of ``input1``: 1, 0, and ½ for a tie, as in
            RankNet. Without it the first is the better one, the chosen answer of a reward model.
        margin: by how much the better one should lead. Llama 2 gives a larger one to clearer preferences; TRL's
            ``RewardTrainer`` takes it, too.
        sigma: larger than 0, the steepness: what the lead, less the margin, is multiplied by. RankNet's paper has
            none (1); σ in its author's later overview, "From RankNet to LambdaRank to LambdaMART".
        reduction: ``"mean"`` divides by the number of pairs; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; in nats, at least 0, and log 2 for equal scores
        without a margin. Value and gradient are finite wherever the difference is.

    Raises:
        ValueError: shapes differ, a target lies outside [0, 1], or a setting outside its range.
        TypeError: scores are no floating-point numbers.

    Source: C. Burges et al., "Learning to rank using gradient descent", 2005; for rewards, H. Touvron et al., "Llama 2",
    2023, https://arxiv.org/abs/2307.09288, equations 1 and 2.

    >>> pairwise_logistic_loss(torch.tensor([2.0]), torch.tensor([2.0]))  # equal scores: ln 2
    tensor(0.6931)
    >>> better, worse = torch.tensor([3.0]), torch.tensor([2.0])  # a lead of 1: log(1 + e⁻¹)
    >>> pairwise_logistic_loss(better, worse)
    tensor(0.3133)
    """
    check_tensors(input1=input1, input2=input2)
    check_same_shape(input1=input1, input2=input2)
    check_floating(input1=input1)
    check_floating(input2=input2)
    d = input1 - input2
    if target is None:
        losses = softplus(sigma * (margin - d))
    else:
        check_tensors(input1=input1, target=target)
        check_same_shape(input1=input1, target=target)
        check_real(target=target)
        check_soft_labels(target=target)
        if margin:
            losses = target * softplus(sigma * (margin - d)) + (1 - target) * softplus(sigma * (margin + d))
        else:
            d = d if sigma == 1 else sigma * d
            return reduced_curve(d, logistic, logistic_slope, target, reduction=reduction).to(input1.dtype)
    return reduce(losses.to(input1.dtype), reduction)


class PairwiseLogisticLoss(Loss):
    """Module form of :func:`lossbook.beyond.pairwise_logistic_loss`."""

    function = pairwise_logistic_loss


def definition(
    first: list[float],
    second: list[float],
    target: list[float] | None = None,
    margin: float = 0.0,
    sigma: float = 1.0,
) -> Iterator[Term]:
    for a, b, y in zip(first, second, target or [1.0] * len(first), strict=True):
        right, wrong = (math.log(1 + math.exp(sigma * (margin - d))) for d in (a - b, b - a))
        yield Term(y * right + (1 - y) * wrong)


def formula(target: Tensor | None, margin: float, sigma: float) -> str:
    before, after = ("", "") if sigma == 1 else (r"\kappa\,(", ")")
    right, wrong = ("d", "-d") if not margin else ("d - m", "-d - m")
    right, wrong = before + right + after, before + wrong + after
    text = rf"\ell(s_1, s_2) = -\log \sigma({right})"
    if target is not None:
        text = rf"\ell(s_1, s_2, y) = -y \log \sigma({right}) - (1 - y) \log \sigma({wrong})"
    text += given("d", "s_1 - s_2") + (given("m", margin) if margin else "")
    return text + (given(r"\kappa", sigma) if sigma != 1 else "")


def term(a: float, b: float, y: float | None, margin: float, sigma: float) -> str:
    right, wrong = (f"ln (1 + e^{operand(sigma * (margin - d))})" for d in (a - b, b - a))
    if y is None or y in (0, 1):
        return wrong if y == 0 else right
    return f"{number(y)} · ({right}) + {number(1 - y)} · ({wrong})"


def compared(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return 2 * normal(g, *shape), 2 * normal(g, *shape), torch.randint(2, shape, generator=g).double()


def edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield _("equal scores"), (row(1, 2, 3), row(1, 2, 0), row(1, 0, 1))
    yield _("soft labels"), (row(1, -1, 2), row(0, 1, 2), row(0.25, 0.75, 0.5))
    yield _("far apart"), (row(100, -100, 1000), row(-100, 100, -1000), row(1, 1, 0))


LABELLED = elementwise(compared, edges)


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    yield from LABELLED.batches(settings, g)
    for n in (6, 11):
        yield Batch((2 * normal(g, n), 2 * normal(g, n)), _("without labels"))


ENTRY = Entry(
    name="pairwise_logistic",
    also=("ranknet", "RankNet", "bradley_terry", "BradleyTerry", "reward_model", "pairwise_logsigmoid"),
    family="ranking",
    module=PairwiseLogisticLoss,
    page="practice/preferences",
    definition=definition,
    formula=formula,
    steps=by_element(pairwise_logistic_loss, term),
    views=(View(LEAD, each(ANSWERS, 0.0)),),
    batches=Kind(batches, LABELLED.large, wrt=(0, 1), trials=({"margin": 1.0}, {"sigma": 2.0}), elementwise=True),
    sample=lambda g: (uniform(g, 5), uniform(g, 5), torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0]).double()),
    settings=({}, {"margin": 0.5, "sigma": 2.0}, {"margin": -0.25}),
)
