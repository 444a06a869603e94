"""What the guards of the catalogue refuse and torch takes, or refuses in words that help nobody."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor

from ...language import Phrase
from ..finding import Told
from ..observation import Call
from .rule import in_call

LARGE = 1 << 22  #: to compute the loss of more numbers once more would take too long


@in_call(
    "outside-its-contract", Phrase("what the documentation of a loss rules out"), page="guide/overview", symptom=True
)
def outside_contract(call: Call) -> Told | None:
    error = refusal(call)
    if error is None:
        return None
    return Told(Phrase("{loss}: {error}", loss=call.spoken, error=error))


def refusal(call: Call) -> Exception | None:
    """The error with which the catalogue's own function refuses the tensors of a call."""
    if call.entry is None or call.entry.function is None or call.entry.torch_function is None:
        return None  # lossbook's own losses speak for themselves
    if call.error is None and (_broadcast(call) or call.prediction.numel() > LARGE):
        return None  # torch broadcasts; which of that is wrong, shapes.py says
    known = inspect.signature(call.entry.function).parameters
    given = {
        n: v.detach() if isinstance(v, Tensor) else v for n, v in (call.settings | call.arguments).items() if n in known
    }
    if call.exchanged:
        given["input"], given["target"] = given["target"], given["input"]
    try:
        with torch.no_grad():
            call.entry.function(**given)
    except (ValueError, TypeError, IndexError) as error:
        return error
    except RuntimeError:
        return None
    return None


def _broadcast(call: Call) -> bool:
    return call.per_element and call.has_target and call.target.shape != call.prediction.shape


@in_call("loss-raises", Phrase("an error of the loss itself"), page="guide/overview", symptom=True)
def loss_raises(call: Call) -> Told | None:
    if call.error is None:
        return None
    error = " ".join(str(call.error).split())
    if "autocast" in error:
        return Told(
            Phrase(
                "{loss} cannot be computed under autocast: half precision is not enough for its logarithm.",
                loss=call.spoken,
            ),
            Phrase("Take BCEWithLogitsLoss on the scores, which can, or leave autocast for the loss."),
        )
    return Told(
        Phrase(
            "{loss} raises {kind}: {error}.",
            loss=call.spoken,
            kind=type(call.error).__name__,
            error=error[:240].rstrip("."),
        ),
        Phrase("Compare shapes and types with the documentation."),
    )
