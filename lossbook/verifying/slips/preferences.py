"""Slips in losses of preferences: DPO, IPO."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses.dpo import dpo_loss
from ...losses.ipo import ipo_loss
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
