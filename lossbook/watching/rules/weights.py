"""Weights of classes: given to the wrong ones, or of a sign that turns learning round."""

from __future__ import annotations

from torch import Tensor

from ...kit.text import number
from ...language import Phrase
from ..finding import Told
from ..observation import Call
from ..training import Training
from .rule import in_call, in_training


@in_call("negative-weight", Phrase("a negative weight of a class or an element"), page="guide/cross-entropy")
def negative_weight(call: Call) -> Told | None:
    for name in ("weight", "pos_weight"):
        weight = call.settings.get(name)
        if isinstance(weight, Tensor) and weight.numel() and weight.detach().amin() < 0:
            return Told(
                Phrase(
                    "{name} of {loss} holds {low}: with a negative weight the loss is made small by making mistakes.",
                    name=name,
                    loss=call.spoken,
                    low=number(weight.detach().amin()),
                ),
                Phrase("Weights are at least 0: how much each class counts."),
            )
    return None


@in_training(
    "weights-the-wrong-way",
    Phrase("class weights that favor the frequent classes"),
    page="guide/cross-entropy",
    likely=True,
)
def weights_the_wrong_way(training: Training) -> Told | None:
    weight, counts = training.class_weight, training.class_counts
    if weight is None or counts is None or len(weight) != len(counts) or len(weight) < 2 or sum(counts) < 24:
        return None
    seen = [(count, w) for count, w in zip(counts, weight, strict=True) if count]
    most, least = max(seen), min(seen)
    if most[0] < 3 * least[0] or most[1] < 1.5 * least[1] or len(seen) < 2:
        return None
    per_sample = [w / count for count, w in seen]
    if min(per_sample) <= 0 or max(per_sample) > 2.5 * min(per_sample):
        return None  # not in proportion to how often each class occurs
    return Told(
        Phrase(
            "The class seen most often, {most} times, has the weight {heavy}, and a class seen {least} times only "
            "{light}: the weights make the frequent class count even more.",
            most=most[0],
            heavy=number(most[1]),
            least=least[0],
            light=number(least[1]),
        ),
        Phrase(
            "Weight by the inverse of the frequency: weight = counts.sum() / (C * counts), in the order of the classes."
        ),
    )


@in_training(
    "pos-weight-the-wrong-way",
    Phrase("pos_weight below 1 for a rare yes, or above 1 for a frequent one"),
    page="guide/bce-with-logits",
    likely=True,
)
def pos_weight_the_wrong_way(training: Training) -> Told | None:
    weight, yes, no = training.pos_weight, training.positives, training.negatives
    if weight is None or yes + no < 32 or not yes or not no:
        return None
    uneven = max(yes, no) >= 3 * min(yes, no)
    if not uneven or not 0.5 < weight * no / yes < 2:
        return None  # a weight that is not the right one upside down may be meant
    return Told(
        Phrase(
            "pos_weight is {weight}, but {yes} labels are yes and {no} are no: the answer that is already frequent "
            "counts even more.",
            weight=number(weight),
            yes=yes,
            no=no,
        ),
        Phrase("pos_weight is negatives / positives, here {right}.", right=number(no / yes)),
    )


@in_training("class-zero-never-seen", Phrase("labels that count from 1"), page="guide/cross-entropy", likely=True)
def class_zero_never_seen(training: Training) -> Told | None:
    counts = training.class_counts
    if counts is None or len(counts) < 3 or training.sequences or training.ignores == 0 or counts[0]:
        return None
    if min(counts[1:]) < 4 or sum(counts) < 10 * len(counts):
        return None
    return Told(
        Phrase(
            "Among {total} labels class 0 never occurs, and each of 1 to {last} does: the labels count from 1, and the "
            "model has an output that stands for nothing.",
            total=sum(counts),
            last=len(counts) - 1,
        ),
        Phrase("Write target - 1 and give the model {classes} outputs.", classes=len(counts) - 1),
    )


@in_call("smoothing-too-strong", Phrase("label_smoothing that leaves nothing of the label"), page="guide/cross-entropy")
def smoothing_too_strong(call: Call) -> Told | None:
    smoothing = call.settings.get("label_smoothing")
    if not isinstance(smoothing, float) or smoothing < 0.7:
        return None
    return Told(
        Phrase(
            "label_smoothing={smoothing} spreads that share of each label over all classes: {left} of it is left. It "
            "is the share that is taken away, not the confidence that stays.",
            smoothing=number(smoothing),
            left=number(1 - smoothing),
        ),
        Phrase("Write label_smoothing=0.1, or leave it out."),
    )
