"""Probabilities and their logarithms, rates, variances and distances: one where the other belongs."""

from __future__ import annotations

from itertools import combinations

from torch import Tensor
from torch.nn.functional import cosine_similarity

from ...kit.text import number
from ...language import Phrase
from .. import contract, graph
from ..finding import Told
from ..observation import Call, Numbers, part
from .activations import SOFTMAXES
from .rule import in_call


def _groups(dims: int) -> list[tuple[int, ...]]:
    """The dimensions over which probabilities may add up: any of them together, the batch only with others or alone."""
    if dims == 1:
        return [(0,)]
    inner = range(1, dims)
    return [g for size in range(1, dims) for g in combinations(inner, size)] + [tuple(range(dims))]


def normalized(probabilities: Tensor, tolerance: float = 0.02) -> bool:
    """Whether probabilities add up to 1 along some of their dimensions; rows of zeros are left out."""
    for dims in _groups(probabilities.dim()):
        sums = probabilities.sum(dims).flatten()
        counted = sums[sums.abs() > 1e-6]
        if counted.numel() and ((counted - 1).abs() < tolerance).double().mean() > 0.9:
            return True
    return False


def _is_log(seen: Numbers) -> bool:
    return seen.high <= 1e-3 and normalized(seen.some.double().exp())


def _are_probabilities(seen: Numbers) -> bool:
    return seen.low >= 0 and seen.high <= 1.001 and normalized(seen.some.double())


@in_call(
    "divergence-swapped",
    Phrase("prediction and target of a divergence have changed places"),
    page="guide/kl-divergence",
    hides=(
        "arguments-swapped",
        "logarithm-missing",
        "prediction-without-gradient",
        "loss-not-finite",
        "target-not-finite",
        "target-carries-gradient",
    ),
)
def divergence_swapped(call: Call) -> Told | None:
    if call.name not in ("kl_div", "js_div") or call.settings.get("log_target"):
        return None
    if not (call.targeted.low < 0 and _is_log(call.targeted) and _are_probabilities(call.predicted)):
        return None
    return Told(
        Phrase(
            "{loss} takes log-probabilities first, then probabilities. Here the first are probabilities, from {low} to "
            "{high}, and the second are logarithms, down to {least}: they have changed places.",
            loss=call.spoken,
            low=number(call.predicted.low),
            high=number(call.predicted.high),
            least=number(call.targeted.low),
        ),
        Phrase("Write kl_div(log_softmax(prediction), target), with the target as probabilities."),
    )


@in_call("logarithm-missing", Phrase("probabilities where log-probabilities belong"), page="guide/kl-divergence")
def logarithm_missing(call: Call) -> Told | None:
    if call.takes != contract.LOG_PROBABILITIES or not call.predicted.finite:
        return None
    if call.prediction.dim() < 1 or call.predicted.high <= 0:
        return None
    if call.last_operation not in SOFTMAXES | {"Sigmoid"} and not _are_probabilities(call.predicted):
        return None
    return Told(
        Phrase(
            "{loss} takes log-probabilities, at most 0; these are probabilities, from {low} to {high}. The logarithm "
            "is missing, and the result is no likelihood: it falls below 0.",
            loss=call.spoken,
            low=number(call.predicted.low),
            high=number(call.predicted.high),
        )
        if call.name in ("nll", "ctc")
        else Phrase(
            "{loss} takes log-probabilities, at most 0; these are probabilities, from {low} to {high}. The logarithm "
            "is missing, and the result is no divergence.",
            loss=call.spoken,
            low=number(call.predicted.low),
            high=number(call.predicted.high),
        ),
        Phrase("Write log_softmax instead of softmax; or take CrossEntropyLoss on the logits.")
        if call.name == "nll"
        else Phrase("Write log_softmax instead of softmax."),
    )


@in_call(
    "logits-for-log-probabilities",
    Phrase("raw scores where log-probabilities belong"),
    page="guide/nll",
    hides=("loss-not-finite",),
)
def logits_for_log_probabilities(call: Call) -> Told | None:
    if call.takes != contract.LOG_PROBABILITIES or not call.predicted.finite:
        return None
    if (
        call.prediction.dim() < 1
        or not call.prediction.is_floating_point()
        or call.prediction.shape[call.class_dim] < 2
    ):
        return None
    if call.last_operation in SOFTMAXES | {"LogSoftmax", "Sigmoid"} or _are_probabilities(call.predicted):
        return None
    probabilities = call.predicted.some.double().exp()
    if call.name in ("nll", "ctc"):
        sums = probabilities.sum(call.class_dim).flatten()
        right = bool(((sums - 1).abs() < 0.05).double().mean() > 0.5)
    else:
        right = normalized(probabilities, 0.05)
        sums = probabilities.sum(call.class_dim).flatten()
    if right:
        return None
    return Told(
        Phrase(
            "{loss} takes log-probabilities, whose exponentials add up to 1 over the classes; here they add up to "
            "{sum}, and the largest is {high}. These are raw scores.",
            loss=call.spoken,
            sum=number(sums[(sums - 1).abs().argmax()]),
            high=number(call.predicted.high),
        ),
        Phrase("Apply log_softmax over the classes first; or take CrossEntropyLoss, which does both.")
        if call.name == "nll"
        else Phrase("Apply log_softmax over the classes first."),
        likely=call.predicted.high <= 0,
    )


@in_call(
    "target-in-logarithms",
    Phrase("log_target does not fit the target of a divergence"),
    page="guide/kl-divergence",
    hides=("loss-not-finite",),
)
def target_in_logarithms(call: Call) -> Told | None:
    if call.name not in ("kl_div", "js_div") or not call.target.is_floating_point():
        return None
    seen, log_target = call.targeted, bool(call.settings.get("log_target"))
    if not log_target and seen.low < 0:
        logarithms = _is_log(seen) or seen.high <= 0
        return Told(
            Phrase(
                "{loss} takes the target as probabilities, but this one goes from {low} to {high}: it holds {kind}. "
                "The result is no divergence.",
                loss=call.spoken,
                low=number(seen.low),
                high=number(seen.high),
                kind=Phrase("log-probabilities") if logarithms else Phrase("raw scores"),
            ),
            Phrase("Set log_target=True.") if logarithms else Phrase("Apply softmax to the target."),
        )
    if log_target and seen.low >= 0 and seen.high > 0:
        return Told(
            Phrase(
                "{loss} has log_target=True, but the target holds probabilities, from {low} to {high}: they are "
                "exponentiated, as if they were logarithms.",
                loss=call.spoken,
                low=number(seen.low),
                high=number(seen.high),
            ),
            Phrase("Leave out log_target=True, or give the target's logarithm."),
        )
    return None


@in_call(
    "target-not-normalized",
    Phrase("a target of a divergence that does not add up to 1"),
    page="guide/kl-divergence",
    likely=True,
)
def target_not_normalized(call: Call) -> Told | None:
    if call.name not in ("kl_div", "js_div") or call.settings.get("log_target"):
        return None
    seen = call.targeted
    if not call.target.is_floating_point() or not call.target.dim() or seen.low < 0 or normalized(seen.some.double()):
        return None
    if call.predicted.shape != seen.shape or seen.shape[call.class_dim] < 2 or not seen.finite:
        return None
    sums = seen.some.sum(call.class_dim).flatten()
    return Told(
        Phrase(
            "{loss} takes the target as probabilities; these add up to {sum} over the classes, not to 1. The result "
            "is no divergence.",
            loss=call.spoken,
            sum=number(sums[(sums - 1).abs().argmax()]),
        ),
        Phrase("Apply softmax to the target, or divide it by its sum over the classes."),
    )


@in_call(
    "divergence-mean",
    Phrase("KLDivLoss with reduction='mean', which divides by the classes too"),
    page="guide/kl-divergence",
)
def divergence_mean(call: Call) -> Told | None:
    if call.name != "kl_div" or call.settings.get("reduction") != "mean":
        return None
    shape = call.predicted.shape
    if len(shape) != 2 or shape[1] < 2:
        return None
    return Told(
        Phrase(
            "reduction='mean' divides the divergence by all {count} numbers, the {classes} classes included: the loss "
            "is {classes} times smaller than KL, and so is its gradient.",
            count=call.prediction.numel(),
            classes=shape[1],
        ),
        Phrase("Write reduction='batchmean'."),
    )


@in_call(
    "rate-or-its-logarithm",
    Phrase("rates where log-rates belong, or the other way round"),
    page="guide/overview",
    hides=("loss-not-finite", "exponential-twice"),
)
def rate_or_logarithm(call: Call) -> Told | None:
    if call.takes not in (contract.RATES, contract.LOG_RATES):
        return None
    if call.takes == contract.LOG_RATES:
        if call.last_operation not in ("Exp", "Softplus"):
            return None
        return Told(
            Phrase(
                "{loss} with log_input=True takes the logarithm of the rate and applies exp itself; the prediction is "
                "a rate already, the output of {operation}, up to {high}.",
                loss=call.spoken,
                operation=call.last_operation.lower(),
                high=number(call.predicted.high),
            ),
            Phrase("Leave the {operation} out, or set log_input=False.", operation=call.last_operation.lower()),
        )
    if not call.predicted.low < 0:
        return None
    return Told(
        Phrase(
            "{loss} with log_input=False takes rates, at least 0; the prediction goes down to {low}, where the "
            "logarithm is nan.",
            loss=call.spoken,
            low=number(call.predicted.low),
        ),
        Phrase("Leave out log_input=False, so that the model predicts the logarithm; or apply softplus."),
    )


@in_call("scores-for-distances", Phrase("scores or similarities where distances belong"), page="guide/hinge-embedding")
def scores_for_distances(call: Call) -> Told | None:
    if call.name == "triplet_margin_with_distance":
        return _similarity_of_triplets(call)
    if call.name != "hinge_embedding" or not call.predicted.finite:
        return None
    if graph.is_cosine(call.prediction):
        return Told(
            Phrase(
                "{loss} takes distances, near 0 for what is alike; these numbers are cosines, from {low} to {high}, "
                "and near 1 for what is alike: the labels then mean their opposite.",
                loss=call.spoken,
                low=number(call.predicted.low),
                high=number(call.predicted.high),
            ),
            Phrase("Give it 1 - cosine, or take CosineEmbeddingLoss on the embeddings themselves."),
        )
    negative = call.predicted.share(lambda x: x < -1e-6)
    if negative < 0.05:
        return None
    return Told(
        Phrase(
            "{loss} takes distances, at least 0; {share}% of these numbers are negative, down to {low}. It is not the "
            "hinge loss of scores: for the label 1 it pulls the score down without end.",
            loss=call.spoken,
            share=round(100 * negative),
            low=number(call.predicted.low),
        ),
        Phrase("Give it distances of pairs; for scores take SoftMarginLoss or MarginRankingLoss."),
    )


def _similarity_of_triplets(call: Call) -> Told | None:
    """Whether the distance of anchor and positive is a cosine: the loss is max(0, margin + that − the other distance)."""
    if not isinstance(call.result, Tensor) or call.settings.get("swap") or call.settings.get("margin") is None:
        return None
    node = call.result.grad_fn
    for name in ("Mean", "Sum"):
        node = node.next_functions[0][0] if node is not None and graph.operation(node) == name else node
    for name in ("ClampMin", "Sub", "Add"):
        if node is None or graph.operation(node) != name:
            return None
        node = next((parent for parent, _ in node.next_functions if parent is not None), None)
    if not graph.is_cosine_node(node) or not _nearer_as_named(call):
        return None
    return Told(
        Phrase(
            "The distance of {loss} is a cosine, near 1 for what is alike: the loss falls when the anchor turns away "
            "from its positive and toward its negative.",
            loss=call.spoken,
        ),
        Phrase("Write distance_function=lambda a, b: 1 - cosine_similarity(a, b)."),
        likely=True,
    )


def _nearer_as_named(call: Call) -> bool:
    """Whether positives are more like their anchors than negatives; who turns a similarity round exchanges the two."""
    anchor, positive, negative = (part(t.detach()).float() for t in call.predictions.values())
    if anchor.dim() != 2 or not anchor.shape == positive.shape == negative.shape or len(anchor) < 8:
        return False
    nearer = cosine_similarity(anchor, positive) > cosine_similarity(anchor, negative)
    return nearer.double().mean().item() >= 0.75
