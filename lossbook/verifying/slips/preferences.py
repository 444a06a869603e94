"""Slips in losses of preferences: pairwise logistic, ListNet, DPO, IPO."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses.dpo import dpo_loss
from ...losses.ipo import ipo_loss
from ...losses.list_net import distributions, list_net_loss
from ...losses.pairwise_logistic import pairwise_logistic_loss
from .slip import REDUCTIONS, Loss, slips_by_settings


def of_log_ratios(right: Loss) -> Iterator[tuple[str, Loss]]:
    """What goes wrong in the log-ratio h, whatever loss is made of it."""
    yield _("the reference is missing"), lambda c, r, c0, r0: right(c, r, 0 * c0, 0 * r0)
    yield _("the reference is added, not subtracted"), lambda c, r, c0, r0: right(c, r, -c0, -r0)
    yield _("chosen and rejected are exchanged"), lambda c, r, c0, r0: right(r, c, r0, c0)
    yield _("chosen and rejected are exchanged in the reference"), lambda c, r, c0, r0: right(c, r, r0, c0)
    yield _("the rejected answer is missing"), lambda c, r, c0, r0: right(c, 0 * r, c0, 0 * r0)
    yield _("the chosen answer is missing"), lambda c, r, c0, r0: right(0 * c, r, 0 * c0, r0)
    yield (
        _("probabilities stand where log-probabilities should: their logarithms are missing"),
        lambda c, r, c0, r0: right(c.exp(), r.exp(), c0.exp(), r0.exp()),
    )
    yield _("the reference and the model are exchanged"), lambda c, r, c0, r0: right(c0, r0, c, r)


@slips_by_settings("dpo")
def dpo(n: Settings) -> Iterator[tuple[str, Loss]]:
    beta, reduce = n["beta"], REDUCTIONS[n["reduction"]]
    right: Loss = partial(dpo_loss, **n)

    def of(f: Callable[[Tensor], Tensor]) -> Loss:
        return lambda c, r, c0, r0: reduce(f(beta * ((c - r) - (c0 - r0))))

    yield from of_log_ratios(right)
    yield _("beta is missing"), partial(right, beta=1.0)
    yield _("beta divides where it should multiply"), partial(right, beta=1 / beta)
    yield _("beta is a factor of the loss, and is missing in the sigmoid"), lambda *t: beta * right(*t, beta=1.0)
    yield (
        _("beta multiplies the model's log-ratio alone, not the reference's"),
        lambda c, r, c0, r0: right(beta * c, beta * r, c0, r0, beta=1.0),
    )
    yield _("the logarithm is missing: −σ instead of −log σ"), of(lambda x: -x.sigmoid())
    yield _("the sign is wrong"), of(F.logsigmoid)
    yield _("the hinge in the place of the logistic loss"), of(lambda x: (1 - x).clamp(min=0))
    yield (
        _("the sigmoid is taken of the mean, not of each pair"),
        lambda c, r, c0, r0: -F.logsigmoid(beta * ((c - r) - (c0 - r0)).mean()),
    )
    for share in (0.0, 0.1, 0.2):
        if share != n["label_smoothing"]:
            says = _("it computes with {name} = {value}").format(name="label_smoothing", value=share)
            yield says, partial(right, label_smoothing=share)
    yield (
        _("it computes another loss: {name}").format(name="ipo"),
        partial(ipo_loss, beta=beta, reduction=n["reduction"]),
    )


@slips_by_settings("ipo")
def ipo(n: Settings) -> Iterator[tuple[str, Loss]]:
    beta, reduce = n["beta"], REDUCTIONS[n["reduction"]]
    right: Loss = partial(ipo_loss, **n)

    def of(f: Callable[[Tensor], Tensor]) -> Loss:
        return lambda c, r, c0, r0: reduce(f((c - r) - (c0 - r0)))

    yield from of_log_ratios(right)
    yield _("the goal is 1/β where it should be 1/(2β)"), partial(right, beta=beta / 2)
    yield _("the goal is β/2 where it should be 1/(2β)"), of(lambda h: (h - beta / 2) ** 2)
    yield _("h is multiplied by beta"), of(lambda h: (beta * h - 1 / (2 * beta)) ** 2)
    yield _("h is multiplied by beta"), of(lambda h: (beta * h - 0.5) ** 2)
    yield _("the goal is missing"), of(lambda h: h**2)
    yield _("the square is missing"), of(lambda h: (h - 1 / (2 * beta)).abs())
    yield (
        _("it computes another loss: {name}").format(name="dpo"),
        partial(dpo_loss, beta=beta, reduction=n["reduction"]),
    )


@slips_by_settings("pairwise_logistic")
def pairwise_logistic(n: Settings) -> Iterator[tuple[str, Loss]]:
    sigma, margin, reduce = n["sigma"], n["margin"], REDUCTIONS[n["reduction"]]
    right: Loss = partial(pairwise_logistic_loss, **n)

    def of(f: Callable[[Tensor], Tensor]) -> Loss:
        """The loss that this function makes of the lead of the better one, over the margin."""

        def loss(a: Tensor, b: Tensor, y: Tensor | None = None) -> Tensor:
            better, worse = f(sigma * (a - b - margin)), f(sigma * (b - a - margin))
            return reduce(better if y is None else y * better + (1 - y) * worse)

        return loss

    yield _("chosen and rejected are exchanged"), lambda a, b, *y: right(b, a, *y)
    yield _("the labels are flipped: 0 and 1 are swapped"), lambda a, b, y: right(a, b, 1 - y)
    yield _("labels −1 and 1 are expected where 0 and 1 come"), lambda a, b, y: reduce(F.softplus(-sigma * y * (a - b)))
    yield _("pairs that the second wins cost nothing"), lambda a, b, y: reduce(y * right(a, b, reduction="none"))
    yield _("the label is not used: the first counts as the better one"), lambda a, b, y: right(a, b)
    yield _("the logarithm is missing: −σ instead of −log σ"), of(lambda x: -x.sigmoid())
    yield _("the logarithm is missing: 1 − σ instead of −log σ"), of(lambda x: 1 - x.sigmoid())
    yield _("the sign is wrong"), of(F.logsigmoid)
    yield _("the hinge in the place of the logistic loss"), of(lambda x: (-x).clamp(min=0))
    yield _("the hinge in the place of the logistic loss"), of(lambda x: (1 - x).clamp(min=0))
    yield (
        _("the sigmoid is taken of the mean, not of each pair"),
        lambda a, b: F.softplus(-sigma * ((a - b).mean() - margin)),
    )
    if margin:
        yield _("the margin is missing"), partial(right, margin=0.0)
        yield _("the margin is added, not subtracted"), partial(right, margin=-margin)
    for other in (1.0, 1 / sigma):
        if other != sigma:
            yield _("it computes with {name} = {value}").format(name="sigma", value=other), partial(right, sigma=other)


@slips_by_settings("list_net")
def list_net(n: Settings) -> Iterator[tuple[str, Loss]]:
    reduce = REDUCTIONS[n["reduction"]]
    right: Loss = partial(list_net_loss, **n)

    def of(f: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        """The loss that this function makes of p and log q."""
        return lambda s, y: reduce(f(*distributions(s, y, None, n["relevance"])).sum(-1))

    for other, says in (
        ("softmax", _("softmax of the target, where the relevance should be taken as it is")),
        ("raw", _("the relevance is not made into probabilities")),
        ("sum", _("the relevance is divided by its sum")),
    ):
        if other != n["relevance"]:
            yield says, partial(right, relevance=other)
    yield _("softmax goes over dimension 0, the batch, and not over the items"), lambda s, y: right(s.T, y.T)
    yield _("the divergence: the entropy of the target is subtracted"), of(lambda p, q: p * (p.log() - q))
    yield _("scores and relevance are exchanged"), lambda s, y: right(y, s)
    yield _("the mean over all elements"), lambda s, y: right(s, y) / s.shape[-1]
    yield _("the logarithm is missing"), of(lambda p, q: -p * q.exp())
    yield _("the sign is wrong"), of(lambda p, q: p * q)
    yield _("the mask is not used"), lambda s, y, mask: right(s, y)
    yield _("the mask is inverted"), lambda s, y, mask: right(s, y, ~mask)
