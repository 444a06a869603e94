"""What each loss is drawn over: the variable that matters for it, and what the loss is called with at each value.

Where a loss takes several classes there are three, the first is the true one, and the other two are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..language import gettext as _

Inputs = Callable[[Tensor], tuple[Tensor, ...]]


class Variable(NamedTuple):
    """What the horizontal axis of a plot stands for."""

    name: str  #: in error messages
    label: Callable[[], str]  #: in the language of the moment
    low: float
    high: float
    per_unit: int = 100

    def values(self) -> Tensor:
        """From low to high. Decimals are hit exactly: kinks mostly lie on them."""
        ends = round(self.low * self.per_unit), round(self.high * self.per_unit)
        return torch.arange(ends[0], ends[1] + 1, dtype=torch.float64) / self.per_unit


ERROR = Variable("the error", lambda: _("error ŷ − y"), -3, 3)
LOG_RATE = Variable("the log-rate", lambda: _("predicted log-rate x"), -2, 3)
RATE = Variable("the rate", lambda: _("predicted rate x"), 0.1, 12)
Q = Variable("the probability q", lambda: _("probability q of one of two classes"), 0.02, 0.98, 200)
YES = Variable("the probability of yes", lambda: _("probability p of the label 1"), 0.02, 0.98, 200)
P = Variable("the probability of the true class", lambda: _("probability p of the true class"), 0.02, 0.98, 200)
LOGIT = Variable("the logit", lambda: _("logit z"), -4, 4)
SCORE = Variable("the score of the true class", lambda: _("score of the true class, the other two at 0"), -4, 4)
LEAD = Variable("the difference of two scores", lambda: _("difference of the scores x₁ − x₂"), -3, 3)
DISTANCE = Variable("the distance of a pair", lambda: _("distance of the pair"), 0, 3)
COSINE = Variable("the cosine", lambda: _("cosine of the two vectors"), -1, 1)
NEGATIVE = Variable("the distance of the negative", lambda: _("distance d(a, n), where d(a, p) = 1"), 0, 3)


class View(NamedTuple):
    """A loss over one variable: a curve for each case, such as the label 1 and the label −1."""

    variable: Variable
    cases: Mapping[str, Inputs]
    only: Mapping[str, Any] = MappingProxyType({})  #: the settings with which the loss is drawn so


def _beside(value: float, *more: float) -> Inputs:
    """The variable, and beside it numbers that stay: the target, for most losses."""
    return lambda x: (x, *(torch.full_like(x, fixed) for fixed in (value, *more)))


def _scores(x: Tensor) -> Tensor:
    return torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], dim=-1)


def _log_probabilities(p: Tensor) -> Tensor:
    return torch.stack([p, (1 - p) / 2, (1 - p) / 2], dim=-1).log()


def _first_class(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=torch.int64)


def _rows(x: Tensor, row: list[int], dtype: torch.dtype) -> Tensor:
    return torch.tensor(row, dtype=dtype).expand(len(x), -1)


def _two_classes(p: float, log_target: bool = False) -> Inputs:
    def inputs(q: Tensor) -> tuple[Tensor, Tensor]:
        target = torch.tensor([p, 1 - p], dtype=q.dtype).expand(len(q), -1)
        return torch.stack([q, 1 - q], dim=-1).log(), target.log() if log_target else target

    return inputs


def _frames(count: int) -> Inputs:
    """As many frames, each with the label's probability p and the blank's 1 − p."""

    def inputs(p: Tensor) -> tuple[Tensor, ...]:
        log_probabilities = torch.stack([1 - p, p], dim=-1).log().expand(count, -1, -1)
        ones = torch.ones(len(p), dtype=torch.int64)
        return log_probabilities, ones.unsqueeze(1), count * ones, ones

    return inputs


def _pair_with_cosine(y: float) -> Inputs:
    def inputs(cosine: Tensor) -> tuple[Tensor, ...]:
        sine = (1 - cosine.square() + 1e-12).sqrt()  # never 0, where the root has no slope
        along = torch.stack([torch.ones_like(cosine), torch.zeros_like(cosine)], dim=-1)
        return along, torch.stack([cosine, sine], dim=-1), torch.full_like(cosine, y)

    return inputs


def _triplet(x: Tensor) -> tuple[Tensor, ...]:
    """The negative in the origin, the anchor at the distance x from it, the positive behind them, 1 from the anchor."""
    anchor = x.unsqueeze(-1)
    return anchor, anchor - 1, torch.zeros_like(anchor)


OF_ERROR = View(ERROR, {"": _beside(0)})
OF_SCORE = View(SCORE, {"": lambda x: (_scores(x), _first_class(x))})
OF_PROBABILITY = View(P, {"": lambda p: (_log_probabilities(p), _first_class(p))})
SIGNS = {"y = 1": 1.0, "y = −1": -1.0}
ANSWERS = {"y = 1": 1.0, "y = 0": 0.0}
COUNTS = {f"y = {y}": _beside(y) for y in (1, 5)}
SHARES = (0.5, 0.8)

# Where a loss has several views, the first is its own; the others put it beside losses that are drawn so.
VIEWS: dict[str, tuple[View, ...]] = {
    "l1": (OF_ERROR,),
    "mse": (OF_ERROR,),
    "smooth_l1": (OF_ERROR,),
    "huber": (OF_ERROR,),
    "poisson_nll": (View(LOG_RATE, COUNTS, {"log_input": True}), View(RATE, COUNTS, {"log_input": False})),
    "gaussian_nll": (View(ERROR, {f"var = {v:g}": _beside(0, v) for v in (0.25, 1, 4)}),),
    "kl_div": tuple(
        View(Q, {f"p = {p:g}": _two_classes(p, logarithm) for p in SHARES}, {"log_target": logarithm})
        for logarithm in (False, True)
    ),
    "ctc": (View(P, {f"T = {frames}": _frames(frames) for frames in (1, 2, 4)}, {"blank": 0}),),
    "bce": (View(YES, {case: _beside(y) for case, y in ANSWERS.items()}),),
    "bce_with_logits": (View(LOGIT, {case: _beside(y) for case, y in ANSWERS.items()}),),
    "nll": (OF_PROBABILITY,),
    "cross_entropy": (OF_SCORE, OF_PROBABILITY),
    "linear_cross_entropy": (
        # A layer that hands on what it gets.
        View(SCORE, {"": lambda x: (_scores(x), torch.eye(3, dtype=x.dtype), _first_class(x))}),
        View(P, {"": lambda p: (_log_probabilities(p), torch.eye(3, dtype=p.dtype), _first_class(p))}),
    ),
    "hinge_embedding": (View(DISTANCE, {case: _beside(y) for case, y in SIGNS.items()}),),
    "soft_margin": (View(LOGIT, {case: _beside(y) for case, y in SIGNS.items()}),),
    "margin_ranking": (View(LEAD, {case: _beside(0, y) for case, y in SIGNS.items()}),),
    "multi_margin": (OF_SCORE,),
    "multilabel_margin": (View(SCORE, {"": lambda x: (_scores(x), _rows(x, [0, -1, -1], torch.int64))}),),
    "multilabel_soft_margin": (View(SCORE, {"": lambda x: (_scores(x), _rows(x, [1, 0, 0], x.dtype))}),),
    "cosine_embedding": (View(COSINE, {case: _pair_with_cosine(y) for case, y in SIGNS.items()}),),
    "triplet_margin": (View(NEGATIVE, {"": _triplet}),),
    "triplet_margin_with_distance": (View(NEGATIVE, {"": _triplet}),),
}

NOT_DRAWN = {
    "adaptive_log_softmax": "plot draws no AdaptiveLogSoftmaxWithLoss: its loss depends on parameters of its own, which "
    "start at random, so it has no one curve. Over the probability that it gives to the true class it is −ln p, as "
    "plot('nll') shows.",
}
