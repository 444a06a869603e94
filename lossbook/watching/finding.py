"""What `watch` tells people: one fault in the use of a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..language import Phrase, message
from ..language import gettext as _

CERTAIN, LIKELY = "certain", "likely"


class Told(Phrase):
    """What a rule has seen: a sentence with its numbers, and what to write instead."""

    def __init__(self, text: Phrase, instead: Phrase | None = None, *, likely: bool = False) -> None:
        super().__init__(text.text, **text.values)
        self.instead = instead  #: None where the sentence says it already
        self.likely = likely  #: whether this time the rule is less sure than it mostly is


@dataclass(frozen=True)
class Finding:
    """A fault in the use of a loss, in a sentence with numbers from the batch that shows it."""

    kind: str  #: which fault, one word for programs and for `ignore`, e.g. ``"softmax-before-cross-entropy"``
    told: Told
    certain: bool  #: seen in shape, range or graph; else in values, and only likely
    page: str  #: the page of the book that explains it
    call: int  #: at which call of the loss it was seen, counted from 1

    @property
    def sentence(self) -> str:
        """What is wrong, with the numbers that show it, in the current language."""
        return str(self.told).rstrip()  # a last sentence may be left out

    @property
    def certainty(self) -> str:
        """How sure it is, ``"certain"`` or ``"likely"``, in the current language; programs ask for `certain`."""
        return _("certain") if self.certain else _("likely")

    @property
    def evidence(self) -> dict[str, Any]:
        """The numbers and names in the sentence."""
        return {name: str(v) if isinstance(v, Phrase) else v for name, v in self.told.values.items()}

    @property
    def instead(self) -> str:
        """What to write instead, in the current language."""
        return "" if self.told.instead is None else str(self.told.instead)

    def __str__(self) -> str:
        return f"{self.sentence} {self.instead}".rstrip()


class MisusedLossError(RuntimeError):
    """What `watch(…, strict=True)` raises at the first fault that is certain."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{message(finding.told)} {finding.instead}".rstrip())
        self.finding = finding
