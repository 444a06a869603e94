"""Numbers that are no numbers, where they began, and means of nothing."""

from __future__ import annotations

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


def failed(call: Call) -> bool:
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
                "{loss} gets no numbers at all: a prediction of shape {shape}. The mean of nothing is nan. Its "
                "gradient is 0, but every average of losses that holds it is nan.",
                loss=call.spoken,
                shape=call.predicted.shape,
            ),
            Phrase("Skip the loss where the selection is empty: if mask.any()."),
        )
    masks = {n: t for n, t in call.tensors.items() if n not in call.predictions and t is not call.target and t.numel()}
    for name, mask in masks.items() if call.entry is None and failed(call) else ():
        if not mask.any():
            return Told(
                Phrase(
                    "{name} of shape {shape} is 0 everywhere, so that nothing counts in this batch: 0 / 0 is nan, and "
                    "one nan spoils every parameter.",
                    name=name,
                    shape=tuple(mask.shape),
                ),
                Phrase("Divide by mask.sum().clamp_min(1), or skip such a batch."),
            )
    ignored = call.settings.get("ignore_index")
    if (
        ignored is None
        or call.target.is_floating_point()
        or not failed(call)
        or call.settings.get("reduction") == "sum"
    ):
        return None
    if call.target.numel() and bool((call.target == ignored).all()):
        return Told(
            Phrase(
                "All {count} targets of this batch are {ignored}, the ignore_index: the mean of nothing is nan. Its "
                "gradient is 0, but every average of losses that holds it is nan.",
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
    if not failed(call) or (bad := _bad(call.target)) is None or _spoiled(call):
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
    if (bad := _bad(call.prediction if failed(call) else part(call.prediction))) is None:
        return None
    values = {"value": bad[0], "row": bad[1]}
    for name, given in call.ancestry.inputs:
        if (spoiled := _bad(given)) is not None:
            return Told(
                Phrase(
                    "The data hold {value}, first in sample {row}, where they enter the first layer ({layer}): from "
                    "there it reaches the prediction and the loss.",
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
                "The prediction holds {value}, first in sample {row}: it is the logarithm of a probability that was "
                "rounded to 0.",
                **values,
            ),
            Phrase("Write log_softmax or logsigmoid instead of log(softmax(…)): they never round to 0."),
        )
    if call.last_operation == "LogSoftmax" or not failed(call):
        return None  # -inf for a class that is ruled out
    values["operation"] = call.last_operation or "?"
    if not call.ancestry.inputs:  # what entered the model was not seen
        return Told(
            Phrase(
                "The prediction holds {value}, first in sample {row}; the last operation was {operation}. The "
                "parameters are finite, so it began in the data or inside of the model.",
                **values,
            ),
            Phrase(
                "Look for missing values in the data, a division by 0, a logarithm or root of 0, or exp of a large "
                "number."
            ),
        )
    return Told(
        Phrase(
            "The prediction holds {value}, first in sample {row}; the last operation was {operation}. The parameters "
            "are finite, so it began inside of the model.",
            **values,
        ),
        Phrase("Look for a division by 0, a logarithm or root of 0, or exp of a large number."),
    )


def _spoiled(call: Call) -> bool:
    return any(_bad(part(leaf)) for leaf in call.ancestry.leaves)


@in_call("parameters-not-finite", Phrase("parameters of nan or infinity"), page="first-losses/five-steps", symptom=True)
def parameters_not_finite(call: Call) -> Told | None:
    if not failed(call) or (bad := _bad(call.prediction)) is None or not _spoiled(call):
        return None
    return Told(
        Phrase(
            "The prediction holds {value}, first in sample {row}, because the parameters do: an earlier step spoiled "
            "them, or they were stored so.",
            value=bad[0],
            row=bad[1],
        ),
        Phrase(
            "Look at the step before: a learning rate that is too high, or a gradient that was not finite; and at the "
            "checkpoint."
        ),
    )


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
            "The target of sample {sample} has {labels} labels for {frames} frames: no alignment is long enough, and "
            "the loss is infinite, or 0 with zero_infinity=True.",
            sample=place,
            labels=int(lengths[1][place]),
            frames=int(lengths[0][place]),
        ),
        Phrase(
            "Give longer inputs, downsample less, or check input_lengths and target_lengths: they may have changed "
            "places."
        ),
    )


@in_call(
    "loss-not-finite",
    Phrase("a loss of nan or infinity from finite numbers"),
    page="guide/custom-losses",
    hides=("gradient-not-finite",),
)
def loss_not_finite(call: Call) -> Told | None:
    if not failed(call) or any(_bad(tensor) for tensor in call.tensors.values()):
        return None
    if call.result.dtype == torch.float16:
        return Told(
            Phrase(
                "The loss in float16 is {value}: float16 ends at 65504.",
                value=number(call.result.detach().flatten()[0]),
            ),
            Phrase("Compute the loss in float32: prediction.float(), target.float()."),
        )
    value = number(call.result.detach().flatten()[~call.result.detach().flatten().isfinite()][0])
    ends = call.predicted.share(lambda p: (p == 0) | (p == 1))
    # What a mask of −inf leaves out has the probability 0 too, whatever the scores are.
    masked = any(link.name in ("MaskedFill", "Where") for link in call.operations[1:2])
    if call.last_operation in ("Sigmoid", "Softmax") and ends and not masked:
        return Told(
            Phrase(
                "The loss is {value}: {share}% of the probabilities are exactly 0 or 1, because the scores before the "
                "{operation} are so large, and the logarithm of 0 is infinite. {inputs}",
                value=value,
                share=max(1, round(100 * ends)),
                operation=call.last_operation.lower(),
                inputs=_large_inputs(call),
            ),
            Phrase("Compute it from the scores, as BCEWithLogitsLoss and CrossEntropyLoss do; scale the inputs."),
        )
    return Told(
        Phrase(
            "The loss is {value}, from a prediction between {low} and {high} that is finite.",
            value=value,
            low=number(call.predicted.low),
            high=number(call.predicted.high),
        ),
        Phrase("Look in it for a logarithm or root of 0, a division by 0, or exp of a large number."),
    )


def _large_inputs(call: Call) -> Phrase | str:
    """A sentence about the data that enter the first layer, where their size explains large scores."""
    if not call.ancestry.inputs:
        return ""
    largest = part(call.ancestry.inputs[-1][1]).abs().max().item()
    return Phrase("The inputs go up to {largest}.", largest=number(round(largest, 1))) if largest > 50 else ""
