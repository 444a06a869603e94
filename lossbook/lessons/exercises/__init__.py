"""The exercises of the book: the right answer, computed, and a hint for each mistake that readers make.

One file a part of the book. A loss that the reader writes or mends is judged by `verify`, a training that the reader mends
by `watch` and by what its model has learned.
"""

from __future__ import annotations

from typing import Any

from ...guards.names import suggest
from ...language import Phrase, message
from . import (
    classification,
    custom_losses,
    first_losses,
    margins,
    noise_and_counts,
    practice_boxes,
    practice_classes,
    practice_embeddings,
    practice_language,
    practice_regression,
    practice_workers,
    regression,
    sequences_and_many_classes,
    similarity,
    training,
    watching,
    what_is_a_loss,
)
from .exercise import Exercise
from .repair import Repair
from .verdict import Verdict
from .written_loss import WrittenLoss

__all__ = ["EXERCISES", "PARTS", "Verdict", "check"]

PARTS = (
    what_is_a_loss,
    first_losses,
    training,
    regression,
    classification,
    similarity,
    custom_losses,
    margins,
    noise_and_counts,
    sequences_and_many_classes,
    practice_boxes,
    practice_classes,
    practice_embeddings,
    practice_language,
    practice_regression,
    practice_workers,
    watching,
)
EXERCISES: dict[str, Exercise | WrittenLoss | Repair] = {
    name: exercise for part in PARTS for name, exercise in part.EXERCISES.items()
}


def check(name: str, answer: Any) -> Verdict:
    """Check the answer to an exercise of the book.

    Args:
        name: the exercise, as its page gives it.
        answer: a number, a row of numbers, a letter or several letters, a loss, or a training; ``...`` stands for no answer
            yet.

    Returns:
        A :class:`Verdict`: right or wrong, with a hint that fits the mistake. A right number may be rounded to the
        digits that the page asks for. A loss is judged by :func:`verify`.

    Raises:
        ValueError: there is no such exercise.

    >>> check("cross-entropy-by-hand", -1.386)
    Not yet. That is the logarithm itself. The loss is minus the logarithm, so that it is never negative.
    >>> check("cross-entropy-by-hand", 1.39)
    Right, rounded from 1.3863. The probability is 1/4, and −ln 1/4 = ln 4.
    """
    if not isinstance(name, str) or name not in EXERCISES:
        raise ValueError(
            message(
                "The book has no exercise {name!r}. {help}",
                name=name,
                help=suggest(name, EXERCISES, Phrase("There are:")),
            )
        )
    return EXERCISES[name].judge(answer)
