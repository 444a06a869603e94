"""The exercises on losses for wild values, for counts and for noise that varies: Huber, Poisson, Gaussian."""

from __future__ import annotations

import math

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss

THREE_ERRORS = torch.tensor([1.0, -2.0, 6.0])


def huber_constant(delta: float) -> float:
    """The best constant for 1, 2, 3, 4 and 90, where 90 pulls with δ and the others with their errors."""
    return (1 + 2 + 3 + 4 + delta) / 4


def poisson_gradient(counts: list[float], *, reduction: str = "mean") -> tuple[float, ...]:
    """The gradient at log-rates of 0."""
    log_rate = torch.zeros(len(counts), requires_grad=True)
    loss = lf.poisson_nll_loss(log_rate, torch.tensor(counts), reduction=reduction)
    return tuple(torch.autograd.grad(loss, log_rate)[0].tolist())


EXERCISES = {
    "huber-by-hand": Exercise(
        answer=lambda: float(lf.huber_loss(THREE_ERRORS, torch.zeros(3), delta=2.0)),
        praise=lambda: _("0.5, 2 and 10, divided by 3. At the error −2 both lines of the formula give 2."),
        mistakes=lambda: [
            (12.5, _("That is the sum. The mean divides it by 3.")),
            (20.5 / 3, _("Half of each square is right up to δ. The error 6 lies beyond it, on the line.")),
            (14.5 / 3, _("The line does not start at 0: it is δ · (|e| − δ/2).")),
            (7.5 / 3, _("On the line the error is multiplied by δ: 2 · (6 − 1).")),
            (15 / 3, _("Up to δ it is half the square, not the whole.")),
        ],
        hint=lambda: _(
            "Which of the three errors lie within 2? Take that line of the formula for each, then the mean."
        ),
    ),
    "huber-constant": Exercise(
        answer=lambda: huber_constant(5.0),
        praise=lambda: _(
            "Four errors on the parabola balance one pull of 5: the constant lies 5/4 above their mean, 2.5."
        ),
        mistakes=lambda: [
            (3.0, _("That is the median, the best constant with L1.")),
            (20.0, _("That is the mean, the best constant with MSE.")),
            (2.5, _("That is the mean of the four. The 90 still pulls, with 5.")),
            (7.5, _("The four pull together: each needs only a quarter of 5.")),
            (1.25, _("That is how far it lies above the mean of the four.")),
        ],
        hint=lambda: _("Let the constant be c. The four pull down with 4 · c − 10. Set this equal to 5."),
    ),
    "mend-huber": WrittenLoss(
        "huber",
        takes=("delta",),
        names_the_slip=False,
        plain=Plain(
            "prediction, target",
            """
                size = abs(prediction - target)
                return size**2 / 2 if size <= delta else delta * size
            """,
        ),
    ),
    "write-weighted-huber": WrittenLoss("huber", takes=("delta", "weight")),
    "poisson-by-hand": Exercise(
        answer=lambda: float(lf.poisson_nll_loss(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 1.0]))),
        praise=lambda: _("The losses are 1 and e − 1, and their mean is e/2."),
        mistakes=lambda: [
            (math.e, _("That is the sum. The mean divides it by 2.")),
            ((math.e - 1) / 2, _("e⁰ is 1, not 0: the first loss is 1 − 3 · 0.")),
            (math.e - 1, _("That is the loss of the second count alone.")),
            (
                float(lf.poisson_nll_loss(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 1.0]), log_input=False)),
                _("That takes 0 and 1 for rates. They are logarithms, as is the default."),
            ),
            ((1 + math.e) / 2, _("The second loss is e¹ − 1 · 1: the count times the log-rate is taken off.")),
        ],
        hint=lambda: _("Compute e^x − y · x for both, then the mean."),
    ),
    "poisson-gradient": Exercise(
        answer=lambda: poisson_gradient([0.0, 1.0, 5.0]),
        praise=lambda: _("Each is the rate e⁰ = 1 minus the count, divided by 3."),
        mistakes=lambda: [
            (poisson_gradient([0.0, 1.0, 5.0], reduction="sum"), _("That is the gradient of the sum. Divide it by 3.")),
            ((-1 / 3, 0.0, 4 / 3), _("The sizes are right. Where too few were expected, the slope is below 0.")),
            ((0.0, -1 / 3, -5 / 3), _("The rate is missing: the derivative of e^x is e^x, at 0 it is 1.")),
            ((1 / 3, 1 / 3, 1 / 3), _("Those are the losses divided by 3. The gradient is the derivative of each.")),
        ],
        hint=lambda: _("The derivative of e^x − y · x with respect to x is e^x − y. Put in x = 0, then divide by 3."),
    ),
    "mend-poisson": WrittenLoss(
        "poisson_nll",
        names_the_slip=False,
        plain=Plain("log_rate, count", "return log_rate - count * math.log(log_rate + 1e-8)"),
    ),
    "poisson-exposure": Exercise(
        answer=lambda: math.log((2 + 7) / (10 + 20)),
        praise=lambda: _("9 failures in 30 days are 0.3 a day."),
        mistakes=lambda: [
            (0.3, _("That is the rate. The question asks for its logarithm.")),
            (
                math.log((2 / 10 + 7 / 20) / 2),
                _("That averages the two rates. Twenty days count twice as much as ten."),
            ),
            ((math.log(2 / 10) + math.log(7 / 20)) / 2, _("That is the mean of two logarithms. Add up first.")),
            (math.log10(0.3), _("That is the logarithm to base 10. The loss uses the natural one.")),
            (math.log(4.5), _("That is failures for each machine. The days are the exposure.")),
        ],
        hint=lambda: _("Divide all failures by all days, and take the logarithm."),
    ),
    "write-poisson": WrittenLoss("poisson_nll", takes=("log_input", "eps"), plain=Plain("input, target")),
    "gaussian-by-hand": Exercise(
        answer=lambda: (math.log(4) + 2**2 / 4) / 2,
        praise=lambda: _("(ln 4 + 4/4) / 2: an error as large as the standard deviation, 2."),
        mistakes=lambda: [
            (math.log(4) + 1, _("The half is missing.")),
            ((math.log(2) + 4 / 2) / 2, _("That takes 2 for the variance. The variance is 4, its root is 2.")),
            ((math.log(4) + 2 / 4) / 2, _("The error is squared: 2² / 4.")),
            (
                (math.log(4) + 1 + math.log(2 * math.pi)) / 2,
                _("That is the loss with full=True. Leave the constant out."),
            ),
            ((math.log10(4) + 1) / 2, _("That is the logarithm to base 10. The loss uses the natural one.")),
        ],
        hint=lambda: _("Half of the sum of ln v and the squared error divided by v, with v = 4."),
    ),
    "best-variance": Exercise(
        answer=lambda: sum(e * e for e in (1, -2, 3)) / 3,
        praise=lambda: _("It is the mean of the squared errors, 14/3."),
        mistakes=lambda: [
            (14.0, _("That is the sum of the squares. Take their mean.")),
            ((14 / 3) ** 0.5, _("That is the standard deviation. The loss takes the variance.")),
            (14 / 3 - (2 / 3) ** 2, _("That is the variance around the mean of the errors. Here they count from 0.")),
            (7.0, _("Divide by 3, not by 2: the mean that the model predicted is given.")),
            (2.0, _("That is the mean of the sizes. The errors are squared.")),
        ],
        hint=lambda: _("Set the derivative with respect to v to 0: 1/v = (mean of the squared errors) / v²."),
    ),
    "mend-gaussian": WrittenLoss(
        "gaussian_nll",
        names_the_slip=False,
        plain=Plain(
            "mean, target, var",
            """
                error = (mean - target) / var
                return (math.log(var) + error**2) / 2
            """,
        ),
    ),
    "write-gaussian": WrittenLoss("gaussian_nll", takes=("full", "eps"), plain=Plain("mean, target, var")),
}
