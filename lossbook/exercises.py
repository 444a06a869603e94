"""The exercises of the book: the right answer, computed, and a hint for each mistake that readers make."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from . import functional as lf
from .language import gettext as _

# Answers and wrong answers are numbers, rows of numbers or letters. Numbers count as equal to within half a percent.
Answer = float | tuple[float, ...] | str


@dataclass(frozen=True)
class Exercise:
    """What a reader is asked. Texts are functions, so that they come in the language of the moment."""

    answer: Callable[[], Answer]
    praise: Callable[[], str]
    mistakes: Callable[[], list[tuple[Answer, str]]]  #: a wrong answer that readers give, and what to think about
    hint: Callable[[], str]  #: for every other wrong answer


@dataclass(frozen=True)
class Verdict:
    """What `check` found: true when the answer is right; prints as a sentence."""

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return self.message

    _repr_markdown_ = __repr__  # prose that wraps, on a page


def check(name: str, answer: Any) -> Verdict:
    """Check the answer to an exercise of the book.

    Args:
        name: the exercise, as its page gives it.
        answer: a number, a row of numbers, a letter or several letters; ``...`` stands for no answer yet.

    Returns:
        A :class:`Verdict`: right or wrong, with a hint that fits the mistake.

    Raises:
        ValueError: there is no such exercise.

    >>> check("cross-entropy-by-hand", -1.386)
    Not yet. That is the logarithm itself. The loss is minus the logarithm, so that it is never negative.
    """
    if not isinstance(name, str) or name not in EXERCISES:
        nearest = difflib.get_close_matches(str(name), EXERCISES, n=1)
        advice = f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(EXERCISES)}."
        raise ValueError(f"The book has no exercise {name!r}. {advice}")
    exercise = EXERCISES[name]
    if answer is ... or (isinstance(answer, (tuple, list)) and any(part is ... for part in answer)):
        return Verdict(False, _("No answer yet: put yours in place of the three dots and run the cell again."))
    if _equal(answer, exercise.answer()):
        return Verdict(True, _("Right. {praise}").format(praise=exercise.praise()))
    for mistake, hint in exercise.mistakes():
        if _equal(answer, mistake):
            return Verdict(False, _("Not yet. {hint}").format(hint=hint))
    return Verdict(False, _("Not yet. {hint}").format(hint=exercise.hint()))


def _equal(given: Any, expected: Answer) -> bool:
    if isinstance(expected, str):
        letters = _letters(given)
        return letters == expected or (set(expected) <= set("abcd") and sorted(letters) == sorted(expected))
    if isinstance(given, str):  # "1.386" and "2, 6" are numbers too
        given = [float(digits) for digits in re.findall(r"-?\d+\.?\d*", given.replace("−", "-"))]
    try:
        numbers = torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return False
    right = torch.as_tensor(expected, dtype=torch.float64)
    return numbers.numel() == right.numel() and torch.allclose(numbers.flatten(), right.flatten(), rtol=5e-3, atol=1e-6)


def _letters(given: Any) -> str:
    """ "b, d", ("b", "d") and "BD" are all "bd"."""
    parts = given if isinstance(given, (list, tuple)) else [given]
    return "".join(c for part in parts if isinstance(part, str) for c in part.lower() if c.isalpha())


ERRORS = torch.tensor([1.0, -1.0, 4.0])
NOTHING = torch.zeros(3)

EXERCISES = {
    "same-accuracy": Exercise(
        answer=lambda: "a",
        praise=lambda: _("One confident mistake, −ln 0.0005 = 7.6, outweighs three excellent answers."),
        mistakes=lambda: [
            ("equal", _("Accuracy only asks whether p is above 0.5. The loss asks how far.")),
            (
                "b",
                _(
                    "Find the worst sample of each model first: what is −ln 0.0005? "
                    "And take the logarithm of each p before the mean, not after it."
                ),
            ),
        ],
        hint=lambda: _('Answer "a", "b" or "equal".'),
    ),
    "l1-and-mse": Exercise(
        answer=lambda: (float(lf.l1_loss(ERRORS, NOTHING)), float(lf.mse_loss(ERRORS, NOTHING))),
        praise=lambda: _("The error 4 makes up two thirds of the L1 loss and eight ninths of the MSE."),
        mistakes=lambda: [
            (
                (float(ERRORS.abs().sum()), float(ERRORS.square().sum())),
                _("Those are the sums. The mean divides them by the number of errors, 3."),
            ),
            (
                (float(ERRORS.abs().mean()), float(ERRORS.abs().mean().square())),
                _("L1 is right. For MSE square each error first, then take the mean."),
            ),
            (
                (float(ERRORS.mean().abs()), float(ERRORS.square().mean())),
                _("MSE is right. For L1 take the absolute value of each error before the mean, or 1 and −1 cancel."),
            ),
            (
                (float(ERRORS.square().mean()), float(ERRORS.abs().mean())),
                _("Both numbers are right, in the wrong order: L1 first, then MSE."),
            ),
        ],
        hint=lambda: _("Write down the three absolute errors and the three squares; then take the mean of each row."),
    ),
    "same-softmax": Exercise(
        answer=lambda: "bd",
        praise=lambda: _("Only differences count: adding one number to all logits cancels in the fraction."),
        mistakes=lambda: [
            ("b", _("There is one more. Does the size of the number added to all logits matter?")),
            ("d", _("There is one more. A number can also be taken away from all logits.")),
            (
                "a",
                _("Differences count, not ratios: [2, 4, 6] has gaps of 2, so its largest probability is larger."),
            ),
            ("abd", _("b and d are right. But [2, 4, 6] has gaps of 2, not 1: ratios of logits mean nothing.")),
            ("bcd", _("b and d are right. In c the same numbers stand in another order, and so do the probabilities.")),
            ("abcd", _("Compute softmax of [2, 4, 6] first: are the gaps between its logits the same?")),
        ],
        hint=lambda: _("Subtract the first logit from each row. Which rows become [0, 1, 2]?"),
    ),
    "cross-entropy-by-hand": Exercise(
        answer=lambda: float(lf.cross_entropy(torch.tensor([0.0, math.log(3.0)]), torch.tensor(0))),
        praise=lambda: _("The probability is 1/4, and −ln 1/4 = ln 4."),
        mistakes=lambda: [
            (
                -math.log(4),
                _("That is the logarithm itself. The loss is minus the logarithm, so that it is never negative."),
            ),
            (0.25, _("That is the probability of class 0. The loss is minus its logarithm.")),
            (math.log(4 / 3), _("That is the loss if class 1 were the true one. Classes count from 0.")),
            (2.0, _("That is the logarithm to base 2. PyTorch takes the natural one, ln.")),
        ],
        hint=lambda: _("exp(0) = 1 and exp(ln 3) = 3. What is the share of class 0 in their sum?"),
    ),
}
