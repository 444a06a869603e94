"""The course of a training: a loss or predictions that stay the same, units that died, a graph that grows."""

from __future__ import annotations

from ...kit.text import number
from ...language import Phrase
from ..finding import Told
from ..training import Training
from .rule import in_training

HINGES = ("margin", "hinge", "triplet", "contrastive", "cosine")  #: these may be 0 because all is well


@in_training("dead-units", Phrase("relus that give 0 for every sample"), page="first-losses/five-steps", likely=True)
def dead_units(training: Training) -> Told | None:
    dead = [seen.dead for seen in training.calls]
    if len(dead) < 3 or min(dead[-3:]) < 0.95:
        return None
    return Told(
        Phrase(
            "In a layer {share} % of the relu units gave 0 for every sample of three batches in a row: they are dead, no "
            "gradient passes them.",
            share=round(100 * min(dead[-3:])),
        ),
        Phrase("Lower the learning rate, start biases at 0, or use leaky relu; scale the inputs."),
    )


@in_training(
    "collapsed-embeddings", Phrase("embeddings that are all the same"), page="guide/triplet-margin", likely=True
)
def collapsed_embeddings(training: Training) -> Told | None:
    spreads = [seen.spread for seen in training.calls if seen.spread is not None]
    if not training.embeds or len(spreads) < 3 or max(spreads[-3:]) > 1e-3:
        return None
    return Told(
        Phrase(
            "The embeddings of a batch differ by {spread} of their size: all samples are mapped to one point, and no "
            "distance tells them apart.",
            spread=number(max(spreads[-3:])),
        ),
        Phrase(
            "Lower the learning rate, give the loss negatives, and stop the gradient of one side where both are free."
        ),
    )


@in_training(
    "prediction-constant",
    Phrase("one prediction for all samples"),
    page="first-losses/five-steps",
    likely=True,
    symptom=True,
)
def prediction_constant(training: Training) -> Told | None:
    spreads = [seen.spread for seen in training.calls if seen.learns and seen.carries]
    if len(spreads) < 4 or any(s is None or s > 1e-6 for s in spreads[-4:]):
        return None
    return Told(
        Phrase(
            "In {calls} calls in a row all samples of a batch got the same prediction: the model does not depend on its "
            "inputs.",
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
        if values[0] == 0 and any(word in training.loss.lower() for word in HINGES):
            continue
        return Told(
            Phrase(
                "The loss was {value} in {calls} calls in a row, to the last digit: nothing that the model does changes it.",
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
                    "The prediction of call {call} depends on the graph of call {earlier}, whose gradient was used already: "
                    "backward() would run through that batch again. A hidden state, or a generated sample, was not detached.",
                    call=seen.index,
                    earlier=seen.reaches_back,
                ),
                Phrase("Detach what is carried over: hidden = hidden.detach(), or discriminator(fake.detach())."),
            )
    return None
