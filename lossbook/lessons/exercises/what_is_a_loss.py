"""The exercises of the part "What a loss is"."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss

ERRORS = torch.tensor([1.0, -1.0, 4.0])
NOTHING = torch.zeros(3)
GROWN = torch.tensor([1.0, -1.0, 40.0])
OF_TRUE_CLASS = torch.tensor([0.5, 0.25, 0.125])  # probabilities
MODELS = {"a": torch.tensor([0.9, 0.8, 0.7, 0.4]), "b": torch.tensor([0.99, 0.99, 0.99, 0.3])}
ROWS = {"a": [2, 4, 6], "b": [0, 1, 2], "c": [3, 2, 1], "d": [101, 102, 103]}


def surprise(p: torch.Tensor) -> torch.Tensor:
    return -p.log()


def steps_to_zero(keep: Callable[[float], float], start: float = 10.0) -> int:
    """Steps of descent until the prediction is within 0.05 of 0, as on the page."""
    steps = 0
    while start > 0.05:
        start, steps = keep(start), steps + 1
    return steps


def end_of_descent(slope: Callable[[float], float]) -> float:
    """Where a hundred steps with the learning rate 0.1 lead from 5."""
    prediction = 5.0
    for _step in range(100):
        prediction -= 0.1 * slope(prediction)
    return prediction


def same_rows() -> str:
    wanted = lf.softmax(torch.tensor([1.0, 2.0, 3.0]), dim=0)
    return "".join(k for k, row in ROWS.items() if torch.allclose(lf.softmax(torch.tensor(row).float(), dim=0), wanted))


def gradient_of_logits(logits: list[float], true_class: int) -> tuple[float, ...]:
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    return tuple(torch.autograd.grad(lf.cross_entropy(z, torch.tensor(true_class)), z)[0].tolist())


EXERCISES = {
    "same-accuracy": Exercise(
        answer=lambda: min(MODELS, key=lambda name: surprise(MODELS[name]).mean().item()),
        praise=lambda: _("Its mistake is a mild one, −ln 0.3 = 1.2, and its three sure answers cost next to nothing."),
        mistakes=lambda: [
            ("equal", _("Accuracy only asks whether p is above 0.5. The loss asks how far.")),
            (
                "a",
                _("A confident mistake would outweigh the rest, but 0.3 is a mild one. Compute all eight logarithms."),
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
        answer=same_rows,
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
            (math.log10(4), _("That is the logarithm to base 10. PyTorch takes the natural one, ln: math.log.")),
        ],
        hint=lambda: _("exp(0) = 1 and exp(ln 3) = 3. What is the share of class 0 in their sum?"),
    ),
    "mean-of-logarithms": Exercise(
        answer=lambda: surprise(OF_TRUE_CLASS).mean().item(),
        praise=lambda: _("The three losses are ln 2, 2 ln 2 and 3 ln 2, and their mean is 2 ln 2."),
        mistakes=lambda: [
            (surprise(OF_TRUE_CLASS.mean()).item(), _("Take the logarithm of each probability first, then the mean.")),
            (surprise(OF_TRUE_CLASS).sum().item(), _("That is the sum. The mean divides it by the three samples.")),
            (2.0, _("That is the logarithm to base 2. PyTorch takes the natural one, ln.")),
            (-surprise(OF_TRUE_CLASS).mean().item(), _("The loss is minus the logarithm: it is never below 0.")),
        ],
        hint=lambda: _("Write 0.25 and 0.125 as powers of one half. What are their logarithms?"),
    ),
    "twice-as-far": Exercise(
        answer=lambda: (steps_to_zero(lambda x: x - 0.1 * 2 * x), steps_to_zero(lambda x: x - 0.1)),
        praise=lambda: _("L1 needs twice as many steps. MSE removes a fifth of the way each time: three more will do."),
        mistakes=lambda: [
            (
                (42, 100),
                _("L1 is right. MSE takes longer steps where it is far away: each removes a fifth of the way."),
            ),
            ((21, 50), _("Those are the numbers for the start at 5.")),
            ((21, 100), _("L1 is right. From 10 to 5 MSE needs a few steps too.")),
            ((100, 24), _("Both numbers are right, in the wrong order: MSE first, then L1.")),
        ],
        hint=lambda: _("A step of L1 is 0.1 long. A step of MSE leaves 0.8 of the distance: how often from 10 to 5?"),
        digits=0,
    ),
    "no-bottom": Exercise(
        answer=lambda: end_of_descent(lambda prediction: 2 * (prediction - 2)),
        praise=lambda: _("Now a miss in either direction costs, and the lowest loss is where the prediction is right."),
        mistakes=lambda: [
            (
                end_of_descent(lambda prediction: 1.0),
                _("It ran past 2 and goes on: this loss falls forever. What should a prediction below 2 cost?"),
            ),
            (end_of_descent(lambda prediction: -1.0), _("Now it runs the other way. The sign is not the fault.")),
        ],
        hint=lambda: _("The prediction should end at 2. Which loss has its lowest value there, and nowhere else?"),
        digits=1,
    ),
    "one-error-grows": Exercise(
        answer=lambda: (float(lf.l1_loss(GROWN, NOTHING)), float(lf.mse_loss(GROWN, NOTHING))),
        praise=lambda: _("One error of three grew tenfold: L1 grew 7 times, MSE 89 times."),
        mistakes=lambda: [
            ((20.0, 600.0), _("That would be so if all three errors grew tenfold. Two of them stay.")),
            ((20.0, 60.0), _("That is ten times each loss. Only one error grew, and MSE squares it.")),
            ((14.0, 196.0), _("L1 is right. For MSE square each error first, then take the mean.")),
        ],
        hint=lambda: _("The errors are now 1, −1 and 40. Add up their sizes, then their squares."),
    ),
    "mend-mse": WrittenLoss("mse", names_the_slip=False),
    "write-l1": WrittenLoss("l1", plain=Plain("prediction, target")),
    "gradient-of-two-logits": Exercise(
        answer=lambda: gradient_of_logits([0.0, math.log(3.0)], 0),
        praise=lambda: _("Softmax minus one-hot: 1/4 − 1 and 3/4 − 0."),
        mistakes=lambda: [
            ((0.25, 0.75), _("Those are the probabilities. Subtract 1 from that of the true class.")),
            ((0.75, -0.75), _("The signs are swapped: a higher score of the true class makes the loss smaller.")),
            ((0.25, -0.25), _("That is the gradient if class 1 were the true one.")),
        ],
        hint=lambda: _("The gradient is softmax minus one-hot. The two add up to 0."),
    ),
    "mend-softmax": WrittenLoss("cross_entropy", names_the_slip=False),
    "write-softmax-cross-entropy": WrittenLoss("cross_entropy", plain=Plain("logits, target")),
}
