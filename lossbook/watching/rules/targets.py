"""What the targets hold: labels of the wrong convention, numbers outside the range, the prediction itself."""

from __future__ import annotations

import torch

from ...kit.text import number
from ...language import Phrase
from .. import contract
from ..finding import Told
from ..observation import Call
from ..training import Training
from .rule import in_call, in_training


@in_call("labels-without-signs", Phrase("labels 0 and 1 where 1 and −1 belong"), page="guide/hinge-embedding")
def labels_without_signs(call: Call) -> Told | None:
    if call.name not in contract.SIGNS or not call.target.numel():
        return None
    values = call.targeted.values
    if set(values) <= {-1, 1} or (set(values) == {-1, 0, 1}):  # 0 for pairs that do not count
        return None
    return Told(
        Phrase(
            "{loss} takes the labels 1 and −1; the target holds {values}. {effect}",
            loss=call.spoken,
            values=", ".join(number(v) for v in values[:5]),
            effect=_effect(call),
        ),
        Phrase("Write 2 * target - 1 for labels 0 and 1."),
    )


def _effect(call: Call) -> Phrase:
    if call.name in ("soft_margin", "margin_ranking"):
        return Phrase("The label 0 multiplies the score away, so those samples have a constant loss and no gradient.")
    if call.name == "cosine_embedding":
        return Phrase("Pairs with the label 0 get the loss 0, so nothing pushes them apart.")
    return Phrase("For the label 0 torch adds up both cases, similar and dissimilar.")


@in_call("target-outside-0-1", Phrase("labels outside [0, 1] for a loss of yes or no"), page="guide/bce-with-logits")
def target_outside_unit(call: Call) -> Told | None:
    if call.name not in contract.YES_OR_NO or not call.targeted.finite or not call.target.numel():
        return None
    seen = call.targeted
    if seen.low >= 0 and seen.high <= 1:
        return None
    if seen.low < 0 and set(seen.values) <= {-1.0, 0.0, 1.0}:
        instead = Phrase("For labels 1 and −1 write (target + 1) / 2, or take SoftMarginLoss.")
    elif seen.low >= 0 and seen.whole and seen.high > 50:
        instead = Phrase("Divide a mask of 0 and 255 by 255: target / target.max(), or (target > 0).float().")
    elif seen.low > 0 and seen.whole and seen.high == seen.low + 1:
        instead = Phrase(
            "The labels are {low} and {high}: write target - {low}.", low=number(seen.low), high=number(seen.high)
        )
    elif seen.low >= 0 and seen.whole and len(seen.values) == 2:
        instead = Phrase(
            "For the labels {low} and {high} write (target == {high}).float().",
            low=number(seen.low),
            high=number(seen.high),
        )
    elif seen.low >= 0 and seen.whole:
        instead = Phrase(
            "Turn class numbers into a 0 or 1 for each class: one_hot(target, C).float(), or take CrossEntropyLoss."
        )
    else:
        instead = Phrase("Scale the targets to [0, 1]; for measurements take MSELoss.")
    return Told(
        Phrase(
            "{loss} takes labels between 0 and 1; the target goes from {low} to {high}. Outside that range the loss "
            "falls below 0, and the more extreme an answer, the better.",
            loss=call.spoken,
            low=number(seen.low),
            high=number(seen.high),
        ),
        instead,
    )


@in_call(
    "several-true-classes",
    Phrase("several true classes, or none, in a softmax cross-entropy"),
    page="guide/cross-entropy",
)
def several_true_classes(call: Call) -> Told | None:
    if call.name not in ("cross_entropy", "soft_target_cross_entropy"):
        return None
    target, prediction = call.target, call.prediction
    if (
        target.shape != prediction.shape
        or not target.is_floating_point()
        or not target.numel()
        or not call.targeted.finite
    ):
        return None
    sums = call.targeted.some.sum(call.class_dim).flatten()
    counted = sums[sums != 0]  # a row of zeros leaves its sample out
    off = (counted - 1).abs() > 0.02
    if call.targeted.low >= -1e-6 and (not counted.numel() or off.double().mean() < 0.1):
        return None
    values = {"loss": call.spoken, "sum": number(counted[off][0]) if off.any() else "1"}
    if call.targeted.low < -1e-6:
        return Told(
            Phrase(
                "{loss} gets targets that are not probabilities: they go down to {low}. They look like logits.",
                loss=call.spoken,
                low=number(call.targeted.low),
            ),
            Phrase("Give it class numbers, or probabilities: target.softmax(dim)."),
        )
    if set(call.targeted.values) <= {0.0, 1.0}:
        return Told(
            Phrase(
                "{loss} expects one true class per sample, but a target holds {sum} of them. Softmax makes the classes "
                "compete, so several cannot be likely at once.",
                **values,
            ),
            Phrase("For several labels per sample take BCEWithLogitsLoss."),
        )
    return Told(
        Phrase(
            "{loss} gets class probabilities that do not add up to 1: those of one sample add up to {sum}. The loss "
            "of a sample is multiplied by that.",
            **values,
        ),
        Phrase("Divide the targets by their sum over the classes."),
        likely=True,
    )


@in_call(
    "marks-instead-of-class-numbers",
    Phrase("0 and 1 per class where class numbers belong"),
    page="guide/margin-ranking",
)
def marks_instead_of_numbers(call: Call) -> Told | None:
    if call.name != "multilabel_margin" or call.target.dim() != 2 or call.target.shape[1] < 3:
        return None
    if call.targeted.low < 0 or call.targeted.high > 1:
        return None
    row = call.target[0].tolist()
    return Told(
        Phrase(
            "{loss} takes the numbers of the true classes, closed by −1; the target holds 0 and 1 only: {row}. It is "
            "read as a list of the classes 0 and 1.",
            loss=call.spoken,
            row=str(row[:8]),
        ),
        Phrase("Give class numbers, then −1; or take MultiLabelSoftMarginLoss, which takes a 0 or 1 per class."),
    )


@in_call("negative-counts", Phrase("negative counts for a Poisson loss"), page="guide/overview")
def negative_counts(call: Call) -> Told | None:
    if call.name != "poisson_nll" or not call.targeted.low < 0:
        return None
    return Told(
        Phrase(
            "{loss} takes counts, at least 0; the target goes down to {low}. For a negative count the loss has no "
            "lower end. Standardized counts are not counts.",
            loss=call.spoken,
            low=number(call.targeted.low),
        ),
        Phrase("Give the counts as they are, without subtracting a mean; for measurements take GaussianNLLLoss."),
    )


@in_call("target-is-prediction", Phrase("prediction and target are the same tensor"), page="what-is-a-loss/idea")
def target_is_prediction(call: Call) -> Told | None:
    if call.prediction.numel() < 2:
        return None
    others = {n: t for n, t in call.tensors.items() if n in call.predictions or (call.has_target and t is call.target)}
    first, *rest = others.items()
    for one, other in _pairs([first, *rest]):
        a, b = one[1], other[1]
        if call.entry is None and a.requires_grad != b.requires_grad and a._version == 0:
            continue  # a ratio to itself, detached, has the value 1 and a gradient
        if a.shape == b.shape and a.stride() == b.stride() and a.dtype == b.dtype and a.data_ptr() == b.data_ptr():
            return Told(
                Phrase(
                    "{one} and {other} of {loss} are the same numbers in memory, shape {shape}: they are compared with "
                    "themselves, and the model learns nothing about the data.",
                    one=one[0],
                    other=other[0],
                    loss=call.spoken,
                    shape=tuple(a.shape),
                ),
                Phrase("Give the second one from the data, or clone it before it is changed in place."),
            )
    if _says_the_same(call):
        return Told(
            Phrase(
                "Prediction and target of {loss} come from the same model and are equal, all {count} numbers: the "
                "model is compared with itself, and learns nothing about the data.",
                loss=call.spoken,
                count=call.prediction.numel(),
            ),
            Phrase("Give the second one from the data, or from the teacher."),
        )
    return None


def _says_the_same(call: Call) -> bool:
    """Whether a target that carries a gradient holds what the prediction says."""
    if call.entry is None or not call.has_target or not call.target.requires_grad or call.target.numel() < 4:
        return False
    if call.predicted.shape != call.targeted.shape:
        return False
    said = call.predicted.some
    if call.name in ("kl_div", "js_div") and not call.settings.get("log_target"):
        said = said.exp()
    return bool(torch.allclose(said, call.targeted.some.to(said.dtype), rtol=1e-5, atol=1e-7))


def _pairs(items: list) -> list[tuple]:
    return [(a, b) for i, a in enumerate(items) for b in items[i + 1 :] if a[1].numel()]


@in_call(
    "arguments-swapped",
    Phrase("prediction and target have changed places"),
    page="what-is-a-loss/idea",
    hides=(
        "prediction-without-gradient",
        "logarithm-missing",
        "target-in-logarithms",
        "negative-counts",
        "target-outside-0-1",
        "loss-not-finite",
        "target-carries-gradient",
        "gradient-not-finite",
    ),
)
def arguments_swapped(call: Call) -> Told | None:
    if call.entry is None or call.exchanged or call.name in contract.DIVERGENCES:
        return None
    if call.name == "gaussian_nll":
        return _variance_as_target(call)
    if call.prediction.requires_grad or not call.target.requires_grad or len(call.predictions) > 1:
        return None
    return Told(
        Phrase(
            "The first argument of {loss}, the prediction, has no gradient, and the second, the target, has one: they "
            "have changed places. With this loss the order matters.",
            loss=call.spoken,
        ),
        Phrase("Write {loss}(prediction, target), the model's output first.", loss="criterion"),
    )


def _variance_as_target(call: Call) -> Told | None:
    """Mean and variance come from the model, the target from the data: where the second carries a graph it is the variance."""
    var = call.arguments.get("var")
    if not isinstance(var, torch.Tensor) or var.requires_grad or not call.target.requires_grad:
        return None
    if (
        not call.prediction.requires_grad
        or call.targeted.low < 0
        or var.numel() < 4
        or bool((var == var.flatten()[0]).all())
    ):
        return None
    return Told(
        Phrase(
            "The target of {loss} carries a gradient and is never below 0, like a variance; its variances carry none, "
            "like data: the two have changed places.",
            loss=call.spoken,
        ),
        Phrase("Write {loss}(mean, target, var), the variance last.", loss="criterion"),
        likely=True,
    )


FAR = 2e-3  #: a model that moved so far, against its size, gives other numbers


@in_training(
    "compared-with-itself",
    Phrase("a target that the same model makes, equal to the prediction in every number"),
    page="what-is-a-loss/idea",
    hides=("gradient-zero", "loss-constant"),
)
def compared_with_itself(training: Training) -> Told | None:
    calls = training.calls
    if len(calls) < 3 or not all(seen.echoes or seen.shares for seen in calls):
        return None
    back = [size for seen in calls for size in seen.back]
    moved = sum(seen.traveled > FAR for seen in calls) >= 2
    if training.own and not (back and max(back) == 0 and (moved or all(seen.shares for seen in calls))):
        return None  # such as a ratio to what the policy said before
    if not training.own and not moved:
        return None  # a copy is equal until the first step
    return Told(
        Phrase(
            "In {calls} calls of {loss} two of the tensors that it compares were equal in every number, though the "
            "model moved in between: the model is compared with itself.",
            calls=len(calls),
            loss=training.loss,
        ),
        Phrase(
            "Let a teacher be a copy, copy.deepcopy(model), or another model; choose a positive that is not the anchor "
            "itself."
        ),
    )


@in_training(
    "target-carries-gradient",
    Phrase("a gradient flows into the target, which should stand still"),
    page="guide/kl-divergence",
    likely=True,
)
def target_carries_gradient(training: Training) -> Told | None:
    moving = [s for s in training.calls if any((f := training.followed.get(k)) and f.held for k in s.target_leaves)]
    if len(moving) < 3:
        return None
    if weight := moving[0].weight:
        return Told(
            Phrase(
                "In {calls} calls of {loss} {name} carried a gradient, and the optimizer moves what it comes from: it "
                "weighs the loss, and the loss is smallest where the weight is smallest, not where the model is right.",
                calls=len(moving),
                loss=training.loss,
                name=weight,
            ),
            Phrase("Write {name}.detach().", name=weight),
        )
    return Told(
        Phrase(
            "In {calls} calls of {loss} the target carried a gradient too, and the optimizer moves what it comes "
            "from: the target is drawn toward the prediction, which is the easiest way to a small loss.",
            calls=len(moving),
            loss=training.loss,
        ),
        Phrase("Write target.detach(), or compute the target under torch.no_grad()."),
    )


MANY = 200  #: targets, all of them 0, that tell of more than a rare event


@in_training(
    "targets-cut-to-integers",
    Phrase("targets below 1 that became 0 when they were made integers"),
    page="guide/mse",
    likely=True,
    hides=("loss-constant", "gradient-zero"),
)
def targets_cut_to_integers(training: Training) -> Told | None:
    calls = training.calls
    if len(calls) < 3 or any(seen.whole_target != 0 for seen in calls):
        return None
    if sum(seen.numbers for seen in calls) < MANY:
        return None  # counts of what is rare are mostly 0
    if any(seen.whole_target for other in training.beside for seen in other.calls):
        return None  # marks 0 and 1, such as of fake and real
    if training.class_counts:
        return _masks_of_one_class(training) if training.ignores != 0 else None
    return Told(
        Phrase(
            "The targets of {loss} are integers, and all of them were 0 in {calls} calls: numbers between 0 and 1 "
            "become 0 where .long(), .int() or an integer dtype cuts off what comes after the decimal point.",
            loss=training.loss,
            calls=len(calls),
        ),
        Phrase("Keep the targets in floating point: target.float() from the start, without .long()."),
    )


MANY_MASKS = 32  #: all of background alone, that tell of more than objects that are rare


def _masks_of_one_class(training: Training) -> Told | None:
    calls, classes = training.calls, len(training.class_counts or ())
    if classes < 3 or len(calls) < 4 or sum(seen.samples for seen in calls) < MANY_MASKS:
        return None
    return Told(
        Phrase(
            "All places of {masks} masks were of class 0, in {calls} calls of {loss}, which tells {classes} classes "
            "apart: a mask that was divided by 255 and cut to integers is 0 everywhere.",
            masks=sum(seen.samples for seen in calls),
            calls=len(calls),
            loss=training.loss,
            classes=classes,
        ),
        Phrase("Read masks without ToTensor: torch.as_tensor(numpy.array(mask)).long()."),
    )
