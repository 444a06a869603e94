"""An exercise whose answer is a number, a row of numbers or letters, and the judgment of an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...kit.text import number
from ...language import gettext as _
from .judgment import judged
from .verdict import Verdict, blank

Answer = float | tuple[float, ...] | str


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
        if isinstance(given, torch.Tensor):
            given = given.tolist()
        if given is ... or (isinstance(given, (tuple, list)) and any(part is ... for part in given)):
            return blank()
        return Verdict(*judged(given, self.data()))

    def data(self) -> dict[str, Any]:
        """All that the judgment needs, in the language of the moment, as JSON can hold it."""
        expected = self.answer()
        parts = expected if isinstance(expected, tuple) else (expected,)
        return {
            "answer": expected,
            "exact": ", ".join(part if isinstance(part, str) else number(part) for part in parts),
            "praise": self.praise(),
            "mistakes": self.mistakes(),
            "hint": self.hint(),
            "digits": self.digits,
            "said": {
                "right": _("Right. {praise}"),
                "rounded": _("Right, rounded from {exact}. {praise}"),
                "wrong": _("Not yet. {hint}"),
                "number": _("Give a number, not a text. Python computes it: math.log is the natural logarithm."),
                "close": _("Close, but not close enough. Digits wanted after the point: {n}."),
            },
        }
