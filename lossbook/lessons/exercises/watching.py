"""The exercises on watching a training."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from ...language import gettext as _
from ...watching.examine import examine
from .exercise import Exercise

REPAIRS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {  # of a prediction that was a new tensor
    "a": lambda prediction: prediction.detach(),
    "b": lambda prediction: prediction,
    "c": lambda prediction: torch.tensor(prediction.tolist()),
    "d": lambda prediction: prediction.detach().requires_grad_(),
}


def repairs_that_reach_the_model() -> str:
    """The letters of the repairs through which a gradient comes back to the weight."""
    reached = ""
    for letter, repair in REPAIRS.items():
        weight = torch.ones(1, requires_grad=True)
        loss = torch.nn.functional.mse_loss(repair(weight * 2), torch.zeros(1))
        if loss.requires_grad:
            loss.backward()
        reached += letter if weight.grad is not None else ""
    return reached


def right_uses() -> str:
    """The letters of the uses in which `examine` sees nothing wrong."""
    scores = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], dtype=torch.float64, requires_grad=True)
    classes, yes = torch.tensor([2, 0]), torch.tensor([0.0, 1.0], dtype=torch.float64)
    uses = {
        "a": (torch.nn.NLLLoss(), scores.softmax(dim=1), classes),
        "b": (torch.nn.NLLLoss(), scores.log_softmax(dim=1), classes),
        "c": (torch.nn.BCEWithLogitsLoss(), scores[:, 0].sigmoid(), yes),
        "d": (torch.nn.BCELoss(), scores[:, 0].sigmoid(), yes),
    }
    return "".join(letter for letter, (loss, *tensors) in uses.items() if examine(loss, *tensors))


EXERCISES = {
    "watch-new-leaf": Exercise(
        answer=repairs_that_reach_the_model,
        praise=lambda: _("The prediction is what the model returned, so the gradient finds its way back."),
        mistakes=lambda: [
            ("a", _("detach() cuts the graph too, and backward() then raises an error.")),
            ("c", _("A tensor made of numbers has no graph: the numbers have forgotten where they came from.")),
            ("d", _("That is the same fault in other words: a new tensor that requires a gradient of its own.")),
        ],
        hint=lambda: _("Through which of these lines does the gradient of the loss reach the weights of the model?"),
    ),
    "watch-softmax-floor": Exercise(
        answer=lambda: math.log(math.e + 3) - 1,
        praise=lambda: _(
            "Softmax of 1, 0, 0, 0 gives the true class e / (e + 3), and the loss is minus its logarithm."
        ),
        mistakes=lambda: [
            (
                0.0,
                _("That would be right without the softmax in the loss: it takes the probability 1 for a score of 1."),
            ),
            (
                1.0,
                _(
                    "1 is the probability that goes in. Take the softmax of all four numbers, then minus the logarithm of the first."
                ),
            ),
            (math.log(4), _("That is the loss of a model that guesses. The perfect one has a lower loss.")),
        ],
        hint=lambda: _("Cross-entropy takes the numbers 1, 0, 0, 0 for scores. What does softmax make of them?"),
    ),
    "watch-four-uses": Exercise(
        answer=right_uses,
        praise=lambda: _("NLL takes log-probabilities, BCE takes probabilities, and BCE with logits takes scores."),
        mistakes=lambda: [
            ("ad", _("NLL takes the logarithms of probabilities: it takes no logarithm itself.")),
            ("bc", _("BCE with logits applies the sigmoid itself, so this one applies it twice.")),
            ("d", _("One more is right: look at what NLL takes.")),
            ("b", _("One more is right: look at what BCE takes.")),
        ],
        hint=lambda: _("For each loss, say what it takes: scores, probabilities or log-probabilities?"),
    ),
}
