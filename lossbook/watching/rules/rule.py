"""A rule: one fault that `watch` knows, and how it is seen. Each family of rules is a file beside this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...language import Phrase
from ..finding import CERTAIN, LIKELY, Finding, Told
from ..observation import NothingToSee

#: Looks at a call or at a training and says what is wrong; None where it sees nothing.
Look = Callable[[Any], Told | None]


@dataclass(frozen=True)
class Rule:
    """One fault, and the function that sees it."""

    kind: str
    title: Phrase  #: the fault in a few words, for the list of all that `watch` knows
    look: Look
    page: str
    certainty: str
    symptom: bool  #: whether it only says what went wrong, so that nobody needs it beside a cause
    hides: tuple[str, ...]  #: kinds that follow from this one

    def see(self, subject: Any) -> Told | None:
        """Look, where there is something to look at."""
        try:
            return self.look(subject)
        except NothingToSee:
            return None

    def finding(self, told: Told, call: int) -> Finding:
        return Finding(self.kind, told, self.certainty == CERTAIN and not told.likely, self.page, call)


CALL_RULES: list[Rule] = []  #: look at one call, an `observation.Call`
TRAINING_RULES: list[Rule] = []  #: look at what happened since the first call, a `training.Training`


def _registering(rules: list[Rule]) -> Callable[..., Callable[[Look], Look]]:
    def register(
        kind: str, title: Phrase, *, page: str, likely: bool = False, symptom: bool = False, hides: tuple[str, ...] = ()
    ):
        def enter(look: Look) -> Look:
            rules.append(Rule(kind, title, look, page, LIKELY if likely else CERTAIN, symptom, hides))
            return look

        return enter

    return register


#: Enter a rule that looks at one call.
in_call = _registering(CALL_RULES)
#: Enter a rule that looks at the training so far.
in_training = _registering(TRAINING_RULES)
