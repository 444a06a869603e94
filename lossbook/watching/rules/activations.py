"""A softmax or sigmoid before the loss: one too many, over the wrong dimension, where several labels may be true.

Most of it stands in the graph, so it is certain; where a prediction has no graph, its values are looked at.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...kit.text import number
from ...language import Phrase
from .. import contract, graph
from ..finding import Told
from ..observation import Call, Numbers
from .rule import in_call

SOFTMAXES = {"Softmax", "SafeSoftmax"}
SIGMOIDS = {"Sigmoid", "Hardsigmoid"}


def sums_to_one(values: Tensor, dim: int, tolerance: float = 1e-3) -> bool:
    """Whether the numbers are probabilities that add up to 1 along a dimension of at least two."""
    if not values.numel() or values.dim() <= dim or values.shape[dim] < 2 or not values.is_floating_point():
        return False
    low, high = values.aminmax()
    return bool(low >= 0 and high <= 1 + tolerance and ((values.sum(dim) - 1).abs() < tolerance).all())


@in_call(
    "softmax-before-cross-entropy",
    Phrase("softmax before a cross-entropy, which applies it itself"),
    page="guide/cross-entropy",
)
def softmax_before_cross_entropy(call: Call) -> Told | None:
    if call.takes != contract.LOGITS:
        return None
    by_graph = call.last_operation in SOFTMAXES
    if not by_graph and not sums_to_one(call.predicted.some, call.class_dim, 1e-5):
        return None
    if call.predicted.some.unique().numel() < 3:  # one-hot rows, to try a loss with
        return None
    return Told(
        Phrase(
            "{loss} gets probabilities, the output of a softmax: {row}, sum 1. It applies softmax itself, so softmax "
            "is applied twice: the gradient is weak and the loss cannot fall below {least}.",
            loss=call.spoken,
            row=_row(call.predicted, call.class_dim),
            least=number(_least(call.predicted.shape[call.class_dim])),
        ),
        Phrase("Give it the logits: leave the softmax out of the model."),
        likely=not by_graph,
    )


def _least(classes: int) -> float:
    """The cross-entropy of a softmax of a one-hot row: what is left when the model is as sure as it can be."""
    row = torch.zeros(classes, dtype=torch.float64)
    row[0] = 1
    return -row.log_softmax(0)[0].item()


def _row(seen: Numbers, dim: int, most: int = 3) -> str:
    """The first numbers along a dimension, those of the first sample."""
    rows = seen.some.movedim(dim, -1).reshape(-1, seen.some.shape[dim])
    return (
        "["
        + ", ".join(number(round(v, 3)) for v in rows[0, :most].tolist())
        + (", …]" if rows.shape[1] > most else "]")
    )


@in_call(
    "sigmoid-before-cross-entropy", Phrase("sigmoid before a cross-entropy of classes"), page="guide/cross-entropy"
)
def sigmoid_before_cross_entropy(call: Call) -> Told | None:
    if call.takes != contract.LOGITS or call.last_operation not in SIGMOIDS:
        return None
    return Told(
        Phrase(
            "{loss} gets the output of a sigmoid, between {low} and {high}. It takes logits and applies softmax "
            "itself: squeezed between 0 and 1, no class can ever be much more likely than another.",
            loss=call.spoken,
            low=number(call.predicted.low),
            high=number(call.predicted.high),
        ),
        Phrase("Leave the sigmoid out and give the raw scores."),
    )


def _squeezed(call: Call) -> bool:
    """Whether the last operation is a sigmoid or softmax, but for a small number added or a clamp."""
    for link in call.operations[:3]:
        if link.name in SIGMOIDS | SOFTMAXES:
            return True
        if link.name not in ("Add", "Clamp", "ClampMin", "ClampMax"):
            return False
    return False


@in_call(
    "sigmoid-twice",
    Phrase("sigmoid or softmax before a loss that applies the sigmoid itself"),
    page="guide/bce-with-logits",
)
def sigmoid_twice(call: Call) -> Told | None:
    if call.takes != contract.SCORES or "margin" in call.name.replace("soft_margin", ""):
        return None
    by_graph = _squeezed(call) and call.predicted.low >= 0 and call.predicted.high <= 1.001
    seen = call.predicted
    by_values = not call.prediction.requires_grad and seen.some.numel() >= 8 and seen.low > 0 and seen.high < 1
    if not by_graph and not by_values:
        return None
    return Told(
        Phrase(
            "{loss} gets probabilities: every prediction lies between {low} and {high}. It applies the sigmoid "
            "itself, so sigmoid is applied twice, and no answer can be less likely than 0.5.",
            loss=call.spoken,
            low=number(seen.low),
            high=number(seen.high),
        ),
        Phrase("Give it the logits, without sigmoid or softmax; or take BCELoss for probabilities."),
        likely=not by_graph,
    )


@in_call(
    "softmax-before-margin",
    Phrase("softmax or sigmoid before a margin loss, which takes raw scores"),
    page="guide/margin-ranking",
)
def softmax_before_margin(call: Call) -> Told | None:
    if call.name not in ("multi_margin", "multilabel_margin") or call.last_operation not in SOFTMAXES | SIGMOIDS:
        return None
    return Told(
        Phrase(
            "{loss} gets probabilities, between {low} and {high}, the output of a {operation}. It asks for a lead of "
            "{margin} over the other classes, and probabilities can hardly differ by that.",
            loss=call.spoken,
            low=number(call.predicted.low),
            high=number(call.predicted.high),
            operation=call.last_operation.lower(),
            margin=number(call.settings.get("margin", 1.0)),
        ),
        Phrase("Give it the raw scores of the last layer."),
    )


@in_call(
    "logarithm-before-logits", Phrase("log_softmax or logsigmoid before a sigmoid loss"), page="guide/bce-with-logits"
)
def logarithm_before_logits(call: Call) -> Told | None:
    sigmoid_inside = call.takes == contract.SCORES and call.name not in ("multi_margin", "multilabel_margin")
    wrong = (
        {"LogSoftmax", "LogSigmoid"} if sigmoid_inside else {"LogSigmoid"} if call.takes == contract.LOGITS else set()
    )
    if call.last_operation not in wrong:
        return None
    return Told(
        Phrase(
            "{loss} takes logits and gets log-probabilities, at most {high}, the output of {operation}: no answer can "
            "be more likely than 0.5.",
            loss=call.spoken,
            high=number(call.predicted.high),
            operation=call.last_operation.lower(),
        ),
        Phrase("Give it the raw scores of the last layer."),
    )


@in_call("activation-twice", Phrase("sigmoid of a sigmoid, softmax of a softmax"), page="guide/bce")
def activation_twice(call: Call) -> Told | None:
    names = [link.name for link in call.operations[:2]]
    squeezing = SOFTMAXES | SIGMOIDS
    if len(names) < 2 or names[1] not in squeezing or names[0] not in squeezing | {"LogSoftmax", "LogSigmoid"}:
        return None
    return Told(
        Phrase(
            "The prediction went through {first} and then through {second}: probabilities were taken for scores a "
            "second time. All come out close together, here between {low} and {high}.",
            first=names[1].lower(),
            second=names[0].lower(),
            low=number(call.predicted.low),
            high=number(call.predicted.high),
        ),
        Phrase("Apply one of the two, once: in the model or before the loss."),
    )


@in_call(
    "softmax-of-one",
    Phrase("softmax over a dimension of size 1: always 1"),
    page="guide/cross-entropy",
    hides=("saturated-probabilities",),
)
def softmax_of_one(call: Call) -> Told | None:
    for link in call.operations[:2]:
        if link.name in SOFTMAXES | {"LogSoftmax"} and link.out and link.out[graph.saved_dim(link)] == 1:
            return Told(
                Phrase(
                    "A softmax runs over dimension {dim} of shape {shape}, which has one number: its result is always "
                    "1, whatever the model says, and no gradient comes back.",
                    dim=graph.saved_dim(link),
                    shape=link.out,
                ),
                Phrase(
                    "For one yes-or-no output take BCEWithLogitsLoss without softmax; or give one output per class."
                ),
            )
    of_classes = call.takes == contract.LOGITS and call.prediction.dim() >= 2
    if of_classes and call.prediction.shape[call.class_dim] == 1 and call.name != "distillation":
        return Told(
            Phrase(
                "{loss} gets one class only, predictions of shape {shape}: the softmax over one number is 1, the loss "
                "is always 0 and nothing is learned.",
                loss=call.spoken,
                shape=call.predicted.shape,
            ),
            Phrase("Give one output per class; for one yes-or-no output take BCEWithLogitsLoss."),
        )
    return None


@in_call(
    "softmax-over-wrong-dimension",
    Phrase("softmax over the batch, or another dimension than the classes"),
    page="guide/nll",
)
def softmax_over_wrong_dimension(call: Call) -> Told | None:
    link = call.chain[0] if call.chain else None
    if link is None or link.name not in SOFTMAXES | {"LogSoftmax"} or not link.out or len(link.out) < 2:
        return None
    dim, shape = graph.saved_dim(link), link.out
    if call.entry is None:
        return None
    if call.name in ("kl_div", "js_div") and (shape[1] == 1 or _over_batch(call)):
        return None  # the samples of the batch are what is compared
    wrong = dim == 0 or (call.name == "nll" and dim != 1) or (call.name == "ctc" and dim != len(shape) - 1)
    if not wrong or call.takes not in (contract.LOG_PROBABILITIES, contract.PROBABILITIES):
        return None
    right = len(shape) - 1 if call.name == "ctc" or len(shape) == 2 else 1
    return Told(
        Phrase(
            "The softmax before {loss} runs over dimension {dim} of shape {shape}, so that numbers of different "
            "samples or places add up to 1 and not those of the classes.",
            loss=call.spoken,
            dim=dim,
            shape=shape,
        ),
        Phrase("Write dim={right}, the dimension of the classes.", right=right),
    )


@in_call(
    "softmax-over-batch",
    Phrase("probabilities that add up to 1 over the batch, given to a loss written by hand"),
    page="guide/custom-losses",
    likely=True,
)
def softmax_over_batch(call: Call) -> Told | None:
    if call.entry is not None or call.used & {"matmul", "mm", "bmm", "einsum", "linear"}:
        return None  # weights of a mean over the batch
    data = [t for t in call.tensors.values() if not t.requires_grad and t.dim()]
    for name, given in call.predictions.items():
        link = next(iter(graph.chain(given)), None)
        if link is None or link.name not in SOFTMAXES | {"LogSoftmax"} or link.out is None or len(link.out) != 2:
            continue
        count, columns = link.out
        if graph.saved_dim(link) != 0 or columns < 2 or columns >= count or not data:
            continue
        if any(len(t) != count or tuple(t.shape) == link.out for t in data):
            continue  # the samples may stand in columns
        return Told(
            Phrase(
                "{name} of {loss} is a softmax over dimension 0 of shape {shape}, the batch: numbers of different "
                "samples add up to 1, and those of one sample do not.",
                name=name,
                loss=call.spoken,
                shape=link.out,
            ),
            Phrase("Write dim=1, the dimension of the classes."),
        )
    return None


def _over_batch(call: Call) -> bool:
    """Whether the target adds up to 1 over the batch, too."""
    sums = (call.target.detach().exp() if call.settings.get("log_target") else call.target.detach()).sum(0)
    return call.target.dim() > 1 and bool(((sums - 1).abs() < 1e-3).all())


@in_call("softmax-for-several-labels", Phrase("softmax where several labels may be true at once"), page="guide/bce")
def softmax_for_several_labels(call: Call) -> Told | None:
    if call.name != "bce" or call.last_operation not in SOFTMAXES or call.prediction.dim() < 2:
        return None
    dim = graph.saved_dim(call.operations[0]) if call.operations[0].out == call.predicted.shape else 1
    if call.target.shape != call.prediction.shape or dim < 0 or call.prediction.shape[dim] < 2:
        return None
    most = call.targeted.some.sum(dim).max().item()
    if most < 1.5:
        return None
    return Told(
        Phrase(
            "A sample has {most} labels that are true, but the softmax before {loss} makes its probabilities add up "
            "to 1: they cannot all be likely.",
            most=number(most),
            loss=call.spoken,
        ),
        Phrase("Use a sigmoid for each label, or BCEWithLogitsLoss on the scores."),
    )
