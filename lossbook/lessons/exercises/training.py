"""The exercises of the part "A training case"."""

from __future__ import annotations

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise

X = torch.tensor([1.0, 2.0, 3.0])
TARGETS = torch.tensor([1.0, 2.0, 2.0, 3.0, 90.0])  # their mean and their median differ


def loss_of_every_pair(constant: torch.Tensor) -> float:
    """L1 between a column of this constant and the row of the targets, as PyTorch broadcasts it."""
    return float(lf.l1_loss(constant.expand(5, 5), TARGETS.expand(5, 5)))


def largest_rate(*columns: torch.Tensor) -> float:
    features = torch.stack(columns, dim=1).double()
    return 2 / torch.linalg.eigvalsh(2 / len(features) * features.T @ features)[-1].item()


def trained(weight_only: bool) -> float:
    """The last loss of the page's training, of the weight alone or of weight and bias."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = torch.nn.Linear(1, 1)
    parameters = [model.weight] if weight_only else list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    for _step in range(300):
        optimizer.zero_grad()
        loss = lf.mse_loss(model(X.unsqueeze(1)), 2 * X.unsqueeze(1))
        loss.backward()
        optimizer.step()
    return loss.item()


EXERCISES = {
    "fifty-by-fifty": Exercise(
        answer=lambda: "c" if loss_of_every_pair(TARGETS.mean()) < loss_of_every_pair(TARGETS.median()) else "d",
        praise=lambda: _(
            "Each prediction meets all 50 targets, and the constant with the smallest L1 is their median."
        ),
        mistakes=lambda: [
            ("a", _("Subtract a tensor of shape (50,) from one of shape (50, 1) and print the shape of the result.")),
            ("b", _("Broadcasting is legal, so there is only a warning. Which numbers does it subtract?")),
            ("c", _("Flat, yes. But the mean is the best constant for MSE. Which one is it for L1?")),
        ],
        hint=lambda: _("Print the shape of the prediction minus the target. Which targets does each prediction meet?"),
    ),
    "limit-without-bias": Exercise(
        answer=lambda: largest_rate(X),
        praise=lambda: _("The curvature is 2/3 · (1 + 4 + 9) = 28/3, and 2 divided by that is 3/14."),
        mistakes=lambda: [
            (largest_rate(X, torch.ones(3)), _("That is the limit with a bias. Without it H is a single number.")),
            (2 / 28, _("Divide by the three samples: the loss is a mean.")),
            (3 / 28, _("That rate arrives in one step. The limit is twice as large.")),
            (28 / 3, _("That is the curvature. The limit is 2 divided by it.")),
        ],
        hint=lambda: _("The loss is the mean of (w x − y)². What is its second derivative with respect to w?"),
    ),
    "centered-inputs": Exercise(
        answer=lambda: largest_rate(2 * (X - 2), torch.ones(3)),
        praise=lambda: _(
            "H is diagonal, with 16/3 for the weight and 2 for the bias. The steepest decides: 2 / (16/3) = 0.375."
        ),
        mistakes=lambda: [
            (largest_rate(X, torch.ones(3)), _("That is the limit for 1, 2 and 3. Compute H anew with −2, 0 and 2.")),
            (1.0, _("That is 2 / 2, the limit for the bias. The weight has a steeper direction.")),
            (16 / 3, _("That is the largest eigenvalue. The limit is 2 divided by it.")),
        ],
        hint=lambda: _("The sum of −2, 0 and 2 is 0, so H has zeros beside its diagonal. What stands on it?"),
    ),
    "bias-left-out": Exercise(
        answer=lambda: trained(weight_only=False),
        praise=lambda: _("The optimizer moves the parameters on its list and no others."),
        mistakes=lambda: [
            (
                trained(weight_only=True),
                _("Weight and bias should go to 2 and 0. Print both: which of them has not moved since the start?"),
            ),
        ],
        hint=lambda: _("With 0.1 and 300 epochs the loss falls below 0.001. Which parameters does each line reach?"),
        digits=3,
    ),
}
