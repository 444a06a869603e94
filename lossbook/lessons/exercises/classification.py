"""The exercises of the guide to losses: cross-entropy and its family."""

from __future__ import annotations

import math

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise

LOGITS, FIRST = torch.tensor([2.0, 0.0, -1.0]), torch.tensor(0)
SOFTMAX_OUTPUT = torch.tensor([0.61, 0.39])
SURE = torch.tensor([0.9])
YES, NO = torch.ones(1), torch.zeros(1)
POSITIVES, NEGATIVES = 100, 900
P, Q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])


def divergence(q: torch.Tensor, p: torch.Tensor) -> float:
    return float(lf.kl_div(q.log(), p, reduction="sum"))


EXERCISES = {
    "cross-entropy-of-logits": Exercise(
        answer=lambda: float(lf.cross_entropy(LOGITS, FIRST)),
        praise=lambda: _("The true class leads by 2 and by 3, so it gets 84 percent, and −ln 0.8438 = 0.1698."),
        mistakes=lambda: [
            (
                float(lf.cross_entropy(lf.softmax(LOGITS, dim=0), FIRST)),
                _("That is softmax applied twice. The three numbers are logits: apply it once."),
            ),
            (-2.0, _("That is minus the logit itself, what NLLLoss does with logits. Turn them into probabilities.")),
            (math.log(3), _("That is ln 3, the loss of a model that knows nothing. The logits differ: use them.")),
            (
                float(lf.softmax(LOGITS, dim=0)[0]),
                _("That is the probability of class 0. The loss is minus its logarithm."),
            ),
            (
                float(lf.cross_entropy(LOGITS, FIRST + 1)),
                _("That is the loss if class 1 were the true one. Classes count from 0."),
            ),
            (
                -float(lf.cross_entropy(LOGITS, FIRST)),
                _(
                    "The size is right, the sign is not: a probability is at most 1, so minus its logarithm is not below 0."
                ),
            ),
        ],
        hint=lambda: _("Exponentials first: e², e⁰ and e⁻¹. What share has the first in their sum?"),
    ),
    "nll-of-probabilities": Exercise(
        answer=lambda: float(lf.nll_loss(SOFTMAX_OUTPUT.log(), FIRST)),
        praise=lambda: _("NLLLoss gave minus the probability, −0.61; with log_softmax it gives −ln 0.61."),
        mistakes=lambda: [
            (-0.61, _("No likelihood of classes exceeds 1, so no −log of one is below 0. The logarithm is missing.")),
            (
                0.61,
                _("Taking the absolute value turns the training around: a surer right answer would cost more."),
            ),
            (
                float(lf.cross_entropy(SOFTMAX_OUTPUT, FIRST)),
                _(
                    "That is CrossEntropyLoss on probabilities, softmax applied twice. Take minus the logarithm of 0.61."
                ),
            ),
            (math.log(0.61), _("The logarithm is right. The loss is minus that.")),
            (
                float(lf.nll_loss(SOFTMAX_OUTPUT.log(), FIRST + 1)),
                _("That is −ln 0.39. The probability of the true class is the one that was printed, 0.61."),
            ),
            (0.39, _("That is 1 − 0.61. The loss is minus the logarithm of 0.61.")),
        ],
        hint=lambda: _("Without a logarithm the loss is minus the probability of the true class. So what is that?"),
    ),
    "bce-by-hand": Exercise(
        answer=lambda: (
            float(lf.binary_cross_entropy(SURE, YES)),
            float(lf.binary_cross_entropy(SURE, NO)),
        ),
        praise=lambda: _("The same answer, 0.9, costs about twenty times as much where it is wrong."),
        mistakes=lambda: [
            (
                (-math.log(0.9), -math.log(0.9)),
                _("The first is right. For the label 0 the probability that counts is 1 − p = 0.1."),
            ),
            (
                (math.log(0.9), math.log(0.1)),
                _("Those are the logarithms. The loss is minus the logarithm."),
            ),
            (
                (-math.log(0.1), -math.log(0.9)),
                _("Both numbers are right, in the wrong order: the label 1 comes first."),
            ),
            (
                (-math.log(0.9), math.log(0.1)),
                _("The first is right. The second has the wrong sign: no loss of a probability is below 0."),
            ),
            ((0.1, 0.9), _("Those are the differences of p and the label, the L1 loss. Take logarithms.")),
        ],
        hint=lambda: _("One of the two terms of the formula is multiplied by 0. Which one is left for each label?"),
    ),
    "positive-weight": Exercise(
        answer=lambda: NEGATIVES / POSITIVES,
        praise=lambda: _("100 positives that count 9 times each weigh as much as 900 negatives."),
        mistakes=lambda: [
            (POSITIVES / NEGATIVES, _("That makes the rare positives count even less. Turn the fraction around.")),
            (
                (POSITIVES + NEGATIVES) / POSITIVES,
                _("That is all samples divided by the positives. Only the negatives have to be balanced."),
            ),
            (
                POSITIVES / (POSITIVES + NEGATIVES),
                _(
                    "That is the share of positives. It would make them count less. How many negatives stand against one?"
                ),
            ),
            (
                (1.0, NEGATIVES / POSITIVES),
                _(
                    "One number is enough for one label: it multiplies the term with y = 1, the other keeps the weight 1."
                ),
            ),
        ],
        hint=lambda: _("After weighting, the positives should weigh as much together as the negatives do."),
    ),
    "kl-by-hand": Exercise(
        answer=lambda: divergence(Q, P),
        praise=lambda: _("½ ln 2 + ½ ln (2/3) = 0.1438: one term above 0 and one below, and the sum is above 0."),
        mistakes=lambda: [
            (divergence(P, Q), _("That is KL(Q ‖ P). The order matters: the true distribution P weighs the terms.")),
            (divergence(Q, P) / 2, _("That is what reduction='mean' gives: it divides by the 2 classes too.")),
            (
                float(-(P * Q.log()).sum()),
                _("That is the cross-entropy of P and Q. Subtract the entropy of P, ln 2."),
            ),
            (-divergence(Q, P), _("A KL divergence is never below 0. The fraction is p / q, not q / p.")),
            (divergence(Q, P) / math.log(2), _("That is the result in bits. PyTorch takes the natural logarithm.")),
            (0.0, _("The terms do not cancel: ln 2 and ln (2/3) are of different size.")),
        ],
        hint=lambda: _("Two terms, p · ln (p / q): one with 0.5 / 0.25, the other with 0.5 / 0.75."),
    ),
}
