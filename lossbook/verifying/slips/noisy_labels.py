"""Slips in cross-entropies for labels that may be wrong: generalized and symmetric."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses.generalized_cross_entropy import generalized_cross_entropy
from ...losses.symmetric_cross_entropy import symmetric_cross_entropy
from .slip import Loss, reduction_of, slips_by_settings


def _of_p(n: Settings, f: Callable[[Tensor], Tensor]) -> Loss:
    """A loss of the probability of the true class."""
    reduce = reduction_of(n)
    return lambda x, t: reduce(f((-F.cross_entropy(x, t, reduction="none")).exp()))


@slips_by_settings("generalized_cross_entropy")
def generalized(n: Settings) -> Iterator[tuple[str, Loss]]:
    q = n["q"] or 1.0
    yield _("the division by q is missing"), _of_p(n, lambda p: 1 - p**q)
    yield _("the exponent is 1 − q, not q"), _of_p(n, lambda p: (1 - p ** (1 - q)) / q)
    yield _("the power is taken of 1 − p, not of p"), _of_p(n, lambda p: (1 - p) ** q / q)
    yield _("1 − is missing: the value grows with the quality"), _of_p(n, lambda p: p**q / q)
    yield _("it is the cross-entropy: q is not used"), partial(generalized_cross_entropy, **{**n, "q": 0.0})
    for value in (0.5, 0.7, 0.8, 1.0):
        says = _("it computes with {name} = {value}").format(name="q", value=value)
        yield says, partial(generalized_cross_entropy, **{**n, "q": value})


@slips_by_settings("symmetric_cross_entropy")
def symmetric(n: Settings) -> Iterator[tuple[str, Loss]]:
    a, b, A = n["alpha"], n["beta"], n["log_zero"]
    yield _("alpha and beta are swapped"), partial(symmetric_cross_entropy, **{**n, "alpha": b, "beta": a})
    yield _("the reverse cross-entropy is missing"), partial(symmetric_cross_entropy, **{**n, "beta": 0.0})
    yield _("the cross-entropy is missing"), partial(symmetric_cross_entropy, **{**n, "alpha": 0.0})
    yield _("the reverse cross-entropy has the wrong sign"), _of_p(n, lambda p: -a * p.log() + b * A * (1 - p))
    yield (
        _("the mean over the classes, where the reverse cross-entropy is their sum"),
        lambda x, t: symmetric_cross_entropy(x, t, **{**n, "beta": b / x.shape[1]}),
    )
    for value, says in ((-9.210340371976182, 1e-4), (-16.11809565095832, 1e-7), (-13.815510557964274, 1e-6)):
        yield (
            _("log 0 is replaced by the logarithm of {value}").format(value=says),
            partial(symmetric_cross_entropy, **{**n, "log_zero": value}),
        )
