"""ArcFace: cross-entropy of cosines, in which the own class has to lead by an angle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.classes import check_class_numbers, unknown_class
from ..guards.embeddings import check_batches, check_pair_labels
from ..guards.tensors import can_be_read, check_tensors
from ..kit.batches.by_vector import linear_layers
from ..kit.class_steps import steps_of_classes, steps_of_softmax
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, between, one_of
from ..kit.steps import Step
from ..kit.text import elided, given, row
from ..kit.views import OF_ANGLE
from ..language import gettext as _
from ..language import message
from ..softmax import log_softmax
from ._by_similarity import similarities, similarity, similarity_step
from ._of_class import nll_of


@loss_function
def arcface_loss(
    input: Tensor,
    weight: Tensor,
    target: Tensor,
    *,
    margin: Annotated[float, between(0, math.pi / 2)] = 0.5,
    scale: Positive = 64.0,
    beyond: Annotated[str, one_of("linear", "easy", "cosine")] = "linear",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of the cosines between a sample and its classes, the own angle made larger by a margin.

    .. math:: \ell = -\log \frac{e^{s \cos(\theta_t + m)}}{e^{s \cos(\theta_t + m)} + \sum_{j \ne t} e^{s \cos \theta_j}}

    θ_j is the angle between the sample and the vector of class j. In testing the vectors are thrown away: angles between
    samples are compared, and they should differ by more than a margin between classes.

    Args:
        input: embeddings, shape ``(N, D)``, floating point. Their lengths do not count.
        weight: a vector for each class, shape ``(C, D)``, floating point. The module owns it.
        target: class numbers t, shape ``(N,)``, int64.
        margin: m, an angle in **radians**, from 0 to π/2; 0.5 in the paper. pytorch-metric-learning takes degrees: 28.6.
        scale: s, larger than 0, what the cosines are multiplied by; 64 in the paper.
        beyond: what stands for cos(θ + m) where θ + m is larger than π, and it would rise again: ``"linear"``, cos θ − m sin
            m, as in pytorch-metric-learning and the authors' first code, which jumps there; ``"easy"``, their
            ``easy_margin``, leaves out the margin wherever θ is larger than π/2; ``"cosine"`` lets it rise.
        reduction: ``"mean"`` divides by N; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; in nats, at least 0. Where a sample is its class's
        vector, or its opposite, the angle has no slope, and neither has the margin. A vector of zeros has cosines of 0.

    Raises:
        ValueError: shapes do not fit, or a setting lies outside its range.
        TypeError: embeddings are no floating-point numbers, or classes no integers.
        IndexError: a class number outside 0 … C − 1.

    Source: J. Deng et al., "ArcFace: additive angular margin loss for deep face recognition", 2018, equation 3,
    https://arxiv.org/abs/1801.07698; for what stands beyond π, pytorch-metric-learning and github.com/deepinsight/insightface.

    >>> x, classes = torch.tensor([[1.0, 0.0]]), torch.eye(2)  # an angle of 0: log(1 + e^(−cos 0.5))
    >>> arcface_loss(x, classes, torch.tensor([0]), scale=1.0)
    tensor(0.3477)
    """
    check_batches(input=input)
    check_batches(weight=weight)
    check_tensors(input=input, weight=weight, target=target)
    if input.shape[1] != weight.shape[1]:
        raise ValueError(
            message(
                "weight must hold a vector for each class in the coordinates of input, shape (C, {dimensions}), got "
                "{weight_shape}.",
                dimensions=input.shape[1],
                weight_shape=tuple(weight.shape),
            )
        )
    check_pair_labels(target, input)
    check_class_numbers(target)
    if can_be_read(target) and bool(((target < 0) | (target >= len(weight))).any()):
        raise unknown_class(target, len(weight), IndexError())
    scores = scores_of(similarities(input, weight, True), target, margin, scale, beyond)
    return reduce(nll_of(scores, target.long(), 1).to(input.dtype), reduction)


def scores_of(cosines: Tensor, target: Tensor, margin: float, scale: float, beyond: str) -> Tensor:
    """The cosines, that of the own class with the margin, times the scale."""
    column = target.long().unsqueeze(1)
    own = cosines.gather(1, column)
    squares = 1 - own.square()
    sines = torch.where(squares > 0, torch.where(squares > 0, squares, 1).sqrt(), 0)  # √ has no slope at 0
    moved = own * math.cos(margin) - sines * math.sin(margin)
    if beyond == "easy":
        moved = torch.where(own > 0, moved, own)
    elif beyond == "linear":
        moved = torch.where(own >= -math.cos(margin), moved, own - margin * math.sin(margin))
    return scale * cosines.scatter(1, column, moved)


class ArcFaceLoss(Loss):
    """Owns ``weight``, a vector for each class, which an optimizer learns with the model's parameters.

    Args:
        num_classes: C, the number of classes.
        embedding_size: D, how many numbers each embedding has.
        device, dtype: of ``weight``.
        **settings: those of :func:`lossbook.beyond.arcface_loss`.

    >>> ArcFaceLoss(10, 4)
    ArcFaceLoss(margin=0.5, scale=64.0, beyond='linear', reduction='mean')
    """

    function = arcface_loss

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        *,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.weight = torch.nn.Parameter(torch.empty(num_classes, embedding_size, device=device, dtype=dtype))
        torch.nn.init.xavier_uniform_(self.weight)

    def with_parameters(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return input, self.weight, target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return super().forward(*self.with_parameters(input, target))


def definition(
    vectors: list[list[float]],
    weight: list[list[float]],
    target: list[int],
    margin: float = 0.5,
    scale: float = 64.0,
    beyond: str = "linear",
) -> Iterator[Term]:
    for x, t in zip(vectors, target, strict=True):
        cosines = [similarity(x, w, True) for w in weight]
        angle = math.acos(max(-1.0, min(1.0, cosines[t])))
        own = math.cos(angle + margin)
        if beyond == "easy" and angle >= math.pi / 2:
            own = cosines[t]
        if beyond == "linear" and angle + margin > math.pi:
            own = cosines[t] - margin * math.sin(margin)
        others = (c for j, c in enumerate(cosines) if j != t)
        yield Term(math.log(1 + sum(math.exp(scale * (c - own)) for c in others)))


def formula(margin: float, scale: float, beyond: str) -> str:
    own = r"e^{s \cos(\theta_t + m)}"
    text = rf"\ell = -\log \frac{{{own}}}{{{own} + \sum_{{j \ne t}} e^{{s \cos \theta_j}}}}"
    text += given("m", margin) + given("s", scale)
    if beyond == "cosine":
        return text
    where, stands = (
        (r"\cos(\theta_t + m)", r"\cos \theta_t \text{ for } \theta_t \ge \pi / 2")
        if beyond == "easy"
        else (r"\cos(\theta_t + m)", r"\cos \theta_t - m \sin m \text{ for } \theta_t + m > \pi")
    )
    return text + given(where, stands)


def steps(
    input: Tensor, weight: Tensor, target: Tensor, margin: float, scale: float, beyond: str, reduction: str
) -> Iterator[Step]:
    cosines = similarities(input, weight, True)
    yield similarity_step(cosines, True)
    scores = scores_of(cosines, target, margin, scale, beyond)
    say = _("Scores: the margin added to the angle of the own class, and all times the scale")
    yield Step(say, tuple(elided([row(values) for values in scores])), scores)
    yield from steps_of_softmax(scores, 1)
    log_p = log_softmax(scores, 1)
    more: dict[str, Any] = {"weight": None, "ignore_index": -100, "reduction": reduction}
    yield from steps_of_classes(_of_scores, scores, target, log_probabilities=log_p, **more)


def _of_scores(scores: Tensor, target: Tensor, **more: Any) -> Tensor:
    return nll_of(scores, target.long(), 1)


ENTRY = Entry(
    name="arcface",
    also=("ArcFace", "additive_angular_margin", "aam_softmax"),
    family="classification",
    module=ArcFaceLoss,
    page="practice/embeddings",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(OF_ANGLE,),
    batches=linear_layers(trials=({"margin": 0.25}, {"scale": 8.0})),
    sample=lambda g: (uniform(g, 5, 3), uniform(g, 4, 3), torch.tensor([0, 1, 2, 3, 1])),
    settings=(
        {"scale": 4.0},
        {"scale": 4.0, "margin": 0.25, "beyond": "easy"},
        {"scale": 4.0, "margin": 1.5, "beyond": "cosine"},
    ),
    sizes={"num_classes": 4, "embedding_size": 3},
    fitting=lambda module: (
        torch.randn(6, module.weight.shape[1]),
        torch.randint(len(module.weight), (6,)),
    ),
)
