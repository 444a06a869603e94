"""The exercises of the guide to losses: its overview, L1, MSE and Smooth L1."""

from __future__ import annotations

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise


def weights_of_descent(loss, rate: float = 0.3, steps: int = 6) -> tuple[float, ...]:
    """A weight after each step of gradient descent from 0 toward the target 1."""
    weight, target, path = torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64), []
    for _step in range(steps):
        weight.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(weight, target), weight)
        weight = weight.detach() - rate * gradient
        path.append(weight.item())
    return tuple(path)


SUM_OF_SQUARES, SAMPLES, OUTPUTS = 38.0, 2, 3  # of the batch in "mse-divisor"
ERROR, ZERO = torch.tensor(3.0), torch.tensor(0.0)

EXERCISES = {
    "l1-swing": Exercise(
        answer=lambda: weights_of_descent(lf.l1_loss),
        praise=lambda: _("The steps keep their length, so the weight swings across the goal forever."),
        mistakes=lambda: [
            (
                (0.3, 0.6, 0.9, 1.0, 1.0, 1.0),
                _(
                    "Nothing shortens the fourth step. The slope at 0.9 is still −1, so it is 0.3 long and goes too far."
                ),
            ),
            (
                (0.3, 0.6, 0.9, 0.9, 0.9, 0.9),
                _("At 0.9 the slope is still −1, not 0. The descent goes on."),
            ),
            (
                (0.3, 0.6, 0.9, 1.2, 1.5, 1.8),
                _("Beyond the target the error is positive and the slope +1: the step turns round."),
            ),
            (
                (0.0, *weights_of_descent(lf.l1_loss)[:5]),
                _("Right so far, but 0 is the start. Give the weight after each of the six steps."),
            ),
            (
                weights_of_descent(lf.mse_loss),
                _("That is the way with MSE, whose steps get shorter. The slope of L1 is −1 or +1, nothing between."),
            ),
        ],
        hint=lambda: _("Each step is 0.3 long. It goes up below the target and down above it."),
    ),
    "mse-divisor": Exercise(
        answer=lambda: SUM_OF_SQUARES / (SAMPLES * OUTPUTS),
        praise=lambda: _("The mean divides by all elements: 38 / 6."),
        mistakes=lambda: [
            (SUM_OF_SQUARES, _('That is the sum, which reduction="sum" returns. The default is the mean.')),
            (SUM_OF_SQUARES / SAMPLES, _("You divided by the number of samples, 2. How many elements has the tensor?")),
            (SUM_OF_SQUARES / OUTPUTS, _("You divided by the number of outputs, 3. How many elements has the tensor?")),
            (SUM_OF_SQUARES / (SAMPLES * OUTPUTS) / SAMPLES, _("The mean is a mean already: divide only once.")),
            (
                (SUM_OF_SQUARES / (SAMPLES * OUTPUTS)) ** 0.5,
                _("That is the root of it, the RMSE. MSELoss takes no root."),
            ),
        ],
        hint=lambda: _("Divide the sum of the squares by the number of all elements."),
    ),
    "huber-and-smooth-l1": Exercise(
        answer=lambda: (float(lf.huber_loss(ERROR, ZERO, delta=0.5)), float(lf.smooth_l1_loss(ERROR, ZERO, beta=0.5))),
        praise=lambda: _("Huber is δ times Smooth L1, here half of it."),
        mistakes=lambda: [
            ((2.75, 1.375), _("Both numbers are right, in the wrong order: Huber first, then Smooth L1.")),
            ((2.75, 2.75), _("Smooth L1 is right. Huber is that times δ.")),
            ((1.375, 1.375), _("Huber is right. Smooth L1 is that divided by β.")),
            ((1.25, 2.5), _("The line is lower by half of β, not by the whole: 3 − 0.25.")),
            (
                (float(ERROR**2 / 2), float(ERROR**2)),
                _("That is the square. An error of 3 lies beyond 0.5, so the line applies."),
            ),
            ((1.5, 3.0), _("The line does not start at 0: subtract half of β from the error first.")),
        ],
        hint=lambda: _("Is 3 below or above the threshold 0.5? Take that line of each formula."),
    ),
    "calls-that-fail": Exercise(
        answer=lambda: "bc",
        praise=lambda: _(
            "Cross-entropy wants one index for each sample, as an integer. The other two calls run, the last with a "
            "warning that you should heed."
        ),
        mistakes=lambda: [
            ("b", _("There is one more. What does cross-entropy take numbers with a decimal point for?")),
            ("c", _("There is one more. Three samples need three indices: which shape has the target of b?")),
            (
                "abc",
                _("b and c fail. But MSE takes whole numbers as a target: they become floats."),
            ),
            ("bcd", _("b and c fail. But d runs: PyTorch broadcasts the two shapes and only warns.")),
            ("abcd", _("Two of them run: one turns integers into floats, the other only warns.")),
            ("d", _("That one runs. PyTorch broadcasts the two shapes, and the number is wrong: it only warns.")),
        ],
        hint=lambda: _("Ask of each call: which shape and which dtype does this loss want as its target?"),
    ),
}
