"""The exercises of the part "What a loss is"."""

from __future__ import annotations

import math

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise

ERRORS = torch.tensor([1.0, -1.0, 4.0])
NOTHING = torch.zeros(3)

EXERCISES = {
    "same-accuracy": Exercise(
        answer=lambda: "a",
        praise=lambda: _("One confident mistake, −ln 0.0005 = 7.6, outweighs three excellent answers."),
        mistakes=lambda: [
            ("equal", _("Accuracy only asks whether p is above 0.5. The loss asks how far.")),
            (
                "b",
                _(
                    "Find the worst sample of each model first: what is −ln 0.0005? "
                    "And take the logarithm of each p before the mean, not after it."
                ),
            ),
        ],
        hint=lambda: _('Answer "a", "b" or "equal".'),
    ),
    "l1-and-mse": Exercise(
        answer=lambda: (float(lf.l1_loss(ERRORS, NOTHING)), float(lf.mse_loss(ERRORS, NOTHING))),
        praise=lambda: _("The error 4 makes up two thirds of the L1 loss and eight ninths of the MSE."),
        mistakes=lambda: [
            (
                (float(ERRORS.abs().sum()), float(ERRORS.square().sum())),
                _("Those are the sums. The mean divides them by the number of errors, 3."),
            ),
            (
                (float(ERRORS.abs().mean()), float(ERRORS.abs().mean().square())),
                _("L1 is right. For MSE square each error first, then take the mean."),
            ),
            (
                (float(ERRORS.mean().abs()), float(ERRORS.square().mean())),
                _("MSE is right. For L1 take the absolute value of each error before the mean, or 1 and −1 cancel."),
            ),
            (
                (float(ERRORS.square().mean()), float(ERRORS.abs().mean())),
                _("Both numbers are right, in the wrong order: L1 first, then MSE."),
            ),
        ],
        hint=lambda: _("Write down the three absolute errors and the three squares; then take the mean of each row."),
    ),
    "same-softmax": Exercise(
        answer=lambda: "bd",
        praise=lambda: _("Only differences count: adding one number to all logits cancels in the fraction."),
        mistakes=lambda: [
            ("b", _("There is one more. Does the size of the number added to all logits matter?")),
            ("d", _("There is one more. A number can also be taken away from all logits.")),
            (
                "a",
                _("Differences count, not ratios: [2, 4, 6] has gaps of 2, so its largest probability is larger."),
            ),
            ("abd", _("b and d are right. But [2, 4, 6] has gaps of 2, not 1: ratios of logits mean nothing.")),
            ("bcd", _("b and d are right. In c the same numbers stand in another order, and so do the probabilities.")),
            ("abcd", _("Compute softmax of [2, 4, 6] first: are the gaps between its logits the same?")),
        ],
        hint=lambda: _("Subtract the first logit from each row. Which rows become [0, 1, 2]?"),
    ),
    "cross-entropy-by-hand": Exercise(
        answer=lambda: float(lf.cross_entropy(torch.tensor([0.0, math.log(3.0)]), torch.tensor(0))),
        praise=lambda: _("The probability is 1/4, and −ln 1/4 = ln 4."),
        mistakes=lambda: [
            (
                -math.log(4),
                _("That is the logarithm itself. The loss is minus the logarithm, so that it is never negative."),
            ),
            (0.25, _("That is the probability of class 0. The loss is minus its logarithm.")),
            (math.log(4 / 3), _("That is the loss if class 1 were the true one. Classes count from 0.")),
            (2.0, _("That is the logarithm to base 2. PyTorch takes the natural one, ln.")),
        ],
        hint=lambda: _("exp(0) = 1 and exp(ln 3) = 3. What is the share of class 0 in their sum?"),
    ),
}
