"""The exercises of the guide to losses: its overview, L1, MSE and Smooth L1."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss


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
PREDICTED, TRUE = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 4.0, 1.0])
PROBABILITY, LABEL = torch.tensor([0.9, 0.2]), torch.tensor([1.0, 0.0])
ERRORS = torch.tensor([1.0, -2.0, 3.0])


def slopes(loss: Callable[..., torch.Tensor], errors: list[float] | torch.Tensor, **settings) -> tuple[float, ...]:
    """The gradient of a loss with respect to each error."""
    e = torch.as_tensor(errors).clone().requires_grad_()
    return tuple(torch.autograd.grad(loss(e, torch.zeros_like(e), **settings), e)[0].tolist())


def ten_times(reduction: str) -> float:
    return float(lf.mse_loss(PREDICTED.repeat(10), TRUE.repeat(10), reduction=reduction))


def failing_calls() -> str:
    """The letters of the calls of the overview that PyTorch refuses."""
    three, logits = torch.zeros(3), torch.zeros(3, 4)
    calls = {
        "a": lambda: torch.nn.MSELoss()(three, torch.tensor([1, 2, 3])),
        "b": lambda: torch.nn.CrossEntropyLoss()(logits, torch.tensor([[1], [0], [2]])),
        "c": lambda: torch.nn.CrossEntropyLoss()(logits, torch.tensor([1.0, 0.0, 2.0])),
        "d": lambda: torch.nn.L1Loss()(three.unsqueeze(1), three),
    }
    failing = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for letter, call in calls.items():
            try:
                call()
            except RuntimeError:
                failing += letter
    return failing


EXERCISES = {
    "l1-swing": Exercise(
        answer=lambda: weights_of_descent(lf.l1_loss),
        praise=lambda: _("The steps keep their length, so the weight swings across the goal forever."),
        mistakes=lambda: [
            (
                (0.3, 0.6, 0.9, 1.0, 1.0, 1.0),
                _(
                    "Nothing shortens the fourth step. The slope at 0.9 is still −1, so it is 0.3 long and goes too "
                    "far."
                ),
            ),
            (
                (0.3, 0.6, 0.9, 0.9, 0.9, 0.9),
                _("At 0.9 the slope is still −1, not 0. The descent goes on."),
            ),
            (
                (0.3, 0.6, 0.9, 1.2, 1.5, 1.8),
                _("Beyond the target the error is positive and the slope +1: the step turns back."),
            ),
            (
                (0.0, *weights_of_descent(lf.l1_loss)[:5]),
                _("Right so far, but 0 is the start. Give the weight after each of the six steps."),
            ),
            (
                weights_of_descent(lf.mse_loss),
                _(
                    "That is the way with MSE, whose steps get shorter. The slope of L1 is −1 or +1, however small the error."
                ),
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
        answer=failing_calls,
        praise=lambda: _(
            "Cross-entropy wants one class number for each sample, as an integer, or a row of probabilities. The other two calls run, the last with a warning that you should heed."
        ),
        mistakes=lambda: [
            ("b", _("There is one more. What does cross-entropy take numbers with a decimal point for?")),
            (
                "c",
                _("There is one more. Three samples need three class numbers: which shape does the target of b have?"),
            ),
            (
                "abc",
                _("b and c fail. But MSE takes whole numbers as a target: they become floats."),
            ),
            ("bcd", _("b and c fail. But d runs: PyTorch broadcasts the two shapes and only warns.")),
            ("abcd", _("Two of them run: one turns integers into floats, the other only warns.")),
            ("d", _("That one runs. PyTorch broadcasts the two shapes, so the number can be wrong: it only warns.")),
        ],
        hint=lambda: _("Ask of each call: which shape and which dtype does this loss want as its target?"),
    ),
    "count-parameters": Exercise(
        answer=lambda: sum(p.numel() for size in ((4, 6), (6, 2)) for p in torch.nn.Linear(*size).parameters()),
        praise=lambda: _("4 · 6 + 6 in the first layer and 6 · 2 + 2 in the second."),
        mistakes=lambda: [
            (36, _("Those are the weights. Each neuron has a bias too.")),
            (8, _("Those are the biases. Each connection has a weight.")),
            (12, _("Those are the nodes. Count the connections between them, and a bias for each neuron.")),
        ],
        hint=lambda: _("A layer has one weight for each connection and one bias for each neuron it leads to."),
        digits=0,
    ),
    "ten-times-the-batch": Exercise(
        answer=lambda: (ten_times("mean"), ten_times("sum")),
        praise=lambda: _(
            "The mean does not see the size of the batch. The sum grows with it, and so does its gradient."
        ),
        mistakes=lambda: [
            ((ten_times("mean") * 10, ten_times("sum")), _("The sum is right. The mean divides by ten times as many.")),
            ((ten_times("mean"), ten_times("sum") / 10), _("The mean is right. The sum adds all 30 squares.")),
            ((ten_times("mean") / 10, ten_times("sum") / 10), _("The sum of the squares grows tenfold too.")),
        ],
        hint=lambda: _("The three squares are 0, 4 and 9. Now each of them occurs ten times."),
    ),
    "swapped-arguments": Exercise(
        answer=lambda: float(lf.binary_cross_entropy(PROBABILITY, LABEL)),
        praise=lambda: _(
            "Input first, target second. Here the swap gave a number, and it was about 90 times too large."
        ),
        mistakes=lambda: [
            (
                float(lf.binary_cross_entropy(LABEL, PROBABILITY)),
                _("That is the loss as it was. 0.9 and 0.2 are good answers to 1 and 0: what does each argument mean?"),
            ),
        ],
        hint=lambda: _("Which of the two tensors is the model's answer, and where does it belong in the call?"),
    ),
    "l1-gradient": Exercise(
        answer=lambda: slopes(lf.l1_loss, [0.0, 2.0, -3.0]),
        praise=lambda: _("Only the sign of an error counts, divided by 3; where the error is 0, PyTorch takes 0."),
        mistakes=lambda: [
            ((0.0, 1.0, -1.0), _("The signs are right. The loss is a mean: divide by the three elements.")),
            (
                (0.0, 2 / 3, -1.0),
                _("That grows with the error, like the gradient of MSE. The slope of L1 beside 0 is −1 or +1."),
            ),
            ((0.0, -1 / 3, 1 / 3), _("The sizes are right. Where the prediction is too high, the slope is above 0.")),
        ],
        hint=lambda: _("For each element: is the prediction too high, too low or right? Then divide by their number."),
    ),
    "mend-l1": WrittenLoss("l1", names_the_slip=False),
    "write-weighted-l1": WrittenLoss("l1", takes=("weight",)),
    "mse-gradient": Exercise(
        answer=lambda: slopes(lf.mse_loss, ERRORS),
        praise=lambda: _("Each entry is 2/3 of its error."),
        mistakes=lambda: [
            ((2.0, -4.0, 6.0), _("That is the gradient of the sum. The mean divides it by 3.")),
            (tuple((ERRORS / 3).tolist()), _("The derivative of a square brings down a factor 2.")),
            (
                tuple((-2 * ERRORS / 3).tolist()),
                _("The sizes are right. A prediction that is too high has a slope above 0."),
            ),
            ((1 / 3, 4 / 3, 3.0), _("Those are the shares of the loss. The gradient is the derivative of each.")),
        ],
        hint=lambda: _("The derivative of e² / 3 with respect to e, for each of the three errors."),
    ),
    "mend-mse-divisor": WrittenLoss("mse", names_the_slip=False),
    "write-mse": WrittenLoss("mse", takes=("reduction",)),
    "smooth-slopes": Exercise(
        answer=lambda: slopes(lf.smooth_l1_loss, [0.2, 1.0, 5.0], beta=0.5, reduction="sum"),
        praise=lambda: _("Below β the slope is the error divided by β, beyond it 1."),
        mistakes=lambda: [
            ((0.2, 1.0, 1.0), _("That is the slope with β = 1. Here the parabola is divided by 2 β, with β = 0.5.")),
            ((0.4, 2.0, 10.0), _("The first is right. The other two errors lie beyond β, on the line.")),
            ((0.04, 0.75, 4.75), _("Those are the losses. The question is how they change with the error.")),
        ],
        hint=lambda: _("Which of the three errors lie below 0.5? Take the derivative of the line that applies."),
    ),
    "mend-smooth-l1": WrittenLoss(
        "smooth_l1",
        takes=("beta",),
        names_the_slip=False,
        plain=Plain(
            "prediction, target",
            """
                size = abs(prediction - target)
                return size**2 / 2 if size < beta else size - beta / 2
            """,
        ),
    ),
    "write-huber": WrittenLoss("huber", takes=("delta",), plain=Plain("prediction, target")),
}
