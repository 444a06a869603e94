"""The exercises of the pages of practice on embeddings, preferences and noisy labels."""

from __future__ import annotations

import math

import torch

from ... import beyond
from ...language import gettext as _
from .exercise import Exercise

COSINES, TEMPERATURE = torch.tensor([0.5, 0.0, 0.0, 0.0]), 0.5  # the positive first
VIEWS = torch.tensor(  # of three pictures, two views each, one behind the other
    [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8], [-1.0, 0.0], [-0.8, -0.6]]
)
CHOSEN, REJECTED, REF_CHOSEN, REF_REJECTED, BETA = -10.0, -11.0, -12.0, -9.0, 0.5
STRENGTHS = (3.0, 1.0)
TOKENS = torch.tensor([[-1.0, -2.0, -1.0, -9.0], [-1.0, -1.0, -9.0, -9.0]])
IS_ANSWER = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
REFERENCE = torch.tensor([-5.0, -1.0])
CONFIDENT, CLASSES = torch.tensor([[4.0, 0.0, 0.0], [0.0, 0.0, 2.0]]), torch.tensor([0, 1])


def info_nce(temperature: float) -> float:
    return float(-torch.log_softmax(COSINES / temperature, 0)[0])


def dpo(*logps: float, beta: float = BETA) -> float:
    return float(beyond.dpo_loss(*(torch.tensor([value]) for value in logps), beta=beta))


def dpo_of_sums(sums: torch.Tensor) -> float:
    return dpo(*sums.tolist(), *REFERENCE.tolist(), beta=0.5)


def generalized(logits: torch.Tensor) -> float:
    return float(beyond.generalized_cross_entropy(logits, CLASSES))


EXERCISES = {
    "info-nce-by-hand": Exercise(
        answer=lambda: info_nce(TEMPERATURE),
        praise=lambda: _("Divided by the temperature the cosines are 1, 0, 0 and 0: −ln (e / (e + 3))."),
        mistakes=lambda: [
            (info_nce(1.0), _("You left out the temperature: divide each cosine by 0.5.")),
            (info_nce(1 / TEMPERATURE), _("Divide by the temperature, do not multiply.")),
            (
                math.exp(-info_nce(TEMPERATURE)),
                _("That is the probability of the positive. The loss is minus its logarithm."),
            ),
        ],
        hint=lambda: _(
            "Divide the four cosines by 0.5 and take the softmax. The loss is minus the logarithm of the first."
        ),
    ),
    "loss-of-collapse": Exercise(
        answer=lambda: math.log(7),
        praise=lambda: _("All cosines are 1, so each of the 7 others is as likely: ln 7."),
        mistakes=lambda: [
            (math.log(8), _("A view is not compared with itself: 7 are left.")),
            (math.log(4), _("Each view is compared with both views of the other pictures too.")),
            (0.0, _("The positives agree, but so do all others: nothing tells them apart.")),
            (math.log(6), _("The positive is one of the candidates too, beside the 6 negatives.")),
        ],
        hint=lambda: _("How many other views does each of the 8 views choose from, and how likely is each?"),
    ),
    "views-that-belong-together": Exercise(
        answer=lambda: float(beyond.nt_xent_loss(VIEWS[0::2], VIEWS[1::2])),
        praise=lambda: _("Rows 0 and 1, 2 and 3, 4 and 5 are the pairs, so take every second row."),
        mistakes=lambda: [
            (
                float(beyond.nt_xent_loss(VIEWS[:3], VIEWS[3:])),
                _("That is the loss as it was. Which rows are two views of the same picture?"),
            ),
        ],
        hint=lambda: _("The first argument holds the first view of each picture, the second argument the second."),
    ),
    "dpo-by-hand": Exercise(
        answer=lambda: dpo(CHOSEN, REJECTED, REF_CHOSEN, REF_REJECTED),
        praise=lambda: _("h = (−10 + 11) − (−12 + 9) = 4, times 0.5 is 2, and ln (1 + e⁻²) is left."),
        mistakes=lambda: [
            (dpo(CHOSEN, REJECTED, 0.0, 0.0), _("You left out the reference. It preferred the rejected answer by 3.")),
            (dpo(CHOSEN, REJECTED, REF_CHOSEN, REF_REJECTED, beta=1.0), _("You left out β.")),
            (dpo(REJECTED, CHOSEN, REF_REJECTED, REF_CHOSEN), _("Chosen and rejected are swapped.")),
            (
                dpo(CHOSEN, REJECTED, REF_REJECTED, REF_CHOSEN),
                _("The two log-probabilities of the reference are swapped."),
            ),
        ],
        hint=lambda: _(
            "h is the lead of the chosen answer in the model, less its lead in the reference. Then ln (1 + e^(−βh))."
        ),
    ),
    "bradley-terry": Exercise(
        answer=lambda: (STRENGTHS[0] / sum(STRENGTHS), math.log(STRENGTHS[0] / STRENGTHS[1])),
        praise=lambda: _("3 of 4 games, and the scores, being logarithms, differ by ln 3."),
        mistakes=lambda: [
            ((0.75, 2.0), _("The probability is right. Scores are logarithms of strengths.")),
            ((0.88, 2.0), _("That takes 3 and 1 for scores. They are strengths: each wins in proportion.")),
        ],
        hint=lambda: _("Each wins in proportion to its strength. The score is the logarithm of the strength."),
    ),
    "answers-with-padding": Exercise(
        answer=lambda: dpo_of_sums((TOKENS * IS_ANSWER).sum(1)),
        praise=lambda: _("Only the tokens of the answers count: −4 and −2."),
        mistakes=lambda: [
            (dpo_of_sums(TOKENS.sum(1)), _("That is the loss as it was. Which of the tokens belong to the answers?")),
            (
                dpo_of_sums((TOKENS * IS_ANSWER).sum(1) / IS_ANSWER.sum(1)),
                _("The padding is out. DPO takes sums over the tokens, not means."),
            ),
        ],
        hint=lambda: _("Multiply by the mask before the sum."),
    ),
    "right-labels": Exercise(
        answer=lambda: 0.6 + 0.4 / 10,
        praise=lambda: _("A random class of ten is the right one in a tenth of the cases."),
        mistakes=lambda: [
            (0.6, _("Some of the replaced labels are right by chance.")),
            (0.4, _("That is the share that was replaced.")),
            (0.56, _("Right by chance adds to the labels that were left alone.")),
        ],
        hint=lambda: _("60% are left alone. Of the other 40%, how many are right by chance?"),
    ),
    "pull-of-a-wrong-label": Exercise(
        answer=lambda: (0.5**0.7, 0.01**0.7),
        praise=lambda: _("A label with the probability 0.01 pulls with a twenty-fifth of the force."),
        mistakes=lambda: [
            ((0.5, 0.01), _("That is the factor with q = 1. Here it is the power 0.7 of it.")),
            ((0.5**0.3, 0.01**0.3), _("The power is q itself, 0.7.")),
            (((1 - 0.5**0.7) / 0.7, (1 - 0.01**0.7) / 0.7), _("Those are the losses. The question is the factor.")),
        ],
        hint=lambda: _("The factor is the probability to the power of q, 0.7."),
    ),
    "logits-for-generalized": Exercise(
        answer=lambda: generalized(CONFIDENT),
        praise=lambda: _("The loss takes the softmax itself, as cross-entropy does."),
        mistakes=lambda: [
            (generalized(CONFIDENT.softmax(1)), _("That is the loss as it was. Does the loss want probabilities?")),
        ],
        hint=lambda: _("Which line turns the logits into something that the loss does not want?"),
    ),
}
