"""The exercises of the guide to losses: writing your own."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from ... import functional as lf
from ...language import gettext as _
from ...verifying.verify import verify
from .exercise import Exercise
from .written_loss import WrittenLoss

COLUMN, ROW = torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 2.0])
REPAIRS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {  # `chosen` of the F1 loss, or the whole loss for a
    "a": lambda p: torch.tensor(p.sum().item(), requires_grad=True),
    "b": lambda p: (p > 0.5).double(),
    "c": lambda p: p.detach().round(),
    "d": lambda p: p,
}


def repairs_that_reach() -> str:
    """The letters of the repairs through which a gradient comes back to p."""
    reached = ""
    for letter, repair in REPAIRS.items():
        p = torch.tensor([0.9, 0.6, 0.2, 0.4], requires_grad=True)
        result = repair(p).sum()
        if result.requires_grad and torch.autograd.grad(result, p, allow_unused=True)[0] is not None:
            reached += letter
    return reached


def right_divisors() -> str:
    """The letters of the divisors that make an L1 loss of the sum, for any number of rows and columns."""
    prediction, target = torch.arange(12.0).reshape(3, 4), torch.zeros(3, 4)
    divisors = {"a": len(target), "b": prediction.numel(), "c": target.shape[-1], "d": 2 * prediction.shape[-1]}
    right = lf.l1_loss(prediction, target)
    return "".join(k for k, divisor in divisors.items() if torch.isclose(prediction.sum() / divisor, right))


def slope_of_half_a_square() -> tuple[float, ...]:
    p = torch.tensor([2.0, -4.0], requires_grad=True)
    return tuple(torch.autograd.grad((p.detach() * p).sum(), p)[0].tolist())


def certain_alone() -> str:
    """The letters of the losses that `verify` calls wrong with nothing to compare them with."""
    mask = (torch.arange(4) < torch.tensor([[4], [2], [3]])).double()
    losses = {
        "a": lambda prediction, target, mask: (prediction - target).square().sum(),
        "b": lambda prediction, target, mask: ((prediction - target).abs() * mask).mean(),
        "c": lambda prediction, target, mask: (prediction.detach() - target).square().mean(),
        "d": lambda prediction, target, mask: (prediction - target).abs().mean(),
    }
    batches = [(torch.arange(12.0).reshape(3, 4) / 5 - 1, torch.ones(3, 4) / 3, mask)]
    return "".join(letter for letter, loss in losses.items() if not verify(loss, inputs=batches))


EXERCISES = {
    "repair-f1": Exercise(
        answer=repairs_that_reach,
        praise=lambda: _("The probabilities themselves have a slope, so the gradient finds its way to the weights."),
        mistakes=lambda: [
            ("a", _("A new tensor has no past: there is a gradient then, but no path from it to the weights.")),
            ("b", _("The data type is not the problem. The comparison has cut the gradient already.")),
            ("c", _("detach cuts the gradient too, and round is flat: its slope is 0 wherever it exists.")),
        ],
        hint=lambda: _("Which of the four lines lets a small change of p change the loss a little?"),
    ),
    "verify-report": Exercise(
        answer=right_divisors,
        praise=lambda: _("The mean goes over all elements; the last dimension counts the columns only."),
        mistakes=lambda: [
            ("a", _("That mends this input by chance, because it has a single column. Try it on three.")),
            ("c", _("Both tensors have the same shape, so that is the loss as it was.")),
            ("d", _("That mends this input by chance, because it has two rows. Try it on three.")),
        ],
        hint=lambda: _("Compare what came with what should have come, and count the elements of the smallest input."),
    ),
    "log-cosh-by-hand": Exercise(
        answer=lambda: math.log(math.cosh(3)),
        praise=lambda: _("Far from 0 log-cosh is nearly the size of the error minus ln 2."),
        mistakes=lambda: [
            (3.0, _("That is L1. But cosh 3 is only about half of e³, so ln 2 has to be subtracted.")),
            (4.5, _("That is half the square, which log-cosh follows near 0 only.")),
            (math.cosh(3), _("That is cosh 3. Take its logarithm.")),
            (
                math.log10(math.cosh(3)),
                _("That is the logarithm to base 10. PyTorch takes the natural one, ln: math.log."),
            ),
        ],
        hint=lambda: _("cosh e is (eᵉ + e⁻ᵉ) / 2, with the error for the exponent. The second part is nearly 0 at 3."),
    ),
    "half-of-the-slope": Exercise(
        answer=slope_of_half_a_square,
        praise=lambda: _(
            "The detached factor counts as a constant. The value is that of the square; half of its slope is missing."
        ),
        mistakes=lambda: [
            ((4.0, -8.0), _("That is the gradient of the square. One of the two factors is detached.")),
            ((0.0, 0.0), _("Only one factor is detached. The gradient comes back through the other.")),
            ((4.0, 16.0), _("Those are the squares. Which gradient comes back to p?")),
            ((1.0, 1.0), _("The constant in front of p is the detached p itself.")),
        ],
        hint=lambda: _("Read p.detach() as a number c that happens to equal p. What is the derivative of c · p?"),
    ),
    "column-meets-row": Exercise(
        answer=lambda: ((COLUMN - ROW).square().mean().item(), float(lf.mse_loss(COLUMN.squeeze(1), ROW))),
        praise=lambda: _("Four differences instead of two: 1, −1, 3 and 1, with a mean square of 3."),
        mistakes=lambda: [
            ((1.0, 1.0), _("The second is right. For the first fill a table: each prediction minus each target.")),
            ((12.0, 2.0), _("Those are the sums. The means divide by four and by two.")),
            ((6.0, 1.0), _("The table has four entries, so the mean divides by 4.")),
            ((1.0, 3.0), _("Both numbers are right, in the wrong order: broadcast first.")),
        ],
        hint=lambda: _("Shape (2, 1) minus shape (2,) makes a table of 2 × 2 differences. Square them, and average."),
    ),
    "mend-detached": WrittenLoss("mse", names_the_slip=False),
    "certain-alone": Exercise(
        answer=certain_alone,
        praise=lambda: _("No gradient comes back: that is certain. a and d are right losses, only not the ones meant."),
        mistakes=lambda: [
            ("bc", _("c is right. b is reported with an exclamation mark: perhaps somebody wants that mean.")),
            (
                "b",
                _(
                    "That is reported with an exclamation mark, and the report stays true. Which loss cannot train "
                    "anything?"
                ),
            ),
            ("abcd", _("Three of them may be meant as they are. Which loss cannot train anything?")),
            ("ac", _("c is right. But a sum is a good loss too, so nothing is certainly wrong with a.")),
            ("cd", _("c is right. But the absolute error is a good loss too, so nothing is certainly wrong with d.")),
        ],
        hint=lambda: _("What can be known for certain, with nothing to compare? Think of the gradient."),
    ),
}
