"""The gradients that come back: not finite, zero, vanishing, reversed, weighed by a mask."""

from __future__ import annotations

import math

from ...kit.text import number
from ...language import Phrase
from ..finding import Told
from ..training import Training
from .rule import in_training

SCALED = (
    100.0  #: a gradient at the loss of that size comes from a scaler of mixed precision, which may overflow at first
)


@in_training(
    "gradient-not-finite", Phrase("a gradient of nan or infinity from a finite loss"), page="guide/custom-losses"
)
def gradient_not_finite(training: Training) -> Told | None:
    for seen in training.calls:
        scaled = any(abs(g) > SCALED for g in seen.arrived)
        if scaled or not math.isfinite(seen.value):
            continue
        if any(not math.isfinite(size) for size in seen.back):
            return Told(
                Phrase(
                    "At call {call} the loss is {value}, but its gradient with respect to the prediction is not finite: one step makes parameters nan or infinite.",
                    call=seen.index,
                    value=number(seen.value),
                ),
                Phrase(
                    "Look for sqrt, norm or a power at 0, acos or asin at 1, a logarithm of 0, or torch.where over "
                    "such a branch; add a small eps inside."
                ),
            )
    if any(f.not_finite for f in training.followed.values()) and not any(
        abs(g) > SCALED for s in training.calls for g in s.arrived
    ):
        finite = [s for s in training.calls if math.isfinite(s.value)]
        if len(finite) == len(training.calls):
            return Told(
                Phrase(
                    "The loss is finite, {value}, but gradients of parameters are nan or infinite: they became so "
                    "inside of the model.",
                    value=number(finite[-1].value),
                ),
                Phrase("Look in the model for sqrt, norm or division at 0, or exp of a large number."),
            )
    return None


@in_training(
    "gradient-zero", Phrase("a gradient of exactly 0 at the prediction"), page="guide/custom-losses", symptom=True
)
def gradient_zero(training: Training) -> Told | None:
    back = [seen for seen in training.calls if seen.back]
    if len(back) < 3 or any(size != 0 for seen in back for size in seen.back):
        return None
    if any(seen.value == 0 or seen.fits for seen in back):
        return None  # nothing is left to be learned
    return Told(
        Phrase(
            "In {calls} backward passes the gradient at the prediction was exactly 0, though the loss is {value}: the "
            "model learns nothing from it.",
            calls=len(back),
            value=number(back[-1].value),
        ),
        Phrase("Look in the loss for round, sign, argmax, a comparison, or clamp with all numbers outside its ends."),
    )


@in_training(
    "gradient-lost-in-model",
    Phrase("a gradient that ends before the first parameter"),
    page="first-losses/five-steps",
    symptom=True,
)
def gradient_lost(training: Training) -> Told | None:
    followed = [f for f in training.followed.values() if f.held]
    arrived = [seen for seen in training.calls if any(size > 0 for size in seen.back)]
    if len(arrived) < 3 or not followed or any(f.zero < 3 or f.moved for f in followed):
        return None
    return Told(
        Phrase(
            "A gradient reaches the prediction, but that of all {count} parameters behind it is exactly 0, in {calls} "
            "steps: an operation between has no slope.",
            count=len(followed),
            calls=len(arrived),
        ),
        Phrase("Look in the model for round, sign, clamp, a factor of 0, dead relus, or a sigmoid of large numbers."),
    )


@in_training(
    "gradient-vanishes",
    Phrase("gradients that vanish toward the first layers"),
    page="first-losses/five-steps",
    likely=True,
)
def gradient_vanishes(training: Training) -> Told | None:
    sizes = [
        f.size / math.sqrt(math.prod(f.shape))
        for f in training.followed.values()
        if f.held and len(f.shape) > 1 and f.size > 0 and math.isfinite(f.size)
    ]
    if len(sizes) < 4 or training.steps < 3 or min(sizes) > 1e-5 * max(sizes):
        return None
    return Told(
        Phrase(
            "The gradient of one layer is {ratio} times that of another: from {large} near the loss it vanishes to "
            "{small}, and the first layers do not learn.",
            ratio=number(min(sizes) / max(sizes)),
            large=number(max(sizes)),
            small=number(min(sizes)),
        ),
        Phrase(
            "Use relu instead of sigmoid or tanh in deep models, residual connections, normalization, or fewer layers."
        ),
    )


@in_training(
    "loss-maximized",
    Phrase("a loss that is made larger: its sign is flipped before backward"),
    page="what-is-a-loss/idea",
    likely=True,
)
def loss_maximized(training: Training) -> Told | None:
    arrived = [g for seen in training.calls if seen.single for g in seen.arrived]
    if len(arrived) < 3 or not all(f.is_parameter for f in training.followed.values()):
        return None
    if training.maximizes and all(g > 0 for g in arrived):
        return Told(
            Phrase(
                "The optimizer has maximize=True: {count} steps made the loss larger, not smaller.",
                count=training.steps,
            ),
            Phrase("Leave out maximize=True."),
        )
    if any(g >= 0 for g in arrived) or training.maximizes:
        return None
    return Told(
        Phrase(
            "The gradient that arrives at the loss is {value}, below 0, in all {count} backward passes: the loss is "
            "made larger with every step, not smaller.",
            value=number(arrived[-1]),
            count=len(arrived),
        ),
        Phrase("Leave out the minus before the loss: loss.backward()."),
    )


@in_training(
    "graph-of-earlier-loss",
    Phrase("losses added up and backward called on the sum at each step"),
    page="first-losses/five-steps",
)
def graph_of_earlier_loss(training: Training) -> Told | None:
    ended = training.over and training.again == 1 and len(training.calls) == 2 and training.steps == 1  # by an error
    if training.again < 2 and not ended:
        return None
    return Told(
        Phrase(
            "backward() ran through the losses of earlier calls again, {count} times: the sum of all losses so far is "
            "differentiated at each step, so that old batches count again and again.",
            count=training.again,
        ),
        Phrase("Call loss.backward() on the loss of this step; for the log add loss.item()."),
    )


@in_training(
    "backward-twice", Phrase("backward() called twice on one loss"), page="first-losses/five-steps", likely=True
)
def backward_twice(training: Training) -> Told | None:
    if training.twice < 3:
        return None
    return Told(
        Phrase(
            "backward() ran twice through the same loss before a step, {count} times: each gradient was added to "
            "itself, as if the learning rate were doubled.",
            count=training.twice,
        ),
        Phrase("Call loss.backward() once for each loss; retain_graph=True is rarely needed."),
    )


@in_training("masked-mean", Phrase("the mean over masked places too"), page="guide/custom-losses", likely=True)
def masked_mean(training: Training) -> Told | None:
    weighed = [seen.weighed for seen in training.calls if seen.weighed]
    masked = [(one.kept, one.total) for one in weighed if one.equal and one.kept < one.total]
    if len(masked) < 2 or len(masked) < len(weighed) / 2 or len({kept / total for kept, total in masked}) < 2:
        return None
    kept, total = masked[-1]
    return Told(
        Phrase(
            "Only {kept} of {total} losses count, the others are masked, but the mean divides by all {total}: a batch "
            "with more padding has a smaller loss and a smaller gradient.",
            kept=kept,
            total=total,
        ),
        Phrase("Write (loss * mask).sum() / mask.sum()."),
    )
