"""The exercises of the pages of practice on classes: a classifier, rare classes, segmentation, distillation, clinics."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ...beyond import dice_loss, distillation_loss
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .repair import Repair
from .written_loss import WrittenLoss

FULL, LAST = (9, 32, 0.4), (1, 12, 2.0)  # batches, samples of each, and their mean loss, in "classifier-epoch-mean"
KEEPING: dict[str, Callable[[nn.Module], dict[str, Any]]] = {  # lines that may keep the weights of a model
    "a": lambda model: model.state_dict(),
    "b": lambda model: copy.deepcopy(model.state_dict()),
    "c": lambda model: dict(model.state_dict()),
    "d": lambda model: {name: tensor.clone() for name, tensor in model.state_dict().items()},
}


PREDICTED, MASK = torch.tensor([[1.0, 0.5, 0.0, 0.5]]), torch.tensor([[1.0, 1.0, 0.0, 0.0]])  # of "dice-by-hand"
SAID, WEIGHT = 0.8, 19.0  # a probability learned under a weight, in "rare-take-back"


def mean_of_samples(*batches: tuple[int, int, float]) -> float:
    """The mean loss of samples that come in batches of different size."""
    return sum(n * size * mean for n, size, mean in batches) / sum(n * size for n, size, _mean in batches)


def mean_of_batches(*batches: tuple[int, int, float]) -> float:
    return sum(n * mean for n, _size, mean in batches) / sum(n for n, _size, _mean in batches)


def changed_by_temperature() -> str:
    """The letters of what a temperature of 2 changes: accuracy, largest probability, order of classes, loss."""
    logits, classes = torch.tensor([[2.0, 1.0, -1.0], [0.5, 3.0, 0.0]]), torch.tensor([0, 2])

    def measured(T: float) -> dict[str, Tensor]:
        p = (logits / T).softmax(dim=1)
        right = p.argmax(dim=1) == classes
        loss = nn.functional.cross_entropy(logits / T, classes)
        return {"a": right.double().mean(), "b": p.amax(dim=1), "c": p.argsort(dim=1), "d": loss}

    before, after = measured(1.0), measured(2.0)
    return "".join(letter for letter in before if not torch.equal(before[letter], after[letter]))


def lines_that_keep() -> str:
    """The letters of the lines that bring the old weights back after the model has changed."""
    kept = ""
    for letter, keep in KEEPING.items():
        model = nn.Linear(1, 1)
        before = model.weight.item()
        best = keep(model)
        with torch.no_grad():
            model.weight += 1
        model.load_state_dict(best)
        kept += letter if model.weight.item() == before else ""
    return kept


def dice_of_empty_mask(s: float) -> float:
    """The Dice loss of 100 pixels with a probability of 0.01 each, where nothing is true, with d = 1."""
    p, t = torch.full((1, 100), 0.01, dtype=torch.float64), torch.zeros(1, 100, dtype=torch.float64)
    return dice_loss(p, t, from_logits=False, smooth_nr=s, smooth_dr=1.0).item()


def largest_square() -> float:
    """The largest whole number whose square is finite in float16."""
    numbers = torch.arange(1, 1000)
    return float(numbers[numbers.half().square().isfinite()].max())


def finite_at_zero() -> str:
    """The letters of the functions that have a finite gradient at 0."""
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "a": lambda x: x.square().sqrt(),
        "b": lambda x: (x.square() + 1e-8).sqrt(),
        "c": lambda x: torch.where(x > 0, x.log(), 0.0),
        "d": lambda x: x.clamp_min(1e-8).log(),
    }
    finite = ""
    for letter, function in functions.items():
        zero = torch.zeros((), requires_grad=True)
        (gradient,) = torch.autograd.grad(function(zero), zero)
        finite += letter if gradient.isfinite() else ""
    return finite


def average_precision(logits: Tensor, target: Tensor) -> float:
    target = target[logits.argsort(descending=True)]
    precision = target.cumsum(0) / torch.arange(1, len(target) + 1)
    return (precision * target).sum().item() / target.sum().item()


def changes_that_keep_the_order() -> str:
    """The letters of the changes of logits that leave the average precision as it is."""
    z, target = torch.tensor([-3.0, -1.0, 0.5, 2.0, -0.2]), torch.tensor([0.0, 0.0, 1.0, 1.0, 0.0])
    changed = {"a": z * 3, "b": z - math.log(9), "c": z.square(), "d": z.sigmoid()}
    return "".join(x for x in changed if average_precision(changed[x], target) == average_precision(z, target))


EXERCISES: dict[str, Exercise | WrittenLoss | Repair] = {
    "classifier-epoch-mean": Exercise(
        answer=lambda: mean_of_samples(FULL, LAST),
        praise=lambda: _("Each mean counts as often as its batch has samples."),
        mistakes=lambda: [
            (
                mean_of_batches(FULL, LAST),
                _("That is the mean of the ten means. The last batch has fewer samples, so it counts for less."),
            ),
            (
                (FULL[2] + LAST[2]) / 2,
                _("Then the one small batch counts as much as the nine others together."),
            ),
            (
                mean_of_samples(FULL, LAST) * 300,
                _("That is the sum over all samples. Divide it by their number."),
            ),
        ],
        hint=lambda: _("Add up the losses of all samples, then divide by the number of samples."),
        digits=3,
    ),
    "classifier-temperature": Exercise(
        answer=changed_by_temperature,
        praise=lambda: _("The order of the classes stays, and with it the accuracy; how sure the model is does not."),
        mistakes=lambda: [
            ("b", _("One more changes: the loss reads the probability of the true class.")),
            ("d", _("One more changes: why does the loss change at all?")),
            ("abd", _("Which class has the largest logit, before and after the division by 2?")),
            ("bcd", _("Dividing by a positive number keeps the order of the logits, and so of the probabilities.")),
            ("abcd", _("A division by 2 does not change which logit is larger. Two of the four depend on that alone.")),
        ],
        hint=lambda: _("What depends only on the order of the logits, and what on their differences?"),
    ),
    "classifier-kept-weights": Exercise(
        answer=lines_that_keep,
        praise=lambda: _("Only a copy of the tensors stays as it was while the optimizer changes the originals."),
        mistakes=lambda: [
            ("b", _("deepcopy() is one way. Which other line makes new tensors?")),
            ("d", _("clone() is one way. Which other line makes new tensors?")),
            ("bcd", _("A new dict with the same tensors in it: the optimizer changes them all the same.")),
            ("a", _("That is the line with the fault: state_dict() hands out the very tensors that are trained.")),
        ],
        hint=lambda: _("The optimizer changes the tensors in place. Which lines hold tensors of their own?"),
    ),
    "rare-take-back": Exercise(
        answer=lambda: 1 / (1 + WEIGHT * (1 - SAID) / SAID),
        praise=lambda: _("The odds are 4 to 1 with the weight, and 4 to 19 without it."),
        mistakes=lambda: [
            (SAID / WEIGHT, _("A weight multiplies the odds p / (1 − p), not the probability.")),
            (
                1 / (1 + (1 - SAID) / SAID / WEIGHT),
                _("That adds the weight once more. Taking it back makes a yes less likely."),
            ),
            (
                math.log(SAID / (1 - SAID)) - math.log(WEIGHT),
                _("That is the logit. The question is the probability: take its sigmoid."),
            ),
            (
                SAID / (1 - SAID) / WEIGHT,
                _("Those are the odds, 4 to 19. Which probability has these odds?"),
            ),
        ],
        hint=lambda: _("Take the logit of 0.8, subtract ln 19, and take the sigmoid."),
    ),
    "rare-same-order": Exercise(
        answer=changes_that_keep_the_order,
        praise=lambda: _("Average precision reads only the order of the logits, and these three keep it."),
        mistakes=lambda: [
            ("ab", _("The sigmoid rises everywhere. What does that mean for the order?")),
            ("b", _("More of them keep the order of the logits.")),
            ("abcd", _("The square of −3 is larger than that of 2.")),
            ("bd", _("Multiplying by a positive number keeps the order too.")),
        ],
        hint=lambda: _("Which of the changes put two samples into another order?"),
    ),
    "mend-focal": WrittenLoss("focal", {"alpha": None}, names_the_slip=False),
    "dice-by-hand": Exercise(
        answer=lambda: dice_loss(PREDICTED, MASK, from_logits=False, smooth_nr=0.0, smooth_dr=0.0).item(),
        praise=lambda: _("Shared is 1.5, the sizes are 2 and 2: 1 − 3/4."),
        mistakes=lambda: [
            (0.75, _("That is the Dice coefficient. The loss is 1 minus it.")),
            (0.625, _("You forgot the 2 in front of what is shared.")),
            (0.4, _("That divides by the union. Dice divides by the sum of the two sizes.")),
            (0.0, _("What is shared is the sum of the products p · t, and one of them is 0.5.")),
        ],
        hint=lambda: _("Add up p · t, then p, then t, and put the three sums into the formula."),
    ),
    "dice-empty-mask": Exercise(
        answer=lambda: (dice_of_empty_mask(1.0), dice_of_empty_mask(0.0)),
        praise=lambda: _("With s = 0 an empty mask costs 1, whatever is predicted."),
        mistakes=lambda: [
            ((0.0, 1.0), _("The predicted probabilities add up to 1. They stand below the line, beside d.")),
            ((0.5, 0.5), _("The first is right. With s = 0, what stands above the line?")),
            ((1.0, 0.5), _("Right numbers in the wrong order: s = 1 first.")),
            ((0.0, 0.0), _("Something is predicted, a little in each of the 100 pixels.")),
        ],
        hint=lambda: _("The sum of p is 1, and all sums with t are 0. Put them into the formula."),
        digits=1,
    ),
    "mend-dice": WrittenLoss("dice", {"smooth_nr": 1.0, "smooth_dr": 1.0}, names_the_slip=False),
    "distillation-batchmean": Exercise(
        answer=lambda: 0.12 * 20,
        praise=lambda: _("The mean divides by the 20 classes as well; batchmean divides by the samples alone."),
        mistakes=lambda: [
            (0.12 / 20, _("That makes it smaller still. Which of the two divides by more?")),
            (0.12, _("The two differ: one of them divides by the classes too.")),
        ],
        hint=lambda: _("The mean divides by samples times classes, batchmean by samples."),
        digits=1,
    ),
    "distillation-large-temperature": Exercise(
        answer=lambda: distillation_loss(
            torch.zeros(1, 2, dtype=torch.float64), torch.tensor([[2.0, 0.0]]).double(), temperature=1000.0
        ).item(),
        praise=lambda: _("Centered at 0 the teacher's logits are 1 and −1: half of the mean of 1 and 1."),
        mistakes=lambda: [
            (0.0, _("The divergence goes to 0, and T² makes up for it.")),
            (1.0, _("Half of that: the limit is half of the mean square.")),
            (2.0, _("Center the logits first: 2 and 0 become 1 and −1. Then take half of the mean square.")),
        ],
        hint=lambda: _("At a large T the loss is half of the mean square of the difference of the centered logits."),
        digits=1,
    ),
    "mend-distillation": WrittenLoss("distillation", takes=("temperature", "alpha"), names_the_slip=False),
    "nan-largest-square": Exercise(
        answer=largest_square,
        praise=lambda: _("256 times 256 is 65536, and float16 ends at 65504."),
        mistakes=lambda: [
            (256.0, _("256 times 256 is 65536. Where does float16 end?")),
            (65504.0, _("That is the largest number itself. Which number has it as its square, nearly?")),
            (
                181.0,
                _("That would be the end for 16 bits with a sign, 32767. A floating-point number has an exponent."),
            ),
        ],
        hint=lambda: _("Take the root of the largest number of float16, and round down."),
        digits=0,
    ),
    "nan-finite-gradients": Exercise(
        answer=finite_at_zero,
        praise=lambda: _("Only these two put a harmless number in before the root or the logarithm."),
        mistakes=lambda: [
            ("b", _("One more: the clamp comes before the logarithm.")),
            ("d", _("One more: the small number stands inside the root.")),
            ("bcd", _("The where protects the value of c. What arrives at its logarithm in the backward pass?")),
            ("abd", _("The root of a square is |x|, but its gradient is computed in two steps: ∞ times 0.")),
            ("abcd", _("Two of them multiply 0 by ∞ on the way back.")),
        ],
        hint=lambda: _("For each: is the slope of the root or the logarithm finite at the number that it gets?"),
    ),
    "mend-own-bce": WrittenLoss(
        "bce_with_logits",
        names_the_slip=False,
        plain=Plain(
            "logit, target",
            """
                p = 1 / (1 + math.exp(-logit))
                return -(target * math.log(p) + (1 - target) * math.log(1 - p))
            """,
        ),
    ),
    "repair-order": Repair("digits"),
    "repair-optimizer": Repair("digits"),
    "repair-softmax": Repair("digits"),
    "repair-detach": Repair("digits"),
    "repair-rounded": Repair("breast_cancer"),
    "repair-sum": Repair("digits"),
    "repair-columns": Repair("breast_cancer"),
    "repair-pairs": Repair("digits"),
    "repair-own-loss": WrittenLoss("cross_entropy", names_the_slip=False),
    "repair-weighted": WrittenLoss("cross_entropy", takes=("weight",), names_the_slip=False),
}
