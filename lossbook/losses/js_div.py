"""Jensen–Shannon divergence: how far two distributions are from the mixture of both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor

from ..guards.classes import classes_last
from ..kit.batches.by_class import distributions
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import ClassDim, Reduction, Switch, inside
from ..kit.steps import Step, by_sample
from ..kit.text import elided, given, number, row
from ..kit.views import Q, View, two_classes
from ..language import gettext as _


@loss_function
def js_div(
    input: Tensor,
    target: Tensor,
    *,
    beta: Annotated[float, inside(0, 1)] = 0.5,
    log_target: Switch = False,
    dim: ClassDim = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The mean Kullback–Leibler divergence of the target's p and the model's q from their mixture m.

    .. math:: \ell(\log q, p) = \beta \sum_j p_j \log \frac{p_j}{m_j} + (1 - \beta) \sum_j q_j \log \frac{q_j}{m_j}, \qquad
              m_j = \beta\, p_j + (1 - \beta)\, q_j

    With β = ½ it is the same when p and q change places, and its root is a distance. Unlike
    :func:`lossbook.functional.kl_div` it is never infinite: where one of the two is 0, the mixture is not.

    Args:
        input: **log**-probabilities :math:`\log q` of the model, shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``,
            floating point: what ``log_softmax`` returns.
        target: probabilities :math:`p`, shape of ``input``; log-probabilities with ``log_target=True``.
        beta: β, the share of the target in the mixture, in (0, 1). Generalized knowledge distillation has it so. As β
            goes to 0, the divergence over β goes to KL(p ‖ q); as β goes to 1, over 1 − β, to KL(q ‖ p).
        log_target: whether ``target`` holds logarithms.
        dim: the dimension of the classes; ``None`` is 1, or 0 for one sample. For a language model, ``(B, T, V)``, −1.
        reduction: ``"mean"`` divides by the number of distributions, not of elements; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or one divergence for each distribution with ``reduction="none"``; in nats, between 0
        and ln 2 (for other β the entropy of β and 1 − β), up to rounding. A probability of 0 adds 0, with gradient 0.

    Raises:
        ValueError: shapes differ, or ``beta`` lies outside its range.
        TypeError: no floating-point numbers.

    Source: J. Lin, "Divergence measures based on the Shannon entropy", 1991, https://doi.org/10.1109/18.61115; with β, R.
    Agarwal et al., "On-policy distillation of language models", 2023, https://arxiv.org/abs/2306.13649.

    >>> js_div(torch.tensor([[1.0, 0.0]]).log(), torch.tensor([[0.0, 1.0]]))  # nothing in common: ln 2
    tensor(0.6931)
    """
    log_q, wanted = classes_last(dim, input=input, target=target)
    wide = torch.promote_types(input.dtype, torch.float32)
    limits = torch.finfo(wide)
    # A probability of 0 is kept from the logarithm of 0: it will be multiplied by 0.
    log_q = log_q.to(wide).clamp_min(limits.min / 2)
    log_p = wanted.to(wide).clamp_min(limits.min / 2) if log_target else wanted.to(wide).clamp_min(limits.tiny).log()
    p = log_p.exp() if log_target else wanted.to(wide)
    log_m = torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))
    from_p, from_q = (p * (log_p - log_m)).sum(-1), (log_q.exp() * (log_q - log_m)).sum(-1)
    return reduce((beta * from_p + (1 - beta) * from_q).to(input.dtype), reduction)


class JSDivLoss(Loss):
    """Module form of :func:`lossbook.beyond.js_div`."""

    function = js_div


def definition(
    log_q: list[list[float]],
    target: list[list[float]],
    beta: float = 0.5,
    log_target: bool = False,
    dim: int | None = None,
) -> Iterator[Term]:
    for logs, other in zip(log_q, target, strict=True):
        q, p = [math.exp(x) for x in logs], [math.exp(t) for t in other] if log_target else other
        mixture = [beta * a + (1 - beta) * b for a, b in zip(p, q, strict=True)]
        from_p = sum(a * math.log(a / m) for a, m in zip(p, mixture, strict=True) if a > 0)
        from_q = sum(b * math.log(b / m) for b, m in zip(q, mixture, strict=True) if b > 0)
        yield Term(beta * from_p + (1 - beta) * from_q)


def formula(beta: float, log_target: bool) -> str:
    target = r"\log p" if log_target else "p"
    text = (
        rf"\ell(\log q, {target}) = \beta \sum_j p_j \log \frac{{p_j}}{{m_j}}"
        r" + (1 - \beta) \sum_j q_j \log \frac{q_j}{m_j}"
    )
    return text + given("m_j", r"\beta\, p_j + (1 - \beta)\, q_j") + given(r"\beta", beta)


def term(log_q: list[float], target: list[float], beta: float, log_target: bool) -> str:
    q, p = [math.exp(x) for x in log_q], [math.exp(t) for t in target] if log_target else target
    mixture = [beta * a + (1 - beta) * b for a, b in zip(p, q, strict=True)]

    def divergence(x: list[float]) -> str:
        pairs = [(number(a), number(m)) for a, m in zip(x, mixture, strict=True) if a > 0]
        return " + ".join(f"{a} · ((ln {a}) − (ln {m}))" for a, m in pairs)

    return f"{number(beta)} · ({divergence(p)}) + {number(1 - beta)} · ({divergence(q)})"


def steps(
    input: Tensor, target: Tensor, beta: float, log_target: bool, dim: int | None, reduction: str
) -> Iterator[Step]:
    log_q, wanted = classes_last(dim, input=input.detach(), target=target.detach())
    mixture = beta * (wanted.exp() if log_target else wanted) + (1 - beta) * log_q.exp()
    lines = [row(m) for m in mixture.reshape(-1, mixture.shape[-1])]
    yield Step(_("The mixture of both distributions"), tuple(elided(lines)), mixture)
    settings = {"beta": beta, "log_target": log_target, "dim": -1, "reduction": reduction}
    yield from by_sample(js_div, term)(input=log_q, target=wanted, **settings)


def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return uniform(generator, 3, 4).log_softmax(dim=1), uniform(generator, 3, 4).softmax(dim=1)


ENTRY = Entry(
    name="js_div",
    also=("js", "jsd", "jensen_shannon", "jensen_shannon_divergence", "js_divergence", "js_div_loss"),
    family="likelihood",
    module=JSDivLoss,
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(Q, {f"p = {p:g}": two_classes(p) for p in (0.5, 0.8)}, {"log_target": False}),),
    batches=distributions(by_sample=True, trials=({"log_target": True}, {"beta": 0.25})),
    sample=sample,
    settings=({}, {"beta": 0.1}, {"dim": -1, "beta": 0.75}),
)
