"""The exercises of the guide to losses: order and similarity."""

from __future__ import annotations

import math

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss

PAIRS = torch.tensor([0.3, 0.7, 2.0]), torch.tensor([1, -1, -1])  # distances and labels
SCORES = torch.tensor(0.8), torch.tensor(0.3), torch.tensor(-1.0)
VECTORS = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0])


def _each_pair(margin: float = 1.0) -> tuple[float, ...]:
    return tuple(lf.hinge_embedding_loss(*PAIRS, margin=margin, reduction="none").tolist())


def _three_leads(margin: float) -> tuple[float, ...]:
    leads = torch.tensor([1.0, 0.25, -0.5])
    losses = lf.margin_ranking_loss(leads, torch.zeros(3), torch.ones(3), margin=margin, reduction="none")
    return tuple(losses.tolist())


def _triplet(scale: float) -> float:
    """The distances 2 and 2.4, times `scale`."""
    points = (torch.tensor([[scale * x]], dtype=torch.float64) for x in (0.0, 2.0, -2.4))
    return float(lf.triplet_margin_loss(*points))


def _of_angle(label: int) -> float:
    vectors = torch.tensor([1.0, 0.0]), torch.tensor([3.0, 4.0])
    return float(lf.cosine_embedding_loss(*vectors, torch.tensor(label), margin=0.25))


EXERCISES = {
    "hinge-embedding": Exercise(
        answer=_each_pair,
        praise=lambda: _(
            "The similar pair costs its distance, the second what it is short of the margin, the third nothing."
        ),
        mistakes=lambda: [
            (tuple(PAIRS[0].tolist()), _("Those are the distances: you treated all three pairs as similar.")),
            ((0.7, 0.7, 2.0), _("The signs are swapped: the label 1 means similar, −1 dissimilar.")),
            ((0.3, 0.3, -1.0), _("1 − 2 is negative, and the maximum of 0 and a negative number is 0.")),
            (sum(_each_pair()) / 3, _("That is the mean. Give the losses of the three pairs, before the mean.")),
        ],
        hint=lambda: _(
            "A similar pair costs its distance; a dissimilar one costs 1 minus its distance, or 0 beyond 1."
        ),
    ),
    "margin-ranking": Exercise(
        answer=lambda: float(lf.margin_ranking_loss(*SCORES, margin=0.2)),
        praise=lambda: _("The order is wrong by 0.5, and the margin asks for 0.2 more."),
        mistakes=lambda: [
            (0.0, _("y = −1 wants the second score to be the higher one. It is the lower one.")),
            (0.3, _("Look at the sign of the difference: −y (x1 − x2) is +0.5 here. The margin is added to it.")),
            (-0.3, _("Two things: the sign of the difference, and that max(0, …) is never negative.")),
            (0.5, _("That is the loss without the margin.")),
        ],
        hint=lambda: _("Put the numbers into max(0, −y (x1 − x2) + margin), the sign of y first."),
    ),
    "loss-stuck-at-the-margin": Exercise(
        answer=lambda: "d",
        praise=lambda: _("Then d(a, p) = d(a, n) in every triplet, however far apart the embeddings lie."),
        mistakes=lambda: [
            ("a", _("A loss at the margin has learned nothing: on every triplet both distances are equal.")),
            ("b", _("The loss would follow: with the margin 2 it would print 2.0000. Why is it equal to the margin?")),
            ("c", _("Then the mean distance would be near 0. It is 12.3.")),
        ],
        hint=lambda: _("Exactly the margin means d(a, p) − d(a, n) = 0. When is that so for every triplet?"),
    ),
    "cosine-embedding": Exercise(
        answer=lambda: float(lf.cosine_embedding_loss(*VECTORS, torch.tensor(-1))),
        praise=lambda: _(
            "The cosine of 45° is 0.7071. It lies above the margin 0, so for this dissimilar pair it is the loss."
        ),
        mistakes=lambda: [
            (1 - math.sqrt(0.5), _("That is 1 − cos, the loss of a similar pair. This pair is dissimilar.")),
            (-math.sqrt(0.5), _("The loss is max(0, cos − margin): the cosine keeps its sign.")),
            (1 + math.sqrt(0.5), _("1 + cos does not occur in this loss. For y = −1 it is max(0, cos − margin).")),
            (1.0, _("That is the product u · v. Divide it by both lengths.")),
        ],
        hint=lambda: _("The cosine is u · v divided by both lengths. Which case does y = −1 take?"),
    ),
    "margin-two": Exercise(
        answer=lambda: _each_pair(margin=2.0),
        praise=lambda: _("Only the second pair notices: it is now 1.3 short. The third is exactly at the margin."),
        mistakes=lambda: [
            (_each_pair(), _("That is the loss with the margin 1. How far is the second pair from 2?")),
            (
                (1.7, 1.3, 0.0),
                _("The second and third are right. A similar pair costs its distance, whatever the margin."),
            ),
            (
                (0.6, 0.6, 0.0),
                _("The margin is no factor. It is the distance that dissimilar pairs should have at least."),
            ),
        ],
        hint=lambda: _("The similar pair does not see the margin. For the other two: 2 minus the distance, or 0."),
    ),
    "mend-hinge-embedding": WrittenLoss(
        "hinge_embedding",
        names_the_slip=False,
        plain=Plain("distance, target", "return distance if target == 1 else 1 - distance"),
    ),
    "write-hinge-embedding": WrittenLoss("hinge_embedding", takes=("margin",), plain=Plain("distance, target")),
    "three-leads": Exercise(
        answer=lambda: _three_leads(margin=0.5),
        praise=lambda: _("Enough lead, too small a lead, and the wrong order by 0.5 with the margin on top."),
        mistakes=lambda: [
            (_three_leads(margin=0.0), _("That is the loss without the margin.")),
            ((0.0, 0.0, 1.0), _("The second is in the right order, but by less than the margin.")),
            ((0.0, 0.25, 0.5), _("In the third the order is wrong by 0.5. The margin comes on top.")),
            ((-0.5, 0.25, 1.0), _("The maximum of 0 and a negative number is 0.")),
        ],
        hint=lambda: _("The label is 1, so each pair costs max(0, 0.5 − lead)."),
    ),
    "mend-margin-ranking": WrittenLoss(
        "margin_ranking", names_the_slip=False, plain=Plain("x1, x2, y", "return max(0, y * (x1 - x2))")
    ),
    "write-margin-ranking": WrittenLoss("margin_ranking", takes=("margin", "reduction"), plain=Plain("x1, x2, y")),
    "ten-times-as-long": Exercise(
        answer=lambda: (_triplet(1.0), _triplet(10.0)),
        praise=lambda: _("The margin is a length. Ten times the embeddings make a lead of 4, and the loss is silent."),
        mistakes=lambda: [
            ((_triplet(1.0), 6.0), _("The first is right. The margin does not grow with the embeddings.")),
            ((_triplet(1.0), _triplet(1.0)), _("The first is right. The distances are then 20 and 24.")),
            ((1.4, 5.0), _("The negative is farther away than the positive, so the difference is below 0.")),
            ((0.6, -3.0), _("The first is right. The maximum of 0 and a negative number is 0.")),
        ],
        hint=lambda: _("Put both pairs of distances into max(0, d(a, p) − d(a, n) + 1)."),
    ),
    "mend-triplet": WrittenLoss("triplet_margin", names_the_slip=False),
    "write-triplet": WrittenLoss("triplet_margin", takes=("margin", "swap"), plain=Plain("anchor, positive, negative")),
    "cosine-and-margin": Exercise(
        answer=lambda: (_of_angle(1), _of_angle(-1)),
        praise=lambda: _("The cosine is 0.6. The margin takes 0.25 off what the dissimilar pair pays."),
        mistakes=lambda: [
            ((0.4, 0.6), _("The first is right. For the dissimilar pair subtract the margin from the cosine.")),
            ((0.15, 0.35), _("The second is right. The similar pair does not see the margin.")),
            ((-2.0, 2.75), _("That takes the product u · v for the cosine. Divide it by both lengths.")),
            ((0.4, 0.85), _("The first is right. The margin is subtracted, not added.")),
        ],
        hint=lambda: _("The cosine is u · v divided by both lengths, 3 / 5. Put it into both cases of the formula."),
    ),
    "mend-cosine": WrittenLoss(
        "cosine_embedding",
        names_the_slip=False,
        plain=Plain(
            "u, v, y",
            """
                product = sum(a * b for a, b in zip(u, v))
                return 1 - product if y == 1 else max(0, product)
            """,
        ),
    ),
    "write-cosine": WrittenLoss("cosine_embedding", takes=("margin",), plain=Plain("u, v, y")),
}
