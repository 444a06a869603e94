"""Numbers that are no numbers, do not fit, or are far too large; and means of nothing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...kit.text import number
from ...language import Phrase
from .. import contract
from ..finding import Told
from ..observation import Call, part
from .rule import in_call


def _bad(tensor: Tensor) -> tuple[str, int] | None:
    """What the first number that is not finite is called, and the row that it stands in."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return None
    wrong = ~tensor.detach().isfinite()
    if not wrong.any():
        return None
    place = wrong.nonzero()[0].tolist() if tensor.dim() else [0]
    return number(tensor.detach()[tuple(place)] if tensor.dim() else tensor.detach()), place[0]


def _failed(call: Call) -> bool:
    return (
        isinstance(call.result, Tensor)
        and call.result.is_floating_point()
        and not call.result.detach().isfinite().all()
    )


@in_call(
    "nothing-to-average",
    Phrase("the mean of nothing: all targets ignored, or an empty selection"),
    page="guide/cross-entropy",
    hides=("loss-not-finite",),
)
def nothing_to_average(call: Call) -> Told | None:
    if call.prediction.numel() == 0:
        return Told(
            Phrase(
                "{loss} gets no numbers at all: a prediction of shape {shape}. The mean of nothing is nan, and one nan "
                "spoils every parameter.",
                loss=call.spoken,
                shape=call.predicted.shape,
            ),
            Phrase("Skip the loss where the selection is empty: if mask.any()."),
        )
    masks = {n: t for n, t in call.tensors.items() if n not in call.predictions and t is not call.target and t.numel()}
    for name, mask in masks.items() if call.entry is None and _failed(call) else ():
        if not mask.any():
            return Told(
                Phrase(
                    "{name} of shape {shape} is 0 everywhere, so that nothing counts in this batch: 0 / 0 is nan, and one nan "
                    "spoils every parameter.",
                    name=name,
                    shape=tuple(mask.shape),
                ),
                Phrase("Divide by mask.sum().clamp_min(1), or skip such a batch."),
            )
    ignored = call.settings.get("ignore_index")
    if (
        ignored is None
        or call.target.is_floating_point()
        or not _failed(call)
        or call.settings.get("reduction") == "sum"
    ):
        return None
    if call.target.numel() and bool((call.target == ignored).all()):
        return Told(
            Phrase(
                "All {count} targets of this batch are {ignored}, the ignore_index: the mean of nothing is nan, and one nan "
                "spoils every parameter.",
                count=call.target.numel(),
                ignored=ignored,
            ),
            Phrase("Skip such a batch, or write reduction='sum' and divide by max(1, count)."),
        )
    return None


@in_call(
    "target-not-finite",
    Phrase("nan or infinity in the targets"),
    page="guide/mse",
    hides=("prediction-not-finite", "gradient-not-finite", "targets-not-scaled"),
)
def target_not_finite(call: Call) -> Told | None:
    if not _failed(call) or (bad := _bad(call.target)) is None or _spoiled(call):
        return None
    return Told(
        Phrase(
            "The target holds {value}, first in sample {row}: so does the loss, and after one step every parameter.",
            value=bad[0],
            row=bad[1],
        ),
        Phrase("Clean the data: look for missing values and divisions by 0; or leave out such samples."),
    )


@in_call(
    "prediction-not-finite", Phrase("nan or infinity in the prediction, and where it began"), page="guide/overview"
)
def prediction_not_finite(call: Call) -> Told | None:
    if (bad := _bad(call.prediction if _failed(call) else part(call.prediction))) is None:
        return None
    values = {"value": bad[0], "row": bad[1]}
    for name, given in call.ancestry.inputs:
        if (spoiled := _bad(given)) is not None:
            return Told(
                Phrase(
                    "The data hold {value}, first in sample {row}, where they enter the first layer ({layer}): from there "
                    "it reaches the prediction and the loss.",
                    value=spoiled[0],
                    row=spoiled[1],
                    layer=name,
                ),
                Phrase("Clean the inputs: look for missing values and divisions by 0."),
            )
    if _spoiled(call):
        return None
    if call.prediction.dtype == torch.float16:
        return Told(
            Phrase(
                "The prediction in float16 holds {value}, first in sample {row}: float16 ends at 65504.",
                **values,
            ),
            Phrase("Compute this part in float32, or take bfloat16."),
        )
    if call.last_operation in ("Log", "Log2", "Log10") and call.takes != contract.NUMBERS:
        return Told(
            Phrase(
                "The prediction holds {value}, first in sample {row}: it is the logarithm of a probability that was rounded "
                "to 0.",
                **values,
            ),
            Phrase("Write log_softmax or logsigmoid instead of log(softmax(…)): they never round to 0."),
        )
    if call.last_operation == "LogSoftmax" or not _failed(call):
        return None  # -inf for a class that is ruled out
    return Told(
        Phrase(
            "The prediction holds {value}, first in sample {row}; the last operation was {operation}. The parameters are "
            "finite, so it began inside of the model.",
            operation=call.last_operation or "unknown",
            **values,
        ),
        Phrase("Look for a division by 0, a logarithm or root of 0, or exp of a large number."),
    )


def _spoiled(call: Call) -> bool:
    return any(_bad(part(leaf)) for leaf in call.ancestry.leaves)


@in_call("parameters-not-finite", Phrase("parameters of nan or infinity"), page="first-losses/five-steps", symptom=True)
def parameters_not_finite(call: Call) -> Told | None:
    if not _failed(call) or (bad := _bad(call.prediction)) is None or not _spoiled(call):
        return None
    return Told(
        Phrase(
            "The prediction holds {value}, first in sample {row}, because the parameters do: an earlier step spoiled them.",
            value=bad[0],
            row=bad[1],
        ),
        Phrase("Look at the step before: a learning rate that is too high, or a gradient that was not finite."),
    )


@in_call(
    "loss-not-finite",
    Phrase("a loss of nan or infinity from finite numbers"),
    page="guide/custom-losses",
    hides=("gradient-not-finite",),
)
def loss_not_finite(call: Call) -> Told | None:
    if not _failed(call) or any(_bad(tensor) for tensor in call.tensors.values()):
        return None
    if call.result.dtype == torch.float16:
        return Told(
            Phrase(
                "The loss in float16 is {value}: float16 ends at 65504.",
                value=number(call.result.detach().flatten()[0]),
            ),
            Phrase("Compute the loss in float32: prediction.float(), target.float()."),
        )
    return Told(
        Phrase(
            "The loss is {value}, from a prediction between {low} and {high} that is finite.",
            value=number(call.result.detach().flatten()[~call.result.detach().flatten().isfinite()][0]),
            low=number(call.predicted.low),
            high=number(call.predicted.high),
        ),
        Phrase("Look in it for a logarithm or root of 0, a division by 0, or exp of a large number."),
    )


@in_call(
    "half-precision-loss",
    Phrase("a loss in float16 close to its largest number"),
    page="guide/custom-losses",
    likely=True,
)
def half_precision(call: Call) -> Told | None:
    if not isinstance(call.result, Tensor) or call.result.dtype != torch.float16 or _failed(call):
        return None
    largest = call.result.detach().abs().max().item() if call.result.numel() else 0.0
    if largest < 10_000:
        return None
    return Told(
        Phrase("The loss in float16 is {value}; float16 ends at 65504 and has three digits.", value=number(largest)),
        Phrase("Compute the loss in float32: prediction.float(), target.float()."),
    )


@in_call(
    "saturated-probabilities",
    Phrase("probabilities of exactly 0 or 1: the sigmoid has no gradient left"),
    page="guide/bce",
    likely=True,
)
def saturated(call: Call) -> Told | None:
    if (
        call.takes != contract.PROBABILITIES
        or call.last_operation not in ("Sigmoid", "Softmax")
        or not call.predicted.finite
    ):
        return None
    ends = call.predicted.share(lambda p: (p == 0) | (p == 1))
    if ends < 0.25:
        return None
    return Told(
        Phrase(
            "{share} % of the probabilities are exactly 0 or 1: the scores before the {operation} are so large that it has "
            "no slope left, and those samples learn nothing.",
            share=round(100 * ends),
            operation=call.last_operation.lower(),
        ),
        Phrase("Take BCEWithLogitsLoss on the scores, scale the inputs to about −1 … 1, and lower the learning rate."),
    )


@in_call(
    "inputs-not-scaled",
    Phrase("inputs of hundreds that enter the first layer as they are"),
    page="training/linear-regression",
    hides=("learning-rate-too-high", "first-loss-too-high", "dead-units", "saturated-probabilities"),
    likely=True,
)
def inputs_not_scaled(call: Call) -> Told | None:
    if call.result is None or not call.predicted.finite or not call.ancestry.inputs:
        return None
    name, given = call.ancestry.inputs[-1]
    values = part(given)
    if not values.numel() or not values.is_floating_point():
        return None
    size = values.abs().float()
    largest, typical = size.max().item(), size.mean().item()
    if not math.isfinite(largest) or typical < 20 or largest < 50:
        return None
    if not _as_they_came(values) or not _far_too_large(call):
        return None
    return Told(
        Phrase(
            "The inputs enter the first layer ({layer}) with numbers up to {largest}, {typical} on average, and give "
            "predictions up to {high}: the loss starts at {loss}.",
            layer=name,
            largest=number(round(largest, 1)),
            typical=number(round(typical, 1)),
            high=number(round(max(abs(call.predicted.low), call.predicted.high), 2)),
            loss=number(round(call.result.detach().float().mean().item(), 3)),
        ),
        Phrase("Scale the inputs: divide pixels by 255, subtract the mean and divide by the standard deviation."),
    )


def _as_they_came(values: Tensor) -> bool:
    """Whether data look as they were read: all at least 0, or far from 0, or with columns of very different size."""
    if values.min() >= 0:
        return True
    if values.dim() != 2 or len(values) < 4:
        return False
    spread = values.float().std(0)
    away = values.float().mean(0).abs() > 3 * spread
    return bool(away.any()) or bool(spread.max() > 30 * spread.clamp_min(1e-12).min())


def _far_too_large(call: Call) -> bool:
    """Whether an untrained model would give another loss: logits of 10 and more, or errors far beyond the targets."""
    if call.takes in (contract.LOGITS, contract.SCORES):
        return max(abs(call.predicted.low), abs(call.predicted.high)) > 10
    if call.takes == contract.NUMBERS and call.targeted.finite:
        spread = call.targeted.some.float().abs().mean().item()
        return call.predicted.some.abs().mean().item() > 5 * (spread + 1e-6)
    return False


@in_call(
    "target-longer-than-input",
    Phrase("CTC targets that do not fit into their frames"),
    page="guide/overview",
    hides=("loss-not-finite", "gradient-not-finite", "outside-its-contract"),
)
def target_longer_than_input(call: Call) -> Told | None:
    if call.name != "ctc":
        return None
    lengths = [torch.as_tensor(call.arguments.get(name, 0)).flatten() for name in ("input_lengths", "target_lengths")]
    if lengths[0].shape != lengths[1].shape or not (lengths[1] > lengths[0]).any():
        return None
    hidden = bool(call.settings.get("zero_infinity"))
    if hidden and not (lengths[1] > lengths[0]).all():
        return None  # what zero_infinity is for
    place = int((lengths[1] - lengths[0]).argmax())
    return Told(
        Phrase(
            "The target of sample {sample} has {labels} labels for {frames} frames: no alignment is long enough, and the "
            "loss is infinite, or 0 with zero_infinity=True.",
            sample=place,
            labels=int(lengths[1][place]),
            frames=int(lengths[0][place]),
        ),
        Phrase(
            "Give longer inputs, downsample less, or check input_lengths and target_lengths: they may have changed places."
        ),
    )


@in_call(
    "first-loss-too-high",
    Phrase("weights that start so large that the first loss is far too high"),
    page="guide/cross-entropy",
    likely=True,
)
def first_loss_too_high(call: Call) -> Told | None:
    if (
        call.index != 1
        or call.settings.get("reduction") != "mean"
        or not isinstance(call.result, Tensor)
        or _failed(call)
    ):
        return None
    if call.takes == contract.LOGITS or call.name == "nll":
        knowing_nothing = math.log(max(2, call.prediction.shape[call.class_dim]))
    elif call.name == "bce_with_logits" and call.settings.get("pos_weight") is None:
        knowing_nothing = math.log(2)
    else:
        return None
    if call.settings.get("weight") is not None or call.result.item() < max(20, 10 * knowing_nothing):
        return None
    sizes = [
        part(leaf.detach()).float().square().mean().sqrt().item() for leaf in call.ancestry.leaves if leaf.dim() > 1
    ]
    if max(sizes, default=0.0) < 2:
        return None  # large scores on purpose, from weights as they should be
    return Told(
        Phrase(
            "The first loss is {loss}; a model that knows nothing has {nothing}. The weights of a layer are {size} in size, so "
            "the scores go from {low} to {high}: the model starts out very sure, and wrong.",
            size=number(round(max(sizes), 2)),
            loss=number(round(call.result.item(), 2)),
            nothing=number(round(knowing_nothing, 3)),
            low=number(round(call.predicted.low, 1)),
            high=number(round(call.predicted.high, 1)),
        ),
        Phrase("Start from smaller weights: torch's defaults, or kaiming_normal_."),
    )


@in_call("loss-raises", Phrase("an error of the loss itself"), page="guide/overview", symptom=True)
def loss_raises(call: Call) -> Told | None:
    if call.error is None:
        return None
    error = " ".join(str(call.error).split())
    if "autocast" in error:
        return Told(
            Phrase(
                "{loss} cannot be computed under autocast: its logarithm does not bear half precision.",
                loss=call.spoken,
            ),
            Phrase("Take BCEWithLogitsLoss on the scores, which can, or leave autocast for the loss."),
        )
    return Told(
        Phrase("{loss} raises {kind}: {error}", loss=call.spoken, kind=type(call.error).__name__, error=error[:240]),
        Phrase("Compare shapes and types with the documentation."),
    )
