"""Where the way of the gradient is cut: inside of the loss, before it, or after it."""

from __future__ import annotations

from torch import Tensor

from ...language import Phrase
from ..finding import Told
from ..observation import Call
from ..training import Training
from .rule import in_call, in_training


@in_call(
    "loss-without-gradient",
    Phrase("a loss that returns a number, or cuts the gradient off inside"),
    page="guide/custom-losses",
    hides=("loss-made-a-leaf", "backward-never-arrives"),
)
def loss_without_gradient(call: Call) -> Told | None:
    if call.result is None or not call.grad_enabled or not call.learning:
        return None
    if not isinstance(call.result, (Tensor, int, float)) or any(call.result is t for t in call.tensors.values()):
        return None
    if isinstance(call.result, Tensor) and (call.result.grad_fn is not None or call.result.is_inference()):
        return None
    kind = Phrase("a tensor without one") if isinstance(call.result, Tensor) else Phrase("a Python number")
    return Told(
        Phrase(
            "The prediction carries a gradient, but {loss} returns {kind}: something inside of it cuts the graph, and "
            "the model cannot learn from it.",
            loss=call.spoken,
            kind=kind,
        ),
        Phrase("Leave out .item(), float(), .detach(), .numpy(), torch.tensor(…) and argmax inside of the loss."),
    )


@in_training(
    "loss-made-a-leaf",
    Phrase("requires_grad_() set on a loss that has no graph"),
    page="guide/custom-losses",
    hides=("prediction-without-gradient", "other-parameters"),
)
def loss_made_leaf(training: Training) -> Told | None:
    for seen in training.calls:
        result = seen.result() if seen.result is not None else None
        if result is not None and result.requires_grad and not seen.carries:
            return Told(
                Phrase(
                    "The loss of call {call} had no graph, and requires_grad was switched on afterwards: backward() "
                    "then runs without an error, but reaches no parameter.",
                    call=seen.index,
                ),
                Phrase(
                    "Find what cut the graph before: argmax, a comparison, detach, .data, numpy or torch.no_grad() "
                    "between the model and the loss."
                ),
            )
    return None


@in_training(
    "prediction-without-gradient", Phrase("a prediction that is cut off from the model"), page="guide/custom-losses"
)
def prediction_without_gradient(training: Training) -> Told | None:
    calls = training.calls
    if not calls or any(seen.prediction_carries for seen in calls):
        return None
    few = len(calls) < 3  # perhaps an error has ended the training; a few numbers are typed by hand
    trained = training.all_steps > 1 and not few
    if not trained and not (few and training.over and max(seen.numbers for seen in calls) >= 16):
        return None
    if not all(seen.grad_enabled for seen in calls) or training.learned_beside:
        return None
    values = {"loss": training.loss, "calls": len(calls)}
    if all(seen.whole for seen in calls):
        return Told(
            Phrase(
                "No prediction of {loss} carried a gradient (calls: {calls}), and all were whole numbers: argmax, "
                "rounding or a comparison has cut them off from the model.",
                **values,
            ),
            Phrase("Compute the loss from the scores; keep argmax and thresholds for the accuracy."),
            likely=few,
        )
    return Told(
        Phrase(
            "No prediction of {loss} carried a gradient (calls: {calls}): between the parameters and the loss the "
            "graph is cut, and no training can reach the model.",
            **values,
        ),
        Phrase("Leave out detach(), .data, numpy and torch.no_grad() on the way; or unfreeze the parameters."),
        likely=few,
    )


@in_training(
    "prediction-is-a-new-leaf",
    Phrase("a prediction wrapped anew, with requires_grad=True"),
    page="guide/custom-losses",
    hides=("other-parameters", "parameters-missing"),
)
def prediction_is_new_leaf(training: Training) -> Told | None:
    leaves = [seen for seen in training.calls if seen.leaf is not None]
    if len(leaves) < 3 or len(leaves) < len(training.calls) or training.moves():
        return None
    if any(followed.held for followed in training.followed.values()):
        return None
    values = [seen.value for seen in leaves]
    if all(b < a for a, b in zip(values, values[1:], strict=False)):
        return None  # it descends: the prediction itself is what is optimized
    return Told(
        Phrase(
            "In {calls} calls the prediction was a new tensor with requires_grad=True that no operation had made: the "
            "graph ends there, and no gradient reaches the model.",
            calls=len(leaves),
        ),
        Phrase("Give the loss what the model returned; leave out torch.tensor(…), detach() and numpy before it."),
    )


@in_training(
    "backward-never-arrives",
    Phrase("an optimizer that steps, though no gradient ever came back"),
    page="first-losses/five-steps",
)
def backward_never_arrives(training: Training) -> Told | None:
    carrying = [seen for seen in training.calls if seen.carries]
    if len(carrying) < 3 or training.backwards or training.learned_beside or training.steps < 2:
        return None
    if max(training.norms) > 0:
        return _never_trained_on(training, len(carrying))
    return Told(
        Phrase(
            "In {calls} calls no gradient came back to the loss, though the optimizer stepped {steps} times: "
            "backward() is missing, or is called on a copy of the loss.",
            calls=len(carrying),
            steps=training.steps,
        ),
        Phrase("Call loss.backward() on what the loss returned, not on torch.tensor(loss.item()) or loss.detach()."),
    )


def _never_trained_on(training: Training, calls: int) -> Told | None:
    """A loss beside another one that moves the parameters; what begins later is given time."""
    if not training.late or training.arrived_late:
        return None
    return Told(
        Phrase(
            "In {calls} calls no gradient came back to {loss}, while the parameters behind it got theirs from another "
            "loss: it is computed, and not trained on.",
            calls=calls,
            loss=training.loss,
        ),
        Phrase("Add it to what backward() is called on: total = total + loss; or compute it under torch.no_grad()."),
        likely=True,
    )


@in_training(
    "optimizer-without-gradient",
    Phrase("a second optimizer that no loss reaches, such as that of a generator after fake.detach()"),
    page="guide/custom-losses",
    likely=True,
)
def optimizer_without_gradient(training: Training) -> Told | None:
    if not training.late:
        return None  # it may wait until another part of the model is warm
    steps, parameters = training.steps_in_vain()
    if steps < 4 or not training.steps or training.backwards < 4:
        return None  # one optimizer alone is another fault: it holds other parameters
    return Told(
        Phrase(
            "Beside the optimizer that trains what {loss} reaches, another one stepped {steps} times, and none of its "
            "{count} parameters has ever had a gradient: it moves nothing.",
            loss=training.loss,
            steps=steps,
            count=parameters,
        ),
        Phrase(
            "Leave out detach(), .data or torch.no_grad() between those parameters and their loss: in a generator's "
            "step discriminator(fake), in the discriminator's discriminator(fake.detach())."
        ),
    )


@in_training(
    "loss-not-reduced",
    Phrase("a loss with one number per sample, which backward() cannot take"),
    page="guide/overview",
    likely=True,
)
def loss_not_reduced(training: Training) -> Told | None:
    calls = training.calls
    if not training.over or not calls or training.backwards or any(seen.single or not seen.carries for seen in calls):
        return None
    return Told(
        Phrase(
            "{loss} returns one number for each sample, reduction='none', and no gradient came back: backward() needs "
            "a single number.",
            loss=training.loss,
        ),
        Phrase("Write loss.mean().backward(), or reduction='mean'."),
    )


@in_training(
    "changed-in-place",
    Phrase("a prediction or target that is changed in place before backward"),
    page="guide/custom-losses",
)
def changed_in_place(training: Training) -> Told | None:
    failed = [seen for seen in training.calls if seen.modified and seen.arrived and not seen.back]
    if not failed or not training.over:
        return None
    return Told(
        Phrase(
            "After call {call} of {loss} its prediction or target was changed in place, before backward() had used "
            "it: the gradient cannot be computed.",
            call=failed[0].index,
            loss=training.loss,
        ),
        Phrase("Write a new tensor instead: x = x * 2, not x *= 2 or x.mul_(2)."),
    )


@in_call("target-changed-by-loss", Phrase("a loss that changes its target in place"), page="guide/custom-losses")
def target_changed_by_loss(call: Call) -> Told | None:
    if call.entry is not None or call.result is None or not call.has_target or call.target.is_inference():
        return None
    if call.target._version == call.versions.get(id(call.target), call.target._version):
        return None
    return Told(
        Phrase(
            "{loss} changes its target in place: the call changes the data themselves, and the next epoch trains on "
            "the changed data.",
            loss=call.spoken,
        ),
        Phrase("Compute with a new tensor: target = target.clamp(…), not target.clamp_(…)."),
    )
