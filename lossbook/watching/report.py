"""All that `watch` has found in the use of one loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..guards.names import suggest
from ..language import Phrase, message
from ..language import gettext as _
from ..report import quoted
from .finding import Finding
from .rules import CALL_RULES, TRAINING_RULES

_RULES = [*CALL_RULES, *TRAINING_RULES]
_PLACE = {rule.kind: place for place, rule in enumerate(_RULES)}
MOST = 3  #: findings that are told; who mends the first may find the others gone


class Report:
    """What is wrong in the use of a loss: true when nothing was found."""

    def __init__(self, loss: str) -> None:
        self.loss = loss  #: its name
        self.looks: list[Callable[[], None]] = []  #: see to it that the findings are those of this moment
        self.compiled = False  #: whether calls were compiled, so that nothing could be seen
        self.recorded = False  #: whether tensors held no numbers, or a graph was recorded
        self._found: dict[str, Finding] = {}
        self.ignored: set[str] = set()  #: kinds that nothing is told of

    @property
    def findings(self) -> list[Finding]:
        """What was found, the most certain first; of a cause and what follows from it the cause alone."""
        for look in self.looks:
            look()
        return told(self._found.values())

    def add(self, finding: Finding) -> bool:
        """Enter a finding. True where it is new, and should be told."""
        if finding.kind in self._found or finding.kind in self.ignored:
            return False
        self._found[finding.kind] = finding
        return finding in told(self._found.values())

    @property
    def notes(self) -> list[str]:
        """Why nothing could be seen, where that was so."""
        notes = []
        if self.compiled:
            notes.append(
                _("Calls inside of torch.compile were not watched. Compile the model alone, or watch without it.")
            )
        if self.recorded:
            notes.append(_("Calls under torch.func, vmap or tracing were not watched: their tensors hold no numbers."))
        return notes

    def ignore(self, kinds: Iterable[str]) -> None:
        """Tell nothing of these kinds, and take out what was found of them."""
        for kind in kinds:
            if kind not in _PLACE:
                raise ValueError(
                    message(
                        "watch knows no kind of finding {kind!r}. {help}",
                        kind=kind,
                        help=suggest(kind, list(_PLACE), Phrase("It knows")),
                    )
                )
            self.ignored.add(kind)
            self._found.pop(kind, None)

    def __bool__(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        return "\n".join([self._headline(), *(f"✗ {f} ({f.certainty}; {f.kind})" for f in self.findings), *self.notes])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        found = [f"- ✗ {quoted(f.sentence)} **{quoted(f.instead)}** ({f.certainty}; `{f.kind}`)" for f in self.findings]
        return "\n".join([quoted(self._headline()), "", *found, "", *self.notes]).rstrip()

    def _headline(self) -> str:
        if self.findings:
            return _("Something is wrong in how {loss} is used:").format(loss=self.loss)
        if not self.loss:
            return _("No loss of torch was seen.")
        return _("Nothing wrong was seen in the use of {loss}.").format(loss=self.loss)


def told(found: Iterable[Finding]) -> list[Finding]:
    """The findings to tell: causes, the most certain first; a symptom where there is no cause."""
    known = list(found)
    hidden = {kind for finding in known for kind in _RULES[_PLACE[finding.kind]].hides}
    ranked = sorted(known, key=lambda f: (not f.certain, _PLACE[f.kind]))
    shown = [finding for finding in ranked if finding.kind not in hidden]
    causes = [finding for finding in shown if not _RULES[_PLACE[finding.kind]].symptom]
    return causes[:MOST] if causes else shown[:1]
