"""The exercises of the part "First losses, first descent"."""

from __future__ import annotations

import torch

from ...language import gettext as _
from ..pictures.descent import descend, one_point_loss
from .exercise import Exercise

START, RATE = 0.0, 0.05  # of the exercise on one step of gradient descent


def _after_one_step(rate: float) -> float:
    return descend(one_point_loss, START, rate, steps=1)[-1].item()


EXERCISES = {
    "five-tasks": Exercise(
        answer=lambda: "mcbbr",
        praise=lambda: _("What the target is decides: a number, one of several classes, yes or no, or an order."),
        mistakes=lambda: [
            ("mccbr", _("Look at task 3 again: can two tags be true at once? Cross-entropy allows one class only.")),
            ("mcbcr", _("Look at task 4 again: softmax over one output is always 1. What is the loss then?")),
            (
                "mcccr",
                _("Look at tasks 3 and 4 again: cross-entropy wants one true class among two or more outputs."),
            ),
            ("mbbbr", _("Look at task 2 again: exactly one digit is right, and its class number is no probability.")),
            (
                "mcbbb",
                _("Look at task 5 again: no answer is right or wrong by itself. What matters is the difference."),
            ),
            ("mcbbm", _("Look at task 5 again: the scores have no true values. What matters is their difference.")),
            ("mmbbr", _("Look at task 2 again: digit 9 is no larger mistake for a 1 than digit 2 is.")),
        ],
        hint=lambda: _("Ask of each task: is the target a number, one of several classes, yes or no, or an order?"),
    ),
    "five-lines": Exercise(
        answer=lambda: "zmlbs",
        praise=lambda: _("Erase, predict, measure, differentiate, step: every training loop has these five lines."),
        mistakes=lambda: [
            (
                "zmlsb",
                _("The step comes before the gradients are there. They were erased, so no parameter would move."),
            ),
            (
                "mlbzs",
                _("You erase the gradients between computing and using them, so no parameter would move. z is first."),
            ),
            ("mlzbs", _("This trains as well. But the exercise asks for z first.")),
            ("mzlbs", _("This trains as well, with z anywhere before b. But the exercise asks for z first.")),
            ("mlbsz", _("This trains as well: it erases for the next iteration. But the exercise asks for z first.")),
            ("zlmbs", _("The loss needs y_pred, which the model has yet to compute.")),
            ("zmbls", _("backward starts from the loss, so the loss must be there first.")),
        ],
        hint=lambda: _("What does each line need, and which line makes it?"),
    ),
    "next-slope": Exercise(
        answer=lambda: _after_one_step(RATE),
        praise=lambda: _("The slope of the loss is 18 there, and 0 − 0.05 · 18 = −0.9."),
        mistakes=lambda: [
            (
                -_after_one_step(RATE),
                _("Right size, wrong direction: the slope is positive, so downhill is to the left."),
            ),
            (_after_one_step(RATE / 2), _("Half way. The derivative of a square brings down a factor 2.")),
            (_after_one_step(RATE / 3), _("The inner derivative is missing: 3 + 3A changes by 3 when A changes by 1.")),
            (_after_one_step(RATE / 6), _("That is 0.05 times 3. The slope of (3 + 3A)² is 2 · (3 + 3A) · 3.")),
            (_after_one_step(1.0), _("That is the whole slope. Multiply it by the learning rate first.")),
            (
                torch.autograd.functional.jacobian(one_point_loss, torch.tensor(START)).item(),
                _("That is the slope itself. The step is the slope times the learning rate, and it goes downhill."),
            ),
            (-1.0, _("That is the goal. One step with the learning rate 0.05 does not quite reach it.")),
        ],
        hint=lambda: _("First the slope of (3 + 3A)² at A = 0. Then A minus the learning rate times the slope."),
    ),
}
