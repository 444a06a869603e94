"""The last operation before the loss: one that leaves out numbers which the loss needs, or lets no gradient through."""

from __future__ import annotations

from ...kit.text import number
from ...language import Phrase
from .. import contract, graph
from ..finding import Told
from ..observation import Call, part
from .rule import in_call

#: Operations from which nothing negative comes.
NOT_NEGATIVE = {"Relu": "relu", "Hardtanh": "relu6", "Softplus": "softplus", "Exp": "exp", "Abs": "abs"}
#: Operations whose slope is 0 wherever it exists.
FLAT = {"Round": "round", "Floor": "floor", "Ceil": "ceil", "Sign": "sign", "Trunc": "trunc", "Sgn": "sgn"}
#: What can come out of an operation.
REACH = {
    "Sigmoid": (0.0, 1.0), "Hardsigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Hardtanh": (-1.0, 1.0),
    "Relu": (0.0, float("inf")), "Softplus": (0.0, float("inf")), "Exp": (0.0, float("inf")),
    "LogSoftmax": (-float("inf"), 0.0), "LogSigmoid": (-float("inf"), 0.0),
}  # fmt: skip


@in_call(
    "relu-before-loss",
    Phrase("relu, softplus or exp on the last layer before a loss that takes scores of any sign"),
    page="guide/bce-with-logits",
)
def relu_before_loss(call: Call) -> Told | None:
    if call.takes not in (contract.LOGITS, contract.SCORES) or call.last_operation not in NOT_NEGATIVE:
        return None
    if call.operations[0].name == "Hardtanh" and call.predicted.low < 0:
        return None
    values = {
        "loss": call.spoken,
        "operation": NOT_NEGATIVE[call.last_operation],
        "share": round(100 * call.predicted.share(lambda x: x == 0)),
    }
    instead = Phrase("Leave it out after the last layer: scores may have any sign.")
    if call.takes == contract.LOGITS:
        return Told(
            Phrase(
                "The last operation before {loss} is {operation}: no score can be negative, so that a class is made "
                "unlikely only by raising others; {share}% of the scores are exactly 0 here.",
                **values,
            ),
            instead,
            likely=True,
        )
    return Told(
        Phrase(
            "The last operation before {loss} is {operation}: no score can be negative, so the answer no can never be "
            "likely; {share}% of the scores are exactly 0 here.",
            **values,
        ),
        instead,
    )


@in_call(
    "tanh-before-loss", Phrase("tanh on the last layer before a loss that takes logits"), page="guide/cross-entropy"
)
def tanh_before_loss(call: Call) -> Told | None:
    if call.takes not in (contract.LOGITS, contract.SCORES) or call.last_operation != "Tanh" or "margin" in call.name:
        return None
    return Told(
        Phrase(
            "The last operation before {loss} is a tanh, so every logit lies between −1 and 1, here from {low} to "
            "{high}: the model can never be sure, and the loss stays high.",
            loss=call.spoken,
            low=number(call.predicted.low),
            high=number(call.predicted.high),
        ),
        Phrase("Leave the tanh out after the last layer."),
    )


@in_call(
    "flat-operation",
    Phrase("round, floor or sign before the loss: the gradient is 0"),
    page="guide/custom-losses",
    hides=("gradient-lost-in-model",),
)
def flat_operation(call: Call) -> Told | None:
    for link in call.operations:
        if link.name in FLAT:
            return Told(
                Phrase(
                    "The prediction went through torch.{operation}, whose gradient in PyTorch is 0 everywhere: no gradient gets through it, and the model learns nothing from this loss.",
                    operation=FLAT[link.name],
                ),
                Phrase("Compute the loss from the numbers before it; round only what you show or count."),
            )
    return None


@in_call("target-out-of-reach", Phrase("targets that the last activation cannot give"), page="guide/mse")
def target_out_of_reach(call: Call) -> Told | None:
    if call.takes != contract.NUMBERS or call.last_operation not in REACH:
        return None
    low, high = REACH[call.last_operation]
    seen = call.targeted
    slack = 0.02 * (high - low) if high - low < 10 else 1e-3
    outside = seen.share(lambda t: (t < low - slack) | (t > high + slack))
    if outside < 0.05 or not seen.finite:
        return None
    return Told(
        Phrase(
            "The last operation is a {operation}, whose results lie between {low} and {high}, but {share}% of the "
            "targets lie outside: they go from {least} to {most}. The model cannot reach them.",
            operation=call.last_operation.lower(),
            low=number(low),
            high=number(high),
            share=max(1, round(100 * outside)),
            least=number(seen.low),
            most=number(seen.high),
        ),
        Phrase("Leave the activation out, or scale the targets into its range."),
    )


@in_call("clamped-probabilities", Phrase("raw scores clamped to [0, 1] instead of a sigmoid"), page="guide/bce")
def clamped_probabilities(call: Call) -> Told | None:
    clamps = {"Clamp", "ClampMin", "ClampMax", "Relu", "Hardtanh"}
    names = [link.name for link in call.operations]
    while names and names[0] in clamps:
        names.pop(0)
    cut = len(names) < len(call.operations)
    if call.takes != contract.PROBABILITIES or not cut:
        return None
    while names and names[0] in ("Add", "Sub"):
        names.pop(0)
    if names and names[0] in {"Sigmoid", "Softmax", "Exp", "Hardsigmoid", "Mul", "Div"}:
        return None
    edge_low, edge_high = call.predicted.range
    stuck = call.predicted.share(lambda p: (p <= edge_low) | (p >= edge_high))
    scores = names[:1] in (["Addmm"], ["Convolution"])  # straight from a layer
    if stuck < 0.2 and not scores:
        return None
    return Told(
        Phrase(
            "The probabilities for {loss} are scores that were clamped, now from {low} to {high}: {share}% of them "
            "lie at an end, and where a score is cut off the gradient is 0.",
            loss=call.spoken,
            share=round(100 * stuck),
            low=number(edge_low),
            high=number(edge_high),
        ),
        Phrase("Use torch.sigmoid instead of clamp, or better BCEWithLogitsLoss on the scores."),
    )


@in_call("dropout-before-loss", Phrase("dropout after the last layer"), page="guide/custom-losses")
def dropout_before_loss(call: Call) -> Told | None:
    if call.takes == contract.OTHER:
        return None  # of embeddings it makes two views of one sample
    after = {"Sigmoid", "Softmax", "LogSoftmax", "LogSigmoid"}
    link = next((one for one in call.operations if one.name not in after), None)
    share = _dropped(link) if link is not None else None
    if share is None:
        return None
    return Told(
        Phrase(
            "Dropout is the last operation before {loss}: {share}% of the predictions are set to 0 at random and the "
            "others made larger, so that the loss punishes what the model never said.",
            loss=call.spoken,
            share=round(100 * share),
        ),
        Phrase("Put dropout before the last layer, not after it."),
    )


def _dropped(link: graph.Link) -> float | None:
    """The share of numbers that dropout set to 0: it multiplies with 0 and 1 / (1 − p), each as often as p says."""
    if link.name == "NativeDropout":
        kept = graph.saved(link.node, "result1")
        return None if kept is None else 1 - kept.double().mean().item()
    factors = graph.saved(link.node, "other") if link.name == "Mul" else None
    if factors is None or factors.numel() < 4 or factors.requires_grad:
        return None
    values = part(factors).double()
    largest, share = values.max().item(), (values == 0).double().mean().item()
    if largest <= 1 or not 0 < share < 1 or not bool(((values == 0) | (values == largest)).all()):
        return None
    p = 1 - 1 / largest
    return share if abs(share - p) <= 4 * (p * (1 - p) / values.numel()) ** 0.5 else None
