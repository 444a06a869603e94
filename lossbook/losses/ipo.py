"""IPO: as DPO, but with a goal for the log-ratio in the place of an ever larger one."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ..kit.batches.by_element import elementwise
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction
from ..kit.steps import by_element
from ..kit.text import given, number, operand
from ..kit.views import LOG_RATIO, View, beside
from .dpo import RATIO, edges, log_probabilities, log_ratio, ratio_step


@loss_function
def ipo_loss(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: Positive = 0.1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The squared distance of the log-ratio h from 1/(2β).

    .. math:: \ell(c, r, c_0, r_0) = \Bigl(h - \frac{1}{2 \beta}\Bigr)^2, \qquad h = (c - r) - (c_0 - r_0)

    The loss of DPO falls for ever, where all people agree, and leads away from the reference; this one is 0 at a finite h.

    Args:
        chosen_logps: log-probabilities of the chosen answers, given their prompts, any shape ``(*)``, usually ``(N,)``,
            floating point. By the paper's formula sums over the tokens; TRL gives **means**, so that long answers do not
            count more.
        rejected_logps: those of the rejected answers, shape of ``chosen_logps``.
        ref_chosen_logps: the reference's, of the chosen answers; compute them under ``torch.no_grad()``.
        ref_rejected_logps: the reference's, of the rejected answers.
        beta: the paper's τ, larger than 0: how dear it is to move away from the reference. TRL calls it β.
        reduction: ``"mean"`` divides by the number of pairs; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; in nats squared, at least 0.

    Raises:
        ValueError: shapes differ, or ``beta`` is not larger than 0.
        TypeError: a tensor holds no floating-point numbers.

    Source: M. G. Azar et al., "A general theoretical paradigm to understand learning from human preferences", 2023,
    equation 17, https://arxiv.org/abs/2310.12036; ``DPOConfig(loss_type="ipo")`` of TRL. Names as in its ``dpo_loss``, up
    to 0.28.

    >>> import torch
    >>> c, r = torch.tensor([-2.0]), torch.tensor([-2.0])  # (0 − 1 / (2 · 0.25))²
    >>> ipo_loss(c, r, c, r, beta=0.25)
    tensor(4.)
    """
    h = log_ratio(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return reduce((h - 1 / (2 * beta)).square().to(chosen_logps.dtype), reduction)


class IPOLoss(Loss):
    """Module form of :func:`lossbook.beyond.ipo_loss`."""

    function = ipo_loss


def definition(
    chosen: list[float],
    rejected: list[float],
    ref_chosen: list[float],
    ref_rejected: list[float],
    beta: float = 0.1,
) -> Iterator[Term]:
    for c, r, c0, r0 in zip(chosen, rejected, ref_chosen, ref_rejected, strict=True):
        yield Term(((c - r) - (c0 - r0) - 1 / (2 * beta)) ** 2)


def formula(beta: float) -> str:
    return r"\ell(c, r, c_0, r_0) = \Bigl(h - \frac{1}{2 \beta}\Bigr)^2" + RATIO + given(r"\beta", beta)


def term(c: float, r: float, c0: float, r0: float, beta: float) -> str:
    return f"({number((c - r) - (c0 - r0))} − {operand(1 / (2 * beta))})²"


ENTRY = Entry(
    name="ipo",
    also=("IPO", "identity_preference_optimization"),
    family="ranking",
    module=IPOLoss,
    page="practice/preferences",
    definition=definition,
    formula=formula,
    steps=by_element(ipo_loss, term, first=ratio_step),
    views=(View(LOG_RATIO, {"": beside(0, 0, 0)}),),
    batches=elementwise(log_probabilities, edges, wrt=(0, 1), trials=({"beta": 0.5},)),
    sample=lambda g: tuple(uniform(g, 4, low=-20, high=-1) for _answer in range(4)),
    settings=({}, {"beta": 0.5}),
)
