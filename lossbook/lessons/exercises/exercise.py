"""An exercise, and the comparison of an answer with the right one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

# Answers and wrong answers are numbers, rows of numbers or letters. Numbers count as equal to within half a percent.
Answer = float | tuple[float, ...] | str


@dataclass(frozen=True)
class Exercise:
    """The right answer, usual wrong ones, and what to say to each. Texts are functions: the language may change later."""

    answer: Callable[[], Answer]
    praise: Callable[[], str]
    mistakes: Callable[[], list[tuple[Answer, str]]]  #: a wrong answer that readers give, and what to think about
    hint: Callable[[], str]  #: for every other wrong answer


def equal(given: Any, expected: Answer) -> bool:
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
