"""Shapes: broadcasting, classes in another dimension, numbers that a view has mixed."""

from __future__ import annotations

import torch
from torch import Tensor

from ...language import Phrase
from .. import contract, graph
from ..finding import Told
from ..observation import Call
from .rule import in_call


def crossed(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that two shapes broadcast to, where it is larger than both: every number meets every other."""
    try:
        both = tuple(torch.broadcast_shapes(one, other))
    except RuntimeError:
        return None
    pads = [(1,) * (len(both) - len(shape)) + shape for shape in (one, other)]
    grown = [any(size == 1 < full for size, full in zip(pad, both, strict=True)) for pad in pads]
    return both if all(grown) else None


@in_call(
    "crossed-shapes",
    Phrase("(N, 1) against (N): every prediction is paired with every target"),
    page="guide/mse",
    hides=("target-carries-gradient",),
)
def crossed_shapes(call: Call) -> Told | None:
    if call.entry is not None and not call.per_element:
        return None
    one, other = call.predicted.shape, call.targeted.shape
    both = crossed(one, other)
    if both is None or (call.entry is None and not (len(one) != len(other) and call.meets(one, other))):
        return None
    return Told(
        Phrase(
            "The prediction has shape {one} and the target {other}: they are broadcast to {both}, so that every prediction is compared with every target. The model learns one answer for all, such as the mean of the targets.",
            one=one,
            other=other,
            both=both,
        ),
        Phrase("Give both one shape: prediction.squeeze(-1), or target.reshape(prediction.shape)."),
    )


@in_call(
    "prediction-expanded",
    Phrase("one prediction compared with several targets by broadcasting"),
    page="guide/mse",
    likely=True,
)
def prediction_expanded(call: Call) -> Told | None:
    if not call.per_element or call.prediction.is_leaf:
        return None
    one, other = call.predicted.shape, call.targeted.shape
    if len(one) != len(other) or not one or one == other or one[0] != other[0] or one[0] < 2:
        return None
    if any(a != b and (a != 1) for a, b in zip(one, other, strict=True)):
        return None
    return Told(
        Phrase(
            "The prediction of shape {one} is broadcast to the target's {other}: one number must fit {count} targets "
            "of each sample, and learns their mean.",
            one=one,
            other=other,
            count=call.target.numel() // max(1, call.prediction.numel()),
        ),
        Phrase("Give the model one output per target, or the target the shape of the prediction."),
    )


@in_call("crossed-weights", Phrase("weights or a mask that are broadcast against the predictions"), page="guide/bce")
def crossed_weights(call: Call) -> Told | None:
    if not (call.per_element or call.entry is None):
        return None
    shape = call.predicted.shape
    others = {name: value for name, value in (call.settings | call.arguments).items() if isinstance(value, Tensor)}
    for name, value in others.items():
        if (call.has_target and value is call.target) or name in call.predictions or not value.numel():
            continue
        both = crossed(shape, tuple(value.shape))
        if both is None or (
            call.entry is None and (len(shape) == value.dim() or not call.meets(shape, tuple(value.shape)))
        ):
            continue
        return Told(
            Phrase(
                "{name} of shape {shape} meets predictions of shape {predictions}: broadcast to {both}, each sample is "
                "weighted with the numbers of all the others.",
                name=name,
                shape=tuple(value.shape),
                predictions=shape,
                both=both,
            ),
            Phrase(
                "Give it the shape of the prediction: {name}.reshape(prediction.shape), or unsqueeze it.", name=name
            ),
        )
    return _weighed_in_rows(call)


def _weighed_in_rows(call: Call) -> Told | None:
    """Where numbers and weights, as many of the one as of the other, were multiplied into a table of all pairs."""
    pairs = call.weighed | {
        (sizes, tuple(weight.shape))
        for link in call.operations
        if link.name == "Mul" and (weight := graph.saved(link.node, "other")) is not None
        for sizes in graph.carried(link.node)
        if sizes is not None
    }
    for one, other in pairs:
        both = crossed(one, other)
        if both is None or len(one) == len(other) or [n for n in one if n != 1] != [n for n in other if n != 1]:
            continue
        return Told(
            Phrase(
                "Numbers of shape {one} are multiplied by a mask or weights of shape {other}: broadcast to {both}, "
                "each sample is weighted with the numbers of all the others.",
                one=one,
                other=other,
                both=both,
            ),
            Phrase("Give the mask the shape of what it is multiplied by: mask.reshape(loss.shape), or unsqueeze it."),
            likely=True,
        )
    return None


@in_call(
    "weight-on-last-dimension",
    Phrase("pos_weight that meets columns of an image instead of classes"),
    page="guide/bce-with-logits",
    likely=True,
)
def weight_on_last_dimension(call: Call) -> Told | None:
    weight = call.settings.get("pos_weight")
    if not isinstance(weight, Tensor) or weight.dim() != 1 or weight.numel() < 2:
        return None
    shape = call.predicted.shape
    if len(shape) < 3 or not shape[1] == shape[-1] == weight.numel():
        return None
    return Told(
        Phrase(
            "pos_weight of shape {weight} meets the last dimension of predictions of shape {shape}; the classes are in "
            "dimension 1. It weights columns, not classes.",
            weight=tuple(weight.shape),
            shape=shape,
        ),
        Phrase("Write pos_weight.view(-1, {ones}).", ones=", ".join("1" for _ in shape[2:])),
    )


@in_call(
    "view-instead-of-transpose",
    Phrase("view or reshape where dimensions should change places"),
    page="guide/cross-entropy",
)
def view_instead_of_transpose(call: Call) -> Told | None:
    for link in call.chain:
        if link.name not in graph.VIEWS or not link.into or not link.out:
            continue
        into, out = [tuple(s for s in sizes if s != 1) for sizes in (link.into, link.out)]
        permuted = into != out and sorted(into) == sorted(out) and len(set(into)) > 1
        folded = (
            len(out) == 2 and len(into) > 2 and out[1] == into[1] != into[-1] and into[0] * _product(into[2:]) == out[0]
        )
        if not (permuted and (call.per_element or call.name in contract.OF_CLASSES)) and not (
            folded and call.name in contract.OF_CLASSES
        ):
            continue
        return Told(
            Phrase(
                "A view turns the predictions of shape {into} into {out}. It does not move dimensions, it reads the "
                "same numbers in the same order: scores of different places and classes are mixed.",
                into=link.into,
                out=link.out,
            ),
            Phrase("Move the dimension first: permute, transpose or movedim, then reshape.")
            if folded
            else Phrase("Use transpose, permute or movedim instead of view or reshape."),
        )
    return None


def _product(sizes: tuple[int, ...]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


@in_call(
    "classes-in-last-dimension",
    Phrase("classes in the last dimension, where the loss looks in dimension 1"),
    page="guide/cross-entropy",
    hides=("several-true-classes",),
)
def classes_in_last_dimension(call: Call) -> Told | None:
    if call.name not in ("cross_entropy", "nll") or call.prediction.dim() < 3:
        return None
    soft = call.target.shape == call.prediction.shape and call.target.is_floating_point()
    if soft:
        target = call.targeted.some
        elsewhere = (target.sum(-1) - 1).abs().max() < 1e-3 and (target.sum(1) - 1).abs().max() > 1e-2
        if not elsewhere or call.targeted.low < 0:
            return None
    elif not _straight_from_linear(call):
        return None
    return Told(
        Phrase(
            "The predictions of shape {shape} have their classes in the last dimension, {classes} of them; {loss} "
            "looks for them in dimension 1 and compares {other} places as if they were classes.",
            shape=call.predicted.shape,
            classes=call.predicted.shape[-1],
            loss=call.spoken,
            other=call.predicted.shape[1],
        ),
        Phrase("Write prediction.transpose(1, -1), or flatten both: prediction.flatten(0, -2), target.flatten()."),
    )


def _straight_from_linear(call: Call) -> bool:
    """Whether the prediction is what a linear layer gave, whose outputs stand last, and no dimension has moved since."""
    for link in call.chain:
        if link.reorders or (link.name in graph.VIEWS and link.into and link.out and link.into[-1] != link.out[-1]):
            return False
        if link.name in ("Addmm", "Mm", "Linear"):
            return True
        if link.name not in graph.VIEWS | {"LogSoftmax", "Clone", "ToCopy", "Add"}:
            return False
    return False
