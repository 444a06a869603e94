"""Numbers far too large or too small: inputs, first weights, probabilities, half precision."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...kit.text import number
from ...language import Phrase
from .. import contract
from ..finding import Told
from ..observation import Call, part
from ..training import Training
from .not_finite import failed
from .rule import in_call, in_training


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
        or failed(call)
    ):
        return None
    if call.takes == contract.LOGITS or call.name == "nll":
        knowing_nothing = math.log(max(2, call.prediction.shape[call.class_dim]))
    elif call.name == "bce_with_logits" and call.settings.get("pos_weight") is None:
        knowing_nothing = math.log(2)
    elif call.name == "mse" and call.has_target and call.target.numel():
        knowing_nothing = call.targeted.some.double().square().mean().item()
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
            "The first loss is {loss}; a model that knows nothing has {nothing}. The weights of a layer are {size} in "
            "size, so the scores go from {low} to {high}: the model starts out very sure, and wrong.",
            size=number(round(max(sizes), 2)),
            loss=number(round(call.result.item(), 2)),
            nothing=number(round(knowing_nothing, 3)),
            low=number(round(call.predicted.low, 1)),
            high=number(round(call.predicted.high, 1)),
        ),
        Phrase("Start from smaller weights: torch's defaults, or kaiming_normal_."),
    )


@in_call("weights-all-equal", Phrase("weights that start all equal"), page="first-losses/five-steps")
def weights_all_equal(call: Call) -> Told | None:
    if call.index != 1:
        return None
    matrices = [leaf for leaf in call.ancestry.leaves if leaf.dim() > 1]
    hidden = matrices if _all_at_one_point(call) else matrices[1:]  # the last layer, which comes first, may be 0
    for leaf in hidden:
        rows = part(leaf.detach().flatten(1), 0)
        if isinstance(leaf, torch.nn.Parameter) and len(rows) > 1 and bool((rows == rows[:1]).all()):
            return Told(
                Phrase(
                    "All units of a layer with weights of shape {shape} start with the same weights, {value}: they get "
                    "the same gradient and stay the same unit forever.",
                    shape=tuple(leaf.shape),
                    value=number(rows[0, 0]),
                ),
                Phrase("Start from random weights: torch's defaults, or kaiming_normal_."),
            )
    return None


def _all_at_one_point(call: Call) -> bool:
    """Whether the embeddings of all samples are the same: no distance between them has a slope that parts them."""
    if call.name not in contract.OF_EMBEDDINGS or call.prediction.dim() < 2 or len(call.prediction) < 3:
        return False
    return bool((call.predicted.some == call.predicted.some[:1]).all())


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
            "{share}% of the probabilities are exactly 0 or 1: the scores before the {operation} are so large that "
            "it has no slope left, and those samples learn nothing.",
            share=round(100 * ends),
            operation=call.last_operation.lower(),
        ),
        Phrase("Take BCEWithLogitsLoss on the scores, scale the inputs to about −1 … 1, and lower the learning rate."),
    )


@in_call(
    "half-precision-loss",
    Phrase("a loss in float16 near its largest or below its smallest number"),
    page="guide/custom-losses",
    likely=True,
)
def half_precision(call: Call) -> Told | None:
    if not isinstance(call.result, Tensor) or call.result.dtype != torch.float16 or failed(call):
        return None
    largest = call.result.detach().abs().max().item() if call.result.numel() else 0.0
    if (
        largest == 0
        and call.predicted.shape == call.targeted.shape
        and call.predicted.some.ne(call.targeted.some).any()
    ):
        return Told(
            Phrase(
                "The loss in float16 is exactly 0, though the prediction differs from its target by up to {error}: "
                "smaller numbers than 6e-8 are rounded to 0.",
                error=number((call.predicted.some - call.targeted.some).abs().max()),
            ),
            Phrase("Compute the loss in float32: prediction.float(), target.float()."),
        )
    if largest < 10_000:
        return None
    return Told(
        Phrase("The loss in float16 is {value}; float16 ends at 65504 and has three digits.", value=number(largest)),
        Phrase("Compute the loss in float32: prediction.float(), target.float()."),
    )


@in_training(
    "half-precision-optimizer",
    Phrase("Adam on parameters in float16, where its eps is 0"),
    page="practice/not-a-number",
    hides=(
        "parameters-not-finite",
        "prediction-not-finite",
        "loss-not-finite",
        "gradient-not-finite",
        "learning-rate-too-high",
    ),
)
def half_precision_optimizer(training: Training) -> Told | None:
    eps = training.half_eps
    if eps is None or torch.tensor(eps, dtype=torch.float16).item() > 0:
        return None
    if all(math.isfinite(seen.value) for seen in training.calls):
        return None
    return Told(
        Phrase(
            "Adam divides in float16, where its eps, {eps}, is rounded to 0, and so is the mean square of small "
            "gradients: 0 / 0 made the parameters nan.",
            eps=number(eps),
        ),
        Phrase("Keep the parameters in float32 and take torch.autocast with a GradScaler; or bfloat16."),
    )
