"""The exercises of the part "First losses, first descent"."""

from __future__ import annotations

import torch

from ... import functional as lf
from ...language import gettext as _
from ..pictures.descent import descend, one_point_loss
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss

START, RATE = 1.0, 0.03  # of the exercise on one step of gradient descent
SCORES, TRUE_CLASS = torch.tensor([0.5, 0.2, 0.9]), torch.tensor(0)
X = torch.tensor([[1.0, 2.0], [2.0, 0.0], [0.0, 1.0], [3.0, 1.0]])  # the page's data
Y = torch.tensor([[0.5], [4.5], [-0.5], [5.5]])


def _after_one_step(rate: float) -> float:
    return descend(one_point_loss, START, rate, steps=1)[-1].item()


def other_point_loss(slope: torch.Tensor) -> torch.Tensor:
    """The loss of a line through the origin at the point (2, 4)."""
    return (4 - 2 * slope).square()


def curvature() -> float:
    return torch.autograd.functional.hessian(other_point_loss, torch.tensor(0.0)).item()


def walk(rate: float, steps: int) -> float:
    return descend(other_point_loss, 0.0, rate, steps)[-1].item()


def walk_by_hand(slope_of_inside: float) -> float:
    """Where fifty steps lead with this inner derivative; −2 is the right one."""
    slope = 0.0
    for _step in range(50):
        slope = slope - 0.1 * 2 * (4 - 2 * slope) * slope_of_inside
    return slope


def hinge_slopes(scores: tuple[float, ...]) -> tuple[float, ...]:
    f = torch.tensor(scores, requires_grad=True)
    return tuple(torch.autograd.grad((1 - f).clamp(min=0).sum(), f)[0].tolist())


def after_two_backwards(erased_between: bool) -> float:
    w = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    for _call in range(2):
        if erased_between:
            optimizer.zero_grad()
        (w - 2).square().backward()
    optimizer.step()
    return w.item()


def loss_of_five_steps(trained: bool) -> float:
    """The page's model, after 200 steps or as it starts."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _step in range(200 if trained else 1):
        optimizer.zero_grad()
        loss = lf.mse_loss(model(X), Y)
        loss.backward()
        optimizer.step()
    return loss.item()


EXERCISES = {
    "five-tasks": Exercise(
        answer=lambda: "mcbbr",
        praise=lambda: _("What the target is decides: a number, one of several classes, yes or no, or an order."),
        mistakes=lambda: [
            (
                "mccbr",
                _("Look at task 3 again: can two of them be true at once? Cross-entropy is meant for one true class."),
            ),
            ("mcbcr", _("Look at task 4 again: softmax over one output is always 1. What is the loss then?")),
            (
                "mcccr",
                _("Look at tasks 3 and 4 again: cross-entropy wants one true class among two or more outputs."),
            ),
            ("mbbbr", _("Look at task 2 again: exactly one class is right, and its number is no probability.")),
            (
                "mcbbb",
                _("Look at task 5 again: no score is right or wrong by itself. What matters is the difference."),
            ),
            ("mcbbm", _("Look at task 5 again: the scores have no true values. What matters is their difference.")),
            (
                "mmbbr",
                _(
                    "Look at task 2 again: the languages have numbers, but to take 1 for 9 is no larger mistake than "
                    "to take it for 2."
                ),
            ),
        ],
        hint=lambda: _("Ask of each task: is the target a number, one of several classes, yes or no, or an order?"),
    ),
    "five-lines": Exercise(
        answer=lambda: "z" + "mlb" * 2 + "s",
        praise=lambda: _("Erase once, add up the gradients of both halves, and only then step."),
        mistakes=lambda: [
            (
                "zmlbs",
                _("That is a whole batch at once. Here the second half goes through model, loss and backward too."),
            ),
            ("zmlbzmlbs", _("The second z erases what the first half has contributed.")),
            (
                "zmlbsmlbs",
                _("The first half would step by itself, and its gradient would count again in the second step."),
            ),
            ("zmlbszmlbs", _("Those are two steps with small batches. One step should see the whole batch.")),
            ("zmlmlbs", _("The second l overwrites the loss of the first half. Each half needs its own backward.")),
            ("mlbmlbzs", _("You erase the gradients between computing and using them, so no parameter would move.")),
        ],
        hint=lambda: _(
            "backward adds to the gradients. What must happen before the first one, and what after the second?"
        ),
    ),
    "next-slope": Exercise(
        answer=lambda: _after_one_step(RATE),
        praise=lambda: _("The slope of the loss is 36 there, and 1 − 0.03 · 36 = −0.08."),
        mistakes=lambda: [
            (
                _after_one_step(-RATE),
                _("Right size, wrong direction: the slope is positive, so downhill is to the left."),
            ),
            (_after_one_step(RATE / 2), _("Half way. The derivative of a square brings down a factor 2.")),
            (_after_one_step(RATE / 3), _("The inner derivative is missing: 3 + 3A changes by 3 when A changes by 1.")),
            (
                _after_one_step(RATE / 6),
                _("That takes 3 + 3A for the slope. The slope of (3 + 3A)² is 2 · (3 + 3A) · 3."),
            ),
            (_after_one_step(1.0), _("That is the whole slope. Multiply it by the learning rate first.")),
            (
                torch.autograd.functional.jacobian(one_point_loss, torch.tensor(START)).item(),
                _("That is the slope itself. The step is the slope times the learning rate, and it goes downhill."),
            ),
            (-1.0, _("That is the goal. One step with the learning rate 0.03 does not reach it.")),
        ],
        hint=lambda: _("First the slope of (3 + 3A)² at A = 1. Then A minus the learning rate times the slope."),
    ),
    "multi-margin-by-hand": Exercise(
        answer=lambda: float(lf.multi_margin_loss(SCORES, TRUE_CLASS)),
        praise=lambda: _("0.7 for class 1 and 1.4 for class 2, divided by the three classes."),
        mistakes=lambda: [
            (2.1, _("That is the sum. The formula divides it by the number of classes.")),
            (1.05, _("You divided by the two other classes. The formula divides by all of them, 3.")),
            (3.1 / 3, _("The true class is not compared with itself. Leave it out of the sum.")),
            (1.4 / 3, _("Class 1 has the lower score, but its distance is less than the margin 1: it costs too.")),
        ],
        hint=lambda: _(
            "For each other class: 1 minus the score of the true class plus its own score, if that is above 0."
        ),
    ),
    "hinge-slopes": Exercise(
        answer=lambda: hinge_slopes((-10.0, 0.5, 3.0)),
        praise=lambda: _("The same pull for every score below 1, right or wrong, and none beyond."),
        mistakes=lambda: [
            ((11.0, 0.5, 0.0), _("Those are the losses. Their slope asks how the loss changes with the score.")),
            ((-1.0, 0.0, 0.0), _("0.5 has the right sign, but not yet the margin 1: the loss still falls there.")),
            ((1.0, 1.0, 0.0), _("A higher score makes the loss smaller, so the slope is below 0.")),
            ((-1.0, -1.0, -1.0), _("Beyond the margin the loss is 0 and stays 0.")),
        ],
        hint=lambda: _("For y = 1 the loss is max(0, 1 − f). Where is it a falling line, and where flat?"),
    ),
    "mend-multi-margin": WrittenLoss(
        "multi_margin",
        names_the_slip=False,
        plain=Plain(
            "scores, true_class",
            """
                hinges = [max(0, 1 - scores[true_class] + score) for score in scores]
                return sum(hinges) / len(hinges)
            """,
        ),
    ),
    "unequal-shares": Exercise(
        answer=lambda: tuple((torch.tensor([6.0, 4.0]) / 10).tolist()),
        praise=lambda: _("Each mean counts by its share, and so every sample counts a tenth."),
        mistakes=lambda: [
            ((0.5, 0.5), _("Then a sample of the small part would count more than one of the large part.")),
            ((1 / 6, 1 / 4), _("The loss of a part is a mean already. How large is its share of the ten samples?")),
            ((6.0, 4.0), _("Those make the sum of ten losses. The mean divides it by 10.")),
            ((0.4, 0.6), _("The other way round: the larger part has the larger share.")),
        ],
        hint=lambda: _("Which factor turns the mean over 6 samples into their part of the mean over 10?"),
    ),
    "two-backwards-one-step": Exercise(
        answer=lambda: after_two_backwards(erased_between=False),
        praise=lambda: _("Two slopes of −4 add up to −8, and one step goes 0.1 times that."),
        mistakes=lambda: [
            (
                after_two_backwards(erased_between=True),
                _("That is a step with one gradient. The second backward adds its own."),
            ),
            (0.72, _("There is one step only, so both gradients are taken at 0.")),
            (-0.8, _("The slope is below 0, so the step goes up.")),
            (8.0, _("That is the size of the gradient. The step is the learning rate times it.")),
        ],
        hint=lambda: _("First the slope of (w − 2)² at 0. How often is it added before the step?"),
    ),
    "nothing-moves": Exercise(
        answer=lambda: loss_of_five_steps(trained=True),
        praise=lambda: _("The optimizer holds the parameters it was given. Make it after the model."),
        mistakes=lambda: [
            (
                loss_of_five_steps(trained=False),
                _("The loss stands where it began. Whose parameters does the optimizer hold?"),
            ),
        ],
        hint=lambda: _("After 200 steps the loss is below 0.001. Which line comes too late, or too early?"),
        digits=3,
    ),
    "limit-of-the-rate": Exercise(
        answer=lambda: 2 / curvature(),
        praise=lambda: _("The second derivative of (4 − 2A)² is 8, and 2 / 8 = 0.25."),
        mistakes=lambda: [
            (1 / 9, _("That is the limit for the point (−3, 3). This parabola is less steep.")),
            (1 / 8, _("With that rate it arrives in one step. It may be twice as large.")),
            (0.5, _("The curvature is not 4: the derivative of a square brings down a factor 2.")),
            (8.0, _("That is the curvature. The limit is 2 divided by it.")),
        ],
        hint=lambda: _("Multiply (4 − 2A)² out. What stands before A², and what is the second derivative?"),
    ),
    "two-large-steps": Exercise(
        answer=lambda: walk(0.3, steps=2),
        praise=lambda: _("The factor is 1 − 0.3 · 8 = −1.4, so the distance 2 becomes 2.8, and then 3.92."),
        mistakes=lambda: [
            (walk(0.3, steps=1), _("That is where the first step leads. The second goes back over the goal.")),
            (2.0, _("That is the goal. The rate is above the limit: it never gets there.")),
            (walk(0.3, steps=3), _("That is where the third step leads.")),
        ],
        hint=lambda: _("Each step multiplies the distance from 2 by 1 − 8 · 0.3."),
    ),
    "wrong-slope": Exercise(
        answer=lambda: walk_by_hand(-2.0),
        praise=lambda: _("The inside, 4 − 2A, changes by −2 when A changes by 1. That factor was missing."),
        mistakes=lambda: [
            (walk_by_hand(1.0), _("It runs away from 2. Ask autograd for the slope at 0: is it 8?")),
            (walk_by_hand(2.0), _("It runs away even faster: the factor 2 is right, its sign is not.")),
        ],
        hint=lambda: _("The walk should end at 2. Compare the slope in the code with the derivative of (4 − 2A)²."),
    ),
}
