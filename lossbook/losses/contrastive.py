"""Contrastive loss of pairs: similar ones come together, dissimilar ones keep a distance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.embeddings import check_embeddings, check_pair_labels
from ..guards.tensors import check_binary_labels, check_floating, check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, normal, row
from ..kit.curve import curve_of_rows
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch, one_of
from ..kit.steps import Step, element_steps
from ..kit.text import given, number
from ..kit.text import row as as_row
from ..kit.views import ANSWERS, DISTANCE, Inputs, View
from ..language import gettext as _
from ._by_similarity import similarity, unit


@loss_function
def contrastive_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    *,
    margin: Positive = 1.0,
    similar: Annotated[int, one_of(0, 1)] = 1,
    half: Switch = True,
    squared: Switch = True,
    distance: Annotated[str, one_of("euclidean", "cosine")] = "euclidean",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Half the squared distance of a similar pair, half the squared hinge of a dissimilar one.

    .. math:: \ell(a, b, y) = \tfrac{1}{2} \begin{cases} d^2 & y = 1 \\ \max(0, m - d)^2 & y = 0 \end{cases}, \qquad
              d = \lVert a - b \rVert_2

    Implementations agree on little but the idea: each of their differences is a setting.

    Args:
        input1: embeddings a, shape ``(D,)`` or ``(N, D)``, floating point.
        input2: embeddings b, shape of ``input1``.
        target: a label for each pair, shape ``()`` or ``(N,)``, 1 or 0.
        margin: m, the distance from which a dissimilar pair costs nothing; larger than 0, in the unit of the distance.
            sentence-transformers has 0.5, for cosines.
        similar: which label means similar. 1 in sentence-transformers and TensorFlow Addons, 0 in the paper.
        half: the factor ½, as in the paper and sentence-transformers; TensorFlow Addons and Keras' example have none.
        squared: squares of distance and hinge. pytorch-metric-learning has none, nor the ½.
        distance: ``"euclidean"``, or ``"cosine"``, one minus the cosine, as in sentence-transformers.
        reduction: ``"mean"`` divides by the number of pairs; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or that of ``target`` with ``reduction="none"``; at least 0. Equal points have
        a gradient too; that of a dissimilar pair is 0 there, since no direction leads away.

    Raises:
        ValueError: shapes do not fit, a label is neither 1 nor 0, or the margin is not larger than 0.
        TypeError: embeddings are no floating-point numbers.

    Source: R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", 2006.

    >>> a, b = torch.zeros(2, 2), torch.tensor([[0.6, 0.8], [0.3, 0.4]])  # 1² / 2, and (1 − 0.5)² / 2
    >>> contrastive_loss(a, b, torch.tensor([1, 0]), reduction="none")
    tensor([0.5000, 0.1250])
    """
    check_tensors(input1=input1, input2=input2, target=target)
    check_embeddings(input1=input1, input2=input2)
    check_floating(input1=input1, input2=input2)
    check_pair_labels(target, input1)
    check_binary_labels(target=target)
    d = distances(input1, input2, distance)
    gap = torch.where(target == similar, d, (margin - d).clamp_min(0))
    losses = (gap.square() if squared else gap).to(input1.dtype)
    return reduce(losses / 2 if half else losses, reduction)


def distances(input1: Tensor, input2: Tensor, distance: str) -> Tensor:
    """The distance of each pair, in float32 at least."""
    wide = torch.promote_types(input1.dtype, torch.float32)
    a, b = input1.to(wide), input2.to(wide)
    if distance == "cosine":
        return 1 - (unit(a) * unit(b)).sum(-1)
    squares = curve_of_rows(a - b, lambda error: error.square().sum(-1), lambda error: 2 * error)
    return torch.where(squares == 0, 0, torch.where(squares == 0, 1, squares).sqrt())  # √ has no slope at 0


class ContrastiveLoss(Loss):
    """Module form of :func:`lossbook.beyond.contrastive_loss`."""

    function = contrastive_loss


def definition(
    first: list[list[float]],
    second: list[list[float]],
    target: list[float],
    margin: float = 1.0,
    similar: int = 1,
    half: bool = True,
    squared: bool = True,
    distance: str = "euclidean",
) -> Iterator[Term]:
    for a, b, y in zip(first, second, target, strict=True):
        d = math.dist(a, b) if distance == "euclidean" else 1 - similarity(a, b, True)
        loss = d if y == similar else max(0.0, margin - d)
        yield Term((loss**2 if squared else loss) / (2 if half else 1))


def formula(margin: float, similar: int, half: bool, squared: bool, distance: str) -> str:
    square = "^2" if squared else ""
    cases = rf"d{square} & y = {similar} \\ \max(0, m - d){square} & y = {1 - similar}"
    text = r"\ell(a, b, y) = " + (r"\tfrac{1}{2} " if half else "") + rf"\begin{{cases}} {cases} \end{{cases}}"
    measure = r"\lVert a - b \rVert_2" if distance == "euclidean" else r"1 - \cos(a, b)"
    return text + given("d", measure) + given("m", margin)


def steps(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float,
    similar: int,
    half: bool,
    squared: bool,
    distance: str,
    reduction: str,
) -> Iterator[Step]:
    d = distances(input1, input2, distance)
    yield Step(_("Distance of each pair"), (as_row(d.flatten()),), d)
    terms = []
    for value, y in zip(d.flatten().tolist(), target.flatten().tolist(), strict=True):
        text = number(value) if y == similar else f"max(0, {number(margin)} − {number(value)})"
        terms.append(("0.5 · " if half else "") + text + ("²" if squared else ""))
    settings: dict[str, Any] = {
        "margin": margin,
        "similar": similar,
        "half": half,
        "squared": squared,
        "distance": distance,
    }
    losses = contrastive_loss(input1, input2, target, **settings, reduction="none")
    yield from element_steps(losses, terms, reduction)


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    def draw(*shape: int) -> tuple[Tensor, ...]:
        return normal(g, *shape), normal(g, *shape), torch.randint(2, shape[:-1], generator=g).double()

    for n, d in ((5, 3), (4, 4), (8, 2), (3, 6), (150, 2)):
        yield Batch(draw(n, d), "(N, D)")
    yield Batch(draw(1, 3), "(1, D)", "(N, D)")
    near = float(settings.get("similar", 1))
    far = 1 - near
    a, step = row(1, 0, 0, 1, 3, 4).reshape(3, 2), row(0.25, 0.5)
    edges = {
        _("pairs of equal vectors"): (a, a.clone(), row(near, near, near)),
        _("pairs of vectors far apart"): (a, a + 8, row(far, near, far)),
        _("one kind of label"): (a, a + step, row(far, far, far)),
    }
    for name, tensors in edges.items():
        yield Batch(tensors, "(N, D)", "(N, D)", edge=True, name=name)


def apart(y: float) -> Inputs:
    """A pair on a line, at the distance of the variable."""
    return lambda x: (x.unsqueeze(-1), torch.zeros_like(x).unsqueeze(-1), torch.full_like(x, y))


ENTRY = Entry(
    name="contrastive",
    also=("siamese", "pairwise_contrastive"),
    family="distance",
    module=ContrastiveLoss,
    page="practice/embeddings",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(DISTANCE, {case: apart(y) for case, y in ANSWERS.items()}),),
    batches=Kind(
        batches,
        lambda g, rows, columns: (
            normal(g, rows, columns),
            normal(g, rows, columns),
            torch.randint(2, (rows,), generator=g).double(),
        ),
        wrt=(0, 1),
        trials=({"margin": 2.0}, {"similar": 0}, {"half": False}, {"distance": "cosine"}),
    ),
    sample=lambda g: (uniform(g, 5, 2), uniform(g, 5, 2), torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0]).double()),
    settings=(
        {"margin": 4.0},
        {"margin": 4.0, "similar": 0, "half": False},
        {"margin": 4.0, "squared": False, "half": False},
        {"distance": "cosine", "margin": 0.5},
    ),
)
