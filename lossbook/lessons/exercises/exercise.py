"""An exercise whose answer is a number, a row of numbers or letters, and the judgment of an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...kit.text import number
from ...language import gettext as _
from .verdict import Verdict, blank, not_yet, right

Answer = float | tuple[float, ...] | str
FULL = 5e-5  # four digits after the point: nobody is told that such an answer is rounded


@dataclass(frozen=True)
class Exercise:
    """The right answer, usual wrong ones, and what to say to each. Texts are functions: the language may change later."""

    answer: Callable[[], Answer]
    praise: Callable[[], str]
    mistakes: Callable[[], list[tuple[Answer, str]]]  #: a wrong answer that readers give, and what to think about
    hint: Callable[[], str]  #: for every other wrong answer
    digits: int = 2  #: digits after the point that the page asks for

    def judge(self, given: Any) -> Verdict:
        """Right, right but rounded, a known mistake, too coarse, or wrong."""
        if given is ... or (isinstance(given, (tuple, list)) and any(part is ... for part in given)):
            return blank()
        expected = self.answer()
        if isinstance(given, str) and not isinstance(expected, str) and _numbers(given) is None:
            return not_yet(_("Give a number, not a text. Python computes it: math.log is the natural logarithm."))
        if self._agrees(given, expected):
            if isinstance(expected, str) or _apart(given, expected) <= FULL:
                return right(self.praise())
            exact = ", ".join(map(number, expected if isinstance(expected, tuple) else (expected,)))
            return Verdict(True, _("Right, rounded from {exact}. {praise}").format(exact=exact, praise=self.praise()))
        for mistake, hint in self.mistakes():
            if self._agrees(given, mistake):
                return not_yet(hint)
        if self.digits and not isinstance(expected, str) and _apart(given, expected) <= 10 * self._half():
            return not_yet(_("Close, but not close enough. Digits wanted after the point: {n}.").format(n=self.digits))
        return not_yet(self.hint())

    def _half(self) -> float:
        """Half of the last digit asked for, and a little for numbers such as 0.125 that no float holds exactly."""
        return 0.5 * 10**-self.digits + 1e-6

    def _agrees(self, given: Any, expected: Answer) -> bool:
        if isinstance(expected, str):
            letters = _letters(given)
            return letters == expected or (set(expected) <= set("abcd") and sorted(letters) == sorted(expected))
        return _apart(given, expected) <= self._half()


def _apart(given: Any, expected: float | tuple[float, ...]) -> float:
    """The largest difference between the numbers; infinite where there are others than asked for."""
    try:
        numbers = torch.as_tensor(_numbers(given) if isinstance(given, str) else given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return float("inf")
    wanted = torch.as_tensor(expected, dtype=torch.float64)
    if numbers.numel() != wanted.numel():
        return float("inf")
    return (numbers.detach().flatten() - wanted.flatten()).abs().nan_to_num(float("inf")).max().item()


def _numbers(text: str) -> list[float] | None:
    """ "1.386" and "(2, −6)" are numbers too; "ln 4" is not."""
    try:
        return [float(part) for part in re.split(r"[\s,;()]+", text.replace("−", "-")) if part]
    except ValueError:
        return None


def _letters(given: Any) -> str:
    """ "b, d", "b and d", ("b", "d") and "BD" are all "bd"."""
    parts = given if isinstance(given, (list, tuple)) else [given]
    text = " ".join(part for part in parts if isinstance(part, str)).lower()
    text = re.sub(r"(?<=\s)(and|và|e)(?=\s)|[和与]", "", text)
    return "".join(c for c in text if c.isalpha())
