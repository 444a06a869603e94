"""What `check` answers."""

from __future__ import annotations

from dataclasses import dataclass

from ...language import gettext as _
from ...report import quoted


@dataclass(frozen=True)
class Verdict:
    """The result of `check`: true when the answer is right; prints as a sentence, with facts below it."""

    right: bool
    message: str
    facts: tuple[str, ...] = ()  #: about a loss that a reader wrote: the smallest input that shows the fault, and so on

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return "\n".join((self.message, *self.facts))

    def _repr_markdown_(self) -> str:  # prose that wraps, on a page
        return "\n\n".join((self.message, *map(quoted, self.facts)))


def right(praise: str) -> Verdict:
    return Verdict(True, _("Right. {praise}").format(praise=praise))


def not_yet(hint: str, facts: tuple[str, ...] = ()) -> Verdict:
    return Verdict(False, _("Not yet. {hint}").format(hint=hint), facts)


def blank() -> Verdict:
    return Verdict(False, _("No answer yet: put yours in place of the three dots and run the cell again."))
