"""The exercises of the book: the right answer, computed, and a hint for each mistake that readers make.

One file a part of the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...guards.names import suggest
from ...language import Phrase, message
from ...language import gettext as _
from . import classification, custom_losses, first_losses, regression, similarity, training, what_is_a_loss
from .exercise import equal

PARTS = (what_is_a_loss, first_losses, training, regression, classification, similarity, custom_losses)
EXERCISES = {name: exercise for part in PARTS for name, exercise in part.EXERCISES.items()}


@dataclass(frozen=True)
class Verdict:
    """The result of `check`: true when the answer is right; prints as a sentence."""

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
        raise ValueError(
            message(
                "The book has no exercise {name!r}. {help}",
                name=name,
                help=suggest(name, EXERCISES, Phrase("There are:")),
            )
        )
    exercise = EXERCISES[name]
    if answer is ... or (isinstance(answer, (tuple, list)) and any(part is ... for part in answer)):
        return Verdict(False, _("No answer yet: put yours in place of the three dots and run the cell again."))
    if equal(answer, exercise.answer()):
        return Verdict(True, _("Right. {praise}").format(praise=exercise.praise()))
    for mistake, hint in exercise.mistakes():
        if equal(answer, mistake):
            return Verdict(False, _("Not yet. {hint}").format(hint=hint))
    return Verdict(False, _("Not yet. {hint}").format(hint=exercise.hint()))
