"""The exercises of the guide to losses: order and similarity."""

from __future__ import annotations

import math

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise

PAIRS = torch.tensor([0.3, 0.7, 2.0]), torch.tensor([1, -1, -1])  # distances and labels
SCORES = torch.tensor(0.8), torch.tensor(0.3), torch.tensor(-1.0)
VECTORS = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0])


def _each_pair() -> tuple[float, ...]:
    return tuple(lf.hinge_embedding_loss(*PAIRS, reduction="none").tolist())


EXERCISES = {
    "hinge-embedding": Exercise(
        answer=_each_pair,
        praise=lambda: _(
            "The similar pair costs its distance, the second what it lacks to the margin, the third nothing."
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
        praise=lambda: _(
            "All distances are then equal, so the loss is 0 + margin. Print the mean distance to be sure."
        ),
        mistakes=lambda: [
            ("a", _("A triplet loss that has converged is near 0. Print the mean distance between embeddings.")),
            ("b", _("The loss would follow: with the margin 2 it would print 2.0000. Why is it equal to the margin?")),
            ("c", _("Where all embeddings are one point, pull and push cancel. More of the same changes nothing.")),
        ],
        hint=lambda: _("Exactly the margin means d(a, p) − d(a, n) = 0. When is that so for every triplet?"),
    ),
    "cosine-embedding": Exercise(
        answer=lambda: float(lf.cosine_embedding_loss(*VECTORS, torch.tensor(-1))),
        praise=lambda: _("The cosine of 45° is 0.7071, and for a dissimilar pair the cosine itself is the loss."),
        mistakes=lambda: [
            (1 - math.sqrt(0.5), _("That is 1 − cos, the loss of a similar pair. This pair is dissimilar.")),
            (-math.sqrt(0.5), _("The loss is max(0, cos − margin): the cosine keeps its sign.")),
            (1 + math.sqrt(0.5), _("1 + cos does not occur in this loss. For y = −1 it is max(0, cos − margin).")),
            (1.0, _("That is the product u · v. Divide it by both lengths.")),
        ],
        hint=lambda: _("The cosine is u · v divided by both lengths. Which case does y = −1 take?"),
    ),
}
