"""Views: the variable over which a loss is drawn, and the tensors to call it with at each value.

Losses of several classes are drawn with three: class 0 is true, classes 1 and 2 have equal scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..language import Phrase
from ..language import gettext as _

Inputs = Callable[[Tensor], tuple[Tensor, ...]]


class Variable(NamedTuple):
    """The quantity on the horizontal axis of a plot."""

    name: Phrase  #: in error messages
    label: Callable[[], str]  #: in the language of the moment
    low: float
    high: float
    per_unit: int = 100

    def values(self) -> Tensor:
        """From low to high. Decimals are hit exactly: kinks mostly lie on them."""
        ends = round(self.low * self.per_unit), round(self.high * self.per_unit)
        return torch.arange(ends[0], ends[1] + 1, dtype=torch.float64) / self.per_unit


ERROR = Variable(Phrase("the error"), lambda: _("error ŷ − y"), -3, 3)
LOG_RATE = Variable(Phrase("the log-rate"), lambda: _("predicted log-rate x"), -2, 3)
RATE = Variable(Phrase("the rate"), lambda: _("predicted rate x"), 0.1, 12)
Q = Variable(Phrase("the probability q"), lambda: _("probability q of one of two classes"), 0.02, 0.98, 200)
YES = Variable(Phrase("the probability of yes"), lambda: _("probability p of the label 1"), 0.02, 0.98, 200)
P = Variable(Phrase("the probability of the true class"), lambda: _("probability p of the true class"), 0.02, 0.98, 200)
LOGIT = Variable(Phrase("the logit"), lambda: _("logit z"), -4, 4)
SCORE = Variable(Phrase("the score of the true class"), lambda: _("score of the true class, the other two at 0"), -4, 4)
LEAD = Variable(Phrase("the difference of two scores"), lambda: _("difference of the scores x₁ − x₂"), -3, 3)
DISTANCE = Variable(Phrase("the distance of a pair"), lambda: _("distance of the pair"), 0, 3)
COSINE = Variable(Phrase("the cosine"), lambda: _("cosine of the two vectors"), -1, 1)
ANGLE = Variable(Phrase("the angle"), lambda: _("angle θ to the own class in radians, 90° to the others"), 0.5, 3.12)
NEGATIVE = Variable(Phrase("the distance of the negative"), lambda: _("distance d(a, n), where d(a, p) = 1"), 0, 3)
LOG_RATIO = Variable(
    Phrase("the log-ratio"), lambda: _("log-ratio h of chosen to rejected, less the reference's"), -30, 30, per_unit=10
)
LOG_VARIANCE = Variable(Phrase("the log-variance"), lambda: _("log-variance s = log σ²"), -3, 3)


class View(NamedTuple):
    """A loss over one variable: a curve for each case, such as the label 1 and the label −1."""

    variable: Variable
    cases: Mapping[str, Inputs]
    only: Mapping[str, Any] = MappingProxyType({})  #: the settings with which the loss is drawn so


def beside(value: float, *more: float) -> Inputs:
    """The variable, and beside it numbers that stay: the target, for most losses."""
    return lambda x: (x, *(torch.full_like(x, fixed) for fixed in (value, *more)))


def behind(value: float) -> Inputs:
    """A number that stays, and behind it the variable."""
    return lambda x: (torch.full_like(x, value), x)


def scores(x: Tensor) -> Tensor:
    return torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], dim=-1)


def log_probabilities(p: Tensor) -> Tensor:
    return torch.stack([p, (1 - p) / 2, (1 - p) / 2], dim=-1).log()


def first_class(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=torch.int64)


def same_rows(x: Tensor, row: list[int], dtype: torch.dtype) -> Tensor:
    return torch.tensor(row, dtype=dtype).expand(len(x), -1)


def two_classes(p: float, log_target: bool = False) -> Inputs:
    def inputs(q: Tensor) -> tuple[Tensor, Tensor]:
        target = torch.tensor([p, 1 - p], dtype=q.dtype).expand(len(q), -1)
        return torch.stack([q, 1 - q], dim=-1).log(), target.log() if log_target else target

    return inputs


def frames_of_label(count: int) -> Inputs:
    """As many frames, each with the label's probability p and the blank's 1 − p."""

    def inputs(p: Tensor) -> tuple[Tensor, ...]:
        log_probabilities = torch.stack([1 - p, p], dim=-1).log().expand(count, -1, -1)
        ones = torch.ones(len(p), dtype=torch.int64)
        return log_probabilities, ones.unsqueeze(1), count * ones, ones

    return inputs


def with_cosine(cosine: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of vectors in the plane."""
    sine = (1 - cosine.square() + 1e-12).sqrt()  # never 0, where the root has no slope
    along = torch.stack([torch.ones_like(cosine), torch.zeros_like(cosine)], dim=-1)
    return along, torch.stack([cosine, sine], dim=-1)


def with_angle(angle: Tensor) -> tuple[Tensor, ...]:
    """Vectors with this angle to that of class 0, those of the classes 1 and 2 perpendicular to both."""
    classes = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 0, -1]], dtype=angle.dtype)
    vectors = torch.stack([angle.cos(), angle.sin(), torch.zeros_like(angle)], dim=-1)
    return vectors, classes, first_class(angle)


def pair_with_cosine(y: float) -> Inputs:
    return lambda cosine: (*with_cosine(cosine), torch.full_like(cosine, y))


def triplet(x: Tensor) -> tuple[Tensor, ...]:
    """The negative in the origin, the anchor at the distance x from it, the positive behind them, 1 from the anchor."""
    anchor = x.unsqueeze(-1)
    return anchor, anchor - 1, torch.zeros_like(anchor)


SIGNS = {"y = 1": 1.0, "y = −1": -1.0}
ANSWERS = {"y = 1": 1.0, "y = 0": 0.0}


def each(labels: Mapping[str, float], *before: float) -> dict[str, Inputs]:
    """A case for each label; ``before`` it stand what else the loss takes, such as the score to compare with."""
    return {case: beside(*before, label) for case, label in labels.items()}


OF_ERROR = View(ERROR, {"": beside(0)})
OF_SCORE = View(SCORE, {"": lambda x: (scores(x), first_class(x))})
OF_PROBABILITY = View(P, {"": lambda p: (log_probabilities(p), first_class(p))})
OF_ANGLE = View(ANGLE, {"": with_angle})
OF_DISTANCE = View(NEGATIVE, {"": triplet})
