"""The exercises of the pages on soft margin, multi-margin, multi-label margin and multi-label soft margin."""

from __future__ import annotations

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss

SCORES, SIGNS = torch.tensor([2.0, 2.0]), torch.tensor([1.0, -1.0])
FAULTY_SCORES, YES_NO = torch.tensor([3.0, 1.0, -2.0, 2.0]), torch.tensor([1.0, 0.0, 0.0, 0.0])
THREE, FOUR = torch.tensor([2.0, 1.75, -1.0]), torch.tensor([1.0, 0.5, 0.25, -2.0])
TAGS = torch.tensor([2.0, 0.5, 1.0, -1.0])
HOLIDAY, MULTI_HOT = torch.tensor([[0.5, 2.0, 0.25, 1.0]]), torch.tensor([[0, 1, 0, 1]])
LOGITS, LABELS = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])
SAME_LISTS = {
    "a": [0, 3, -1, -1],
    "b": [3, 0, -1, 1],
    "c": [1, 0, 0, 1],
    "d": [-1, 3, 0, -1],
    "e": [3, 0, 0, -1],
}


def slopes(loss: str, scores: torch.Tensor, target: torch.Tensor) -> tuple[float, ...]:
    """The gradient of the summed loss with respect to each score."""
    x = scores.double().requires_grad_()
    total = getattr(lf, loss)(x, target, reduction="sum")
    return tuple(torch.autograd.grad(total, x)[0].tolist())


def same_as_the_list() -> str:
    """The targets whose loss is that of the classes 3 and 0, whatever the scores."""
    scores = torch.randn(8, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def losses(target: list[int]) -> torch.Tensor:
        return lf.multilabel_margin_loss(scores, torch.tensor([target]).expand(8, 4), reduction="none")

    return "".join(letter for letter, t in SAME_LISTS.items() if torch.equal(losses(t), losses([3, 0, -1, -1])))


def ranked(target: list[int]) -> float:
    return float(lf.multilabel_margin_loss(TAGS, torch.tensor(target)))


def zero_logits(reduction: str) -> float:
    return float(lf.multilabel_soft_margin_loss(torch.zeros(8, 20), torch.ones(8, 20), reduction=reduction))


EXERCISES = {
    "soft-margin-by-hand": Exercise(
        answer=lambda: float(lf.soft_margin_loss(SCORES, SIGNS)),
        praise=lambda: _("ln (1 + e⁻²) and ln (1 + e²), halved. The two losses differ by the score, 2."),
        mistakes=lambda: [
            (
                float(lf.soft_margin_loss(SCORES, SIGNS, reduction="sum")),
                _("That is the sum. The default is the mean."),
            ),
            (float(lf.soft_margin_loss(SCORES, torch.ones(2))), _("The second label is −1: its exponent is +2.")),
            (1.5, _("That is the mean of the hinge, max(0, 1 − y x). The soft margin is a logarithm.")),
        ],
        hint=lambda: _("The two exponents are −2 and +2. Take ln (1 + e to that power) of each, then the mean."),
    ),
    "soft-margin-slopes": Exercise(
        answer=lambda: slopes("soft_margin_loss", torch.tensor([-100.0, 0.0, 100.0]), torch.ones(3)),
        praise=lambda: _(
            "The slope runs from −1 to 0 and is never larger in size: a gross mistake pulls with the force 1."
        ),
        mistakes=lambda: [
            ((1.0, 0.5, 0.0), _("The sizes are right. The label is 1: a larger score makes the loss smaller.")),
            ((100.0, 0.69, 0.0), _("Those are the losses. The question is how they change with the score.")),
            ((0.0, -0.5, -1.0), _("The wrong end: a score of 100 with the label 1 is right, and nothing pulls.")),
            ((-1.0, 0.0, 0.0), _("The two ends are right. At 0 the model is undecided, and the sigmoid is ½.")),
        ],
        hint=lambda: _("The slope is −y times the sigmoid of −y x. What is the sigmoid of 100, of 0, of −100?"),
    ),
    "labels-for-soft-margin": Exercise(
        answer=lambda: float(lf.soft_margin_loss(FAULTY_SCORES, 2 * YES_NO - 1)),
        praise=lambda: _("The scores 1 and 2 are wrong answers now, as they should be."),
        mistakes=lambda: [
            (
                float(lf.soft_margin_loss(FAULTY_SCORES, YES_NO)),
                _("That is the loss as it was. Which labels does SoftMarginLoss know?"),
            ),
            (
                float(lf.soft_margin_loss(FAULTY_SCORES, 1 - 2 * YES_NO)),
                _("The labels are the wrong way round: 1 must stay 1, and 0 become −1."),
            ),
        ],
        hint=lambda: _("With the label 0 the score drops out of the formula. Turn 0 into −1."),
    ),
    "write-soft-margin": WrittenLoss("soft_margin", takes=("reduction",), plain=Plain("score, label")),
    "multi-margin-of-three": Exercise(
        answer=lambda: float(lf.multi_margin_loss(THREE, torch.tensor(0))),
        praise=lambda: _("Only class 1 comes too close, by 0.75; the sum is divided by all three classes."),
        mistakes=lambda: [
            (0.75, _("That is the sum of the hinges. PyTorch divides it by the number of classes.")),
            (0.375, _("Divide by all classes, the true one included.")),
            (1.75 / 3, _("The true class is not compared with itself.")),
            (0.0, _("The true class leads, but by less than the margin of 1.")),
        ],
        hint=lambda: _("By how much does each other class miss the distance of 1 to the score 2? Then divide by 3."),
    ),
    "multi-margin-slopes": Exercise(
        answer=lambda: slopes("multi_margin_loss", FOUR, torch.tensor(0)),
        praise=lambda: _("Each class that comes too close pulls with 1/4, and the true class feels them all."),
        mistakes=lambda: [
            ((-2.0, 1.0, 1.0, 0.0), _("Right before the division: the loss divides by the 4 classes.")),
            ((-0.25, 0.25, 0.25, 0.0), _("The true class stands in every hinge: two of them pull at it.")),
            ((-0.75, 0.25, 0.25, 0.25), _("The last class lies 3 below the true one, more than the margin.")),
            ((0.5, -0.25, -0.25, 0.0), _("The sizes are right. Raising the true score makes the loss smaller.")),
            (
                (-0.25, 0.25, 0.0, 0.0),
                _("That takes the closest rival only. Here every class that is too close counts."),
            ),
        ],
        hint=lambda: _(
            "Which hinges are above 0? Each has the slope 1 for the other class, −1 for the true one, over 4."
        ),
    ),
    "mend-multi-margin-classes": WrittenLoss(
        "multi_margin",
        names_the_slip=False,
        plain=Plain(
            "scores, target",
            """
                hinges = [max(0, 1 - scores[target] + score) for score in scores]
                return sum(hinges) / len(hinges)
            """,
        ),
    ),
    "write-multi-margin": WrittenLoss("multi_margin", takes=("p", "margin"), plain=Plain("scores, target")),
    "multilabel-margin-by-hand": Exercise(
        answer=lambda: ranked([0, 1, -1, -1]),
        praise=lambda: _("Of the four pairs only 0.5 against 1 falls short: by 1.5. Divided by the 4 classes."),
        mistakes=lambda: [
            (1.5, _("That is the sum of the hinges. It is divided by the number of classes, 4.")),
            (1.5 / 2, _("Divide by the number of classes, not by that of the true ones.")),
            (
                ranked([1, -1, -1, -1]),
                _("You compared the true classes with each other too. True ones are compared with the others only."),
            ),
        ],
        hint=lambda: _("Two true classes and two others make four pairs. By how much does each miss the lead of 1?"),
        digits=3,
    ),
    "same-list": Exercise(
        answer=same_as_the_list,
        praise=lambda: _("Order does not matter, and what comes after the first −1 does not count."),
        mistakes=lambda: [
            ("a", _("There is one more. What becomes of the 1 behind the −1 in b?")),
            ("b", _("There is one more. Does the order of the true classes matter?")),
            ("abc", _("c is no list of 0 and 3: it holds the numbers 1, 0, 0, 1, so the classes 1 and 0, twice.")),
            ("abd", _("In d the −1 stands first: no class is true at all.")),
            ("abe", _("In e class 0 stands twice. It is counted twice.")),
            ("ae", _("In e class 0 stands twice, and is counted twice. And there is one more.")),
        ],
        hint=lambda: _("Read each row from the left until the first −1. Which classes have you read, and how often?"),
    ),
    "multi-hot-to-list": Exercise(
        answer=lambda: float(lf.multilabel_margin_loss(HOLIDAY, torch.tensor([[1, 3, -1, -1]]))),
        praise=lambda: _("The classes 1 and 3 are true. The score 1 leads 0.5 and 0.25 by less than 1."),
        mistakes=lambda: [
            (
                float(lf.multilabel_margin_loss(HOLIDAY, MULTI_HOT)),
                _("That is the loss as it was. The target must be the list of the true classes, ended by −1."),
            ),
            (
                float(lf.multilabel_margin_loss(HOLIDAY, torch.tensor([[1, 3, 0, 0]]))),
                _("Fill the rest of the row with −1. A 0 is a class number."),
            ),
            (
                float(lf.multilabel_margin_loss(HOLIDAY, torch.tensor([[-1, 1, -1, 3]]))),
                _("The true classes come first: the first −1 ends the list."),
            ),
        ],
        hint=lambda: _(
            "Which columns of the table hold a 1? Those numbers are the list; −1 fills the rest of the row."
        ),
    ),
    "write-multilabel-margin": WrittenLoss("multilabel_margin", plain=Plain("scores, target")),
    "multilabel-soft-margin-by-hand": Exercise(
        answer=lambda: float(lf.multilabel_soft_margin_loss(LOGITS, LABELS)),
        praise=lambda: _("ln 2 for the undecided yes, ln (1 + e²) for the wrong one, halved."),
        mistakes=lambda: [
            (
                2 * float(lf.multilabel_soft_margin_loss(LOGITS, LABELS)),
                _("That is the sum over the classes. The loss is their mean."),
            ),
            (
                float(lf.multilabel_soft_margin_loss(LOGITS, torch.ones(1, 2))),
                _("The second label is 0: its exponent is +2."),
            ),
            (
                float(torch.nn.functional.cross_entropy(LOGITS, torch.tensor([0]))),
                _("That is the cross-entropy of a softmax. Here each class is a question of its own."),
            ),
        ],
        hint=lambda: _("ln (1 + e⁻ˣ) where the label is 1, ln (1 + eˣ) where it is 0, then the mean of the two."),
    ),
    "sum-of-multilabel": Exercise(
        answer=lambda: (zero_logits("mean"), zero_logits("sum")),
        praise=lambda: _("The sum runs over the pictures. Each picture's loss is a mean over its classes already."),
        mistakes=lambda: [
            (
                (zero_logits("mean"), 20 * zero_logits("sum")),
                _("That is the sum of BCE with logits. Classes are averaged."),
            ),
            ((zero_logits("mean"), zero_logits("mean")), _("The sum adds the losses of the 8 pictures.")),
            (
                (20 * zero_logits("mean"), 20 * zero_logits("sum")),
                _("Inside a picture the classes are averaged, not added."),
            ),
        ],
        hint=lambda: _("Each of the 160 elements is ln 2. What is the loss of one picture, and what does the sum add?"),
    ),
    "mend-multilabel": WrittenLoss("multilabel_soft_margin", names_the_slip=False),
    "write-multilabel-soft-margin": WrittenLoss(
        "multilabel_soft_margin", takes=("weight",), plain=Plain("logits, labels")
    ),
}
