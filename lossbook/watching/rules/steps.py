"""The loop: the order of its steps, and what the optimizer holds."""

from __future__ import annotations

import math
from statistics import median

from ...kit.text import number
from ...language import Phrase
from ..finding import Told
from ..training import Training
from .rule import in_training

LONGEST_ACCUMULATION = 64  #: so many small batches may come before a step


@in_training(
    "gradients-not-cleared",
    Phrase("zero_grad() missing: old gradients are used again"),
    page="first-losses/five-steps",
    hides=("learning-rate-too-high",),
)
def gradients_not_cleared(training: Training) -> Told | None:
    if training.stale_steps < 2:
        return None
    return Told(
        Phrase(
            "{count} of {steps} steps used gradients that an earlier step had used already, with new ones added: "
            "zero_grad() is missing, and the gradients of all batches so far pile up.",
            count=training.stale_steps,
            steps=training.steps,
        ),
        Phrase("Call optimizer.zero_grad() once in each step, before backward()."),
    )


@in_training("cleared-before-step", Phrase("zero_grad() between backward() and step()"), page="first-losses/five-steps")
def cleared_before_step(training: Training) -> Told | None:
    if training.cleared_steps < 2 or training.moves() or not _came_back(training):
        return None
    return Told(
        Phrase(
            "{count} of {steps} steps found no gradient, though backward() had run right before: they were cleared "
            "between backward() and step(), and no parameter has moved.",
            count=training.cleared_steps,
            steps=training.steps,
        ),
        Phrase("Write optimizer.zero_grad() before loss.backward(), then optimizer.step()."),
    )


def _came_back(training: Training) -> bool:
    """Whether a gradient that was not 0 reached a prediction."""
    return any(size > 0 for seen in training.calls for size in seen.back)


@in_training("step-before-backward", Phrase("step() before backward()"), page="first-losses/five-steps")
def step_before_backward(training: Training) -> Told | None:
    wrong = training.empty_steps + training.early_steps
    if wrong < 2 or not training.backwards:
        return None
    return Told(
        Phrase(
            "{count} of {steps} steps came after the loss was computed and before its backward(): they used no "
            "gradient, or that of an earlier batch.",
            count=wrong,
            steps=training.steps,
        ),
        Phrase("Write loss.backward() first, then optimizer.step()."),
    )


@in_training(
    "other-parameters",
    Phrase("an optimizer that holds the parameters of another model"),
    page="training/linear-regression",
)
def other_parameters(training: Training) -> Told | None:
    if training.foreign_steps < 2 or training.steps or training.moves():
        return None
    return Told(
        Phrase(
            "The optimizer stepped {steps} times, but holds none of the {count} parameters behind this loss: they got "
            "gradients and did not move.",
            steps=training.foreign_steps,
            count=len(training.followed),
        ),
        Phrase(
            "Build the optimizer from the model that is trained, after it is built, copied or moved: "
            "model.parameters()."
        ),
    )


@in_training(
    "parameters-missing",
    Phrase("parameters that the optimizer does not hold"),
    page="training/linear-regression",
    hides=("parameters-unreached",),
)
def parameters_missing(training: Training) -> Told | None:
    if training.steps < 3 or training.holds_inputs:
        return None
    followed = list(training.followed.values())  # those nearest to the loss come first
    missing = [i for i, f in enumerate(followed) if f.is_parameter and not f.held and not f.moved and f.gradients >= 3]
    held = [i for i, f in enumerate(followed) if f.held]
    if not missing or not held or missing[0] > held[-1]:
        return None  # only the layers farthest from the loss: a backbone that is left as it is
    if _first_side_stands_still(training):
        return None
    return Told(
        Phrase(
            "{count} of {all} parameters get gradients but never move, such as one of shape {shape}: no optimizer that "
            "stepped holds them.",
            count=len(missing),
            all=len(followed),
            shape=followed[missing[0]].shape,
        ),
        Phrase(
            "Register layers in the model (nn.ModuleList, not a list), and build the optimizer from model.parameters() "
            "after that."
        ),
    )


def _first_side_stands_still(training: Training) -> bool:
    """Whether what learns stands in the place of the target, and a teacher, whose gradients nobody uses, before it."""
    held = {key for key, followed in training.followed.items() if followed.held}
    sides = [seen.sides for seen in training.calls]
    return all(side is not None and not side[0] & held and side[1] & held for side in sides)


@in_training(
    "parameters-unreached",
    Phrase("parameters of the optimizer that never get a gradient"),
    page="guide/custom-losses",
    likely=True,
)
def parameters_unreached(training: Training) -> Told | None:
    if not training.late or training.steps < 3 or not training.backwards:
        return None  # some layers may wait until others are warm
    unused = training.untouched()
    if unused < 2 or unused < training.optimized / 4 or unused >= training.optimized:
        return None
    return Told(
        Phrase(
            "{count} of the {all} parameters that the optimizer holds never got a gradient in {steps} steps: the "
            "graph is cut between them and the loss.",
            count=unused,
            all=training.optimized,
            steps=training.steps,
        ),
        Phrase(
            "Look in the model for detach(), .data, numpy or torch.no_grad(); or freeze them with "
            "requires_grad_(False)."
        ),
    )


@in_training("never-stepped", Phrase("gradients, but never a step"), page="first-losses/five-steps", likely=True)
def never_stepped(training: Training) -> Told | None:
    if training.steps or training.foreign_steps or training.backwards < 6 or training.moves() or not training.followed:
        return None
    if not all(f.is_parameter for f in training.followed.values()) or not _came_back(training):
        return None
    if training.added >= training.backwards - 1 and training.backwards < LONGEST_ACCUMULATION:
        return None  # a step may follow, after many small batches
    return Told(
        Phrase(
            "{count} backward passes brought gradients, but no optimizer stepped and none of {all} parameters has "
            "moved.",
            count=training.backwards,
            all=len(training.followed),
        ),
        Phrase("Call optimizer.step() after loss.backward()."),
    )


@in_training(
    "learning-rate-zero",
    Phrase("a learning rate of 0"),
    page="training/linear-regression",
    hides=("learning-rate-vanishes",),
)
def learning_rate_zero(training: Training) -> Told | None:
    if len(training.rates) < 3 or any(rate != 0 for rate in training.rates[1:]) or training.moves() > 1:
        return None
    return Told(
        Phrase("The learning rate is 0 in {steps} steps: no parameter moves.", steps=len(training.rates)),
        Phrase("Set lr, e.g. lr=1e-3, and look at the scheduler that changes it."),
    )


@in_training(
    "learning-rate-too-low",
    Phrase("a learning rate so low that nothing changes"),
    page="training/linear-regression",
    likely=True,
)
def learning_rate_too_low(training: Training) -> Told | None:
    rates = training.rates
    if len(rates) < 4 or rates[-1] > rates[0] or not 0 < max(rates) < 2e-6 or not _came_back(training):
        return None  # a rate that grows is warming up
    held = [f for f in training.followed.values() if f.held and f.size > 0]
    updates = [max(f.updates, default=0.0) for f in held if f.values.norm() > 0]
    if not updates or max(updates) > 2e-6:
        return None
    return Told(
        Phrase(
            "With the learning rate {rate} no parameter changes by more than {change} of its size in a step: it takes "
            "{steps} steps to change one by its own size.",
            rate=number(rates[-1]),
            change=number(max(updates)),
            steps=f"{1 / max(updates):.0e}" if max(updates) else "∞",
        ),
        Phrase("Start with lr=1e-3 for Adam or 1e-2 for SGD, and raise it until the loss falls."),
    )


@in_training(
    "learning-rate-too-high",
    Phrase("a learning rate so high that the loss grows"),
    page="training/linear-regression",
    hides=("prediction-not-finite", "loss-not-finite", "gradient-not-finite", "dead-units"),
    likely=True,
)
def learning_rate_too_high(training: Training) -> Told | None:
    updates = [u for f in training.followed.values() for u in f.updates]
    change = median(updates) if updates else 0.0
    if change < 0.05:
        return None
    for calls in training.series():
        if calls[0].fits or calls[0].echoes:
            continue  # the model began as well as it can, such as a student that is a copy of its teacher
        values = [seen.value for seen in calls if seen.arrived]
        finite = [v for v in values if math.isfinite(v)]
        ended = 2 <= len(finite) < len(values)  # in nan or infinity
        if (len(finite) >= 6 or ended) and _grows(finite, change, ended):
            return _too_high(training, finite)
    return None


def _grows(values: list[float], change: float, ended: bool) -> bool:
    """Whether losses are above what they began with, to stay there: by how much depends on how large the steps are."""
    first, later = abs(values[0]), values[(len(values) + 1) // 2 :]
    if first == 0:
        return False  # from there a loss can only rise
    if change > 0.5 and min(later) > 1.5 * first + 1e-6:
        return True
    if change > 0.2 and median(values[1:]) > 2.5 * first + 1e-6 and values[-1] > first:
        return True
    start = first if change > 0.3 or ended else max(map(abs, values[:2]))
    return min(later) > 3 * start + 1e-6


def diverges(training: Training) -> bool:
    """Whether the loss grows for the reason that the learning rate is too high, whatever makes it so."""
    return learning_rate_too_high(training) is not None


def _too_high(training: Training, values: list[float]) -> Told:
    known = {"first": number(round(values[0], 4)), "last": f"{max(values):.4g}", "calls": len(values)}
    rate = number(training.rates[-1]) if training.rates else "?"
    unreduced = [seen.arrived[0] for seen in training.calls if seen.arrived and not seen.single]
    if training.reduction == "sum" or (unreduced and min(unreduced) > 0.99):
        return Told(
            Phrase(
                "The loss grows from {first} to {last} in {calls} calls. It is the sum over the batch, so its gradient "
                "grows with the batch size, and the learning rate {rate} is too high for that.",
                rate=rate,
                **known,
            ),
            Phrase("Write reduction='mean', or divide the learning rate by the batch size."),
        )
    return Told(
        Phrase(
            "The loss grows from {first} to {last} in {calls} calls, and each step changes the parameters by a large "
            "part of their size: the learning rate, {rate}, is too high.",
            rate=rate,
            **known,
        ),
        Phrase("Divide the learning rate by 10 until the loss falls; scale the inputs."),
    )


@in_training(
    "learning-rate-vanishes",
    Phrase("a scheduler that drives the learning rate to nothing"),
    page="training/linear-regression",
)
def learning_rate_vanishes(training: Training) -> Told | None:
    rates = training.rates
    if (
        len(rates) < 6
        or not rates[0] > 0
        or rates[len(rates) // 2] > 1e-3 * rates[0]
        or rates[-1] > rates[len(rates) // 2]
    ):
        return None
    return Told(
        Phrase(
            "The learning rate falls from {first} to {last} within {steps} steps: the scheduler steps after each "
            "batch, and was perhaps meant to step after each epoch.",
            first=number(rates[0]),
            last=number(rates[-1]),
            steps=len(rates),
        ),
        Phrase("Call scheduler.step() once per epoch, or let it fall more slowly."),
    )


@in_training(
    "optimizer-built-anew", Phrase("an optimizer that is built anew for each step"), page="first-losses/five-steps"
)
def optimizer_built_anew(training: Training) -> Told | None:
    if training.steps < 4 or not training.keeps_state or training.new_optimizers < training.steps:
        return None
    return Told(
        Phrase(
            "Each of {steps} steps was made by an optimizer of its own: momentum and the averages of Adam begin at 0 "
            "again every time.",
            steps=training.steps,
        ),
        Phrase("Build the optimizer once, before the loop."),
    )


@in_training(
    "gradients-clipped-away", Phrase("gradients clipped to almost nothing"), page="first-losses/five-steps", likely=True
)
def gradients_clipped_away(training: Training) -> Told | None:
    norms = training.norms
    if len(norms) < 4 or not 0 < max(norms) < 1e-3 or min(norms) < 0.999 * max(norms) or training.keeps_state:
        return None
    return Told(
        Phrase(
            "At each of {steps} steps the gradient has the same length, {norm}: it is clipped to that, and hardly "
            "moves the parameters.",
            steps=len(norms),
            norm=number(norms[-1]),
        ),
        Phrase("Clip to a length near 1: torch.nn.utils.clip_grad_norm_(parameters, 1.0)."),
    )


@in_training(
    "weight-decay-wins",
    Phrase("weight decay that is stronger than the loss"),
    page="first-losses/five-steps",
    likely=True,
)
def weight_decay_wins(training: Training) -> Told | None:
    left = [
        f.values.norm().item() / f.first
        for f in training.followed.values()
        if f.held and len(f.shape) > 1 and f.first > 0
    ]
    if training.steps < 4 or not left or min(left) > 0.5:
        return None
    if training.decay < 0.5 and median(training.pulls) < 1:
        return None  # it is not decay that makes them small
    return Told(
        Phrase(
            "Within {steps} steps the weights of a layer have shrunk to {share}% of what they were: weight decay "
            "pulls them to 0 more strongly than the loss moves them ({ratio} times at the last step).",
            steps=training.steps,
            share=round(100 * min(left)),
            ratio=f"{training.pulls[-1]:.2g}",
        ),
        Phrase("Take a smaller weight_decay, such as 1e-4 for SGD, or 1e-2 for AdamW."),
    )
