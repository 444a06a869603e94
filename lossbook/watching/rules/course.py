"""The course of a training: a loss or predictions that stay the same, units that died, a graph that grows."""

from __future__ import annotations

from ...kit.text import number
from ...language import Phrase
from ..finding import Told
from ..seen import Seen
from ..training import Training
from . import steps
from .rule import in_training


@in_training("dead-units", Phrase("relus that give 0 for every sample"), page="first-losses/five-steps", likely=True)
def dead_units(training: Training) -> Told | None:
    dead = [seen.dead for seen in training.calls]
    if len(dead) < 3 or min(dead[-3:]) < 0.95:
        return None
    return Told(
        Phrase(
            "In a layer {share}% of the relu units gave 0 for every sample of three batches in a row: they are dead, "
            "no gradient passes through them.",
            share=round(100 * min(dead[-3:])),
        ),
        Phrase("Lower the learning rate, start biases at 0, or use leaky relu; scale the inputs."),
    )


@in_training(
    "saturated-units",
    Phrase("sigmoids or tanhs within the model that have no slope left"),
    page="first-losses/five-steps",
    likely=True,
    hides=("gradient-vanishes",),
)
def saturated_units(training: Training) -> Told | None:
    shares = [seen.saturated for seen in training.calls]
    if len(shares) < 3 or min(shares[-3:]) < 0.9:
        return None
    return Told(
        Phrase(
            "In a hidden layer {share}% of the sigmoids or tanhs stand at an end of their range, in three batches in "
            "a row: they have no slope there, and the layers before them do not learn.",
            share=round(100 * min(shares[-3:])),
        ),
        Phrase("Scale the inputs to about −1 … 1, and start from smaller weights."),
    )


@in_training(
    "prediction-constant",
    Phrase("one prediction for all samples"),
    page="first-losses/five-steps",
    likely=True,
    symptom=True,
)
def prediction_constant(training: Training) -> Told | None:
    spreads = [seen.spread for seen in training.calls if seen.learns and seen.carries and not seen.whole]
    if len(spreads) < 4 or any(s is None or s > 1e-6 for s in spreads[-4:]):
        return None
    return Told(
        Phrase(
            "In {calls} calls in a row all samples of a batch got the same prediction: the model does not depend on "
            "its inputs.",
            calls=len(spreads),
        ),
        Phrase("Look for dead relus, weights that all start at 0, or inputs that are the same."),
    )


@in_training(
    "loss-constant", Phrase("a loss that does not change"), page="first-losses/five-steps", likely=True, symptom=True
)
def loss_constant(training: Training) -> Told | None:
    for calls in training.series():
        values = [seen.value for seen in calls if seen.carries]
        if len(values) < 5 or len(set(values)) > 1 or not all(seen.single for seen in calls):
            continue
        if values[0] == 0 or all(seen.fits for seen in calls):
            continue  # of a hinge, all may be well
        return Told(
            Phrase(
                "The loss was {value} in {calls} calls in a row, to the last digit: nothing that the model does "
                "changes it.",
                value=number(values[0]),
                calls=len(values),
            ),
            Phrase(
                "Look for a gradient that is cut, a loss of one class, or an optimizer that does not move the model."
            ),
        )
    return None


@in_training(
    "graph-of-earlier-batch",
    Phrase("a prediction that depends on the graph of an earlier batch"),
    page="first-losses/five-steps",
)
def graph_of_earlier_batch(training: Training) -> Told | None:
    for seen in training.calls:
        if seen.reaches_back:
            return Told(
                Phrase(
                    "The prediction of call {call} depends on the graph of call {earlier}, whose gradient was used "
                    "already: backward() would run through that batch again. A hidden state, or a generated sample, "
                    "was not detached.",
                    call=seen.index,
                    earlier=seen.reaches_back,
                ),
                Phrase("Detach what is carried over: hidden = hidden.detach(), or discriminator(fake.detach())."),
            )
    return None


@in_training(
    "targets-not-scaled",
    Phrase("targets far larger than what an untrained model gives"),
    page="training/linear-regression",
    likely=True,
    hides=("learning-rate-too-high",),
)
def targets_not_scaled(training: Training) -> Told | None:
    calls = [seen for seen in training.calls if seen.arrived]
    if calls and training.layers() > 1 and _far_apart(calls[0]) and steps.diverges(training):
        return Told(
            Phrase(
                "The targets are about {target} in size, the first predictions about {predicted}: gradients of that "
                "size throw the weights away in the first steps, and the loss grows.",
                target=f"{calls[0].sizes[1]:.3g}",
                predicted=f"{calls[0].sizes[0]:.3g}",
            ),
            Phrase("Standardize the targets: subtract their mean and divide by their standard deviation."),
        )
    if len(calls) < 6 or not all(map(_far_apart, calls)):
        return None
    if calls[-1].value < 0.8 * calls[0].value:
        return None
    predicted, target = calls[-1].sizes
    return Told(
        Phrase(
            "The targets are about {target} in size, the predictions about {predicted}, and after {calls} steps the "
            "loss is {value}, from {first}: at this rate the model never gets there.",
            target=f"{target:.3g}",
            predicted=f"{predicted:.3g}",
            calls=len(calls),
            value=f"{calls[-1].value:.3g}",
            first=f"{calls[0].value:.3g}",
        ),
        Phrase("Standardize the targets: subtract their mean and divide by their standard deviation."),
    )


def _far_apart(seen: Seen) -> bool:
    predicted, target = seen.sizes
    return target > 50 and target > 50 * predicted


@in_training(
    "model-built-anew", Phrase("a model that is built anew for each batch"), page="first-losses/five-steps", likely=True
)
def model_built_anew(training: Training) -> Told | None:
    if len(training.calls) < 4 or not all(seen.only_new for seen in training.calls):
        return None
    return Told(
        Phrase(
            "In each of {calls} calls other parameters stand behind the loss: the model is built anew for every "
            "batch, and forgets what it learned.",
            calls=len(training.calls),
        ),
        Phrase("Build model and optimizer once, before the loop."),
    )


@in_training(
    "means-of-uneven-parts",
    Phrase("the mean of means over parts of different length"),
    page="guide/cross-entropy",
    likely=True,
)
def means_of_uneven_parts(training: Training) -> Told | None:
    """Parts between two steps, each the mean over its own tokens, that all count the same."""
    parts: dict[int, list[tuple[int, float]]] = {}
    for seen in training.calls:
        if seen.kept and seen.arrived and training.sequences:
            parts.setdefault(seen.after_steps, []).append((seen.kept, seen.arrived[0]))
    uneven = [
        p
        for p in parts.values()
        if len(p) > 1 and max(p)[0] >= 1.5 * min(p)[0] and len({round(g, 6) for _, g in p}) == 1
    ]
    if len(uneven) < 2 or len(uneven) < len(parts) / 2:
        return None
    counts = [kept for kept, _ in uneven[-1]]
    return Told(
        Phrase(
            "Before each step several means are added up, over {least} to {most} tokens, and each counts the same: a "
            "token of the shortest part weighs {times} times as much as one of the longest.",
            least=min(counts),
            most=max(counts),
            times=number(round(max(counts) / min(counts), 1)),
        ),
        Phrase("Take reduction='sum' and divide by the number of tokens of all parts."),
    )
