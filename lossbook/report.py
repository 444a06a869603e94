"""Findings of `verify` for people: as text, and as Markdown in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .kit.text import number
from .language import gettext as _
from .plain_text import width

PASSED, FAILED, SKIPPED, WARNED = "passed", "failed", "not applicable", "warning"
MARKS = {PASSED: "✓", FAILED: "✗", SKIPPED: "–", WARNED: "!"}


@dataclass(frozen=True)
class Finding:
    """A fault, with the smallest input that shows it."""

    says: str  #: what is wrong, in a sentence
    inputs: tuple[Tensor, ...] = ()  #: the smallest input that shows it
    settings: dict[str, Any] | None = None
    got: str = ""  #: what came
    wanted: str = ""  #: what should have come
    diagnosis: str = ""  #: which slip gives the same numbers, where one was found
    line: str = ""  #: the line of the source to look at
    page: str = ""  #: the page of the book that explains it

    def __str__(self) -> str:
        lines = [self.says]
        if self.inputs:
            arguments = arguments_text(self.inputs, self.settings or {})
            lines.append(_("smallest input: {arguments}").format(arguments=arguments))
        if self.got:
            lines.append(_("got {got}, should be {wanted}").format(got=self.got, wanted=self.wanted))
        if self.diagnosis:
            lines.append(_("diagnosis: {diagnosis}").format(diagnosis=self.diagnosis))
        if self.line:
            lines.append(_("look at: {line}").format(line=self.line))
        if self.page:
            lines.append(_("read: {page}").format(page=self.page))
        return "\n".join(lines)


@dataclass(frozen=True)
class CheckResult:
    """One thing that was looked at."""

    name: str  #: one word, for programs
    title: str  #: for people
    state: str  #: "passed", "failed", "not applicable" or "warning"
    why: str = ""
    finding: Finding | None = None


@dataclass(frozen=True)
class Report:
    """The results of `verify`: true when nothing failed."""

    loss: str
    like: str
    checks: tuple[CheckResult, ...]
    handed: str = ""  #: what the loss was handed, where that was not torch's way on the catalogue's inputs

    def __bool__(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        return tuple(check for check in self.checks if check.state == FAILED)

    @property
    def diagnosis(self) -> str:
        """The first diagnosis that was made; empty where there is none."""
        # A loss that keeps state or draws random numbers fails other checks too, and this is the reason.
        first = sorted(self.failures, key=lambda check: check.name != "repeatable")
        return next((c.finding.diagnosis for c in first if c.finding and c.finding.diagnosis), "")

    @property
    def ran(self) -> bool:
        """True if the loss could be called, so that its numbers were checked."""
        return len(self.checks) > 2

    def raise_on_failure(self) -> None:
        """Raise an AssertionError with the whole report if a check failed."""
        if not self:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        return self._table(self.checks)

    def in_short(self) -> str:
        """The report without the checks that passed or do not apply."""
        return self._table(tuple(check for check in self.checks if check.state in (FAILED, WARNED)))

    def _table(self, checks: tuple[CheckResult, ...]) -> str:
        widest = max((width(check.title) for check in checks), default=0)
        lines = [self._headline(), *filter(None, [self.handed])]
        for check in checks:
            title = check.title + " " * (widest - width(check.title))
            lines.append(f"{MARKS[check.state]} {title}  {self._state(check)}".rstrip())
            if check.finding:
                lines += [f"    {line}" for line in str(check.finding).splitlines()]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        rows = "\n".join(f"| {MARKS[c.state]} | {c.title} | {self._state(c)} |" for c in self.checks)
        check, result = _("check"), _("result")
        table = f"|  | {check} | {result} |\n|---|---|---|\n{rows}"
        findings = "\n\n".join(
            f"**{c.title}**\n\n" + "\n\n".join(quoted(line) for line in str(c.finding).splitlines())
            for c in self.checks
            if c.finding
        )
        return "\n\n".join(part for part in (self._headline(), quoted(self.handed), table, findings) if part)

    def _headline(self) -> str:
        names = {"loss": self.loss, "like": self.like}
        if not self.like:
            if not self:
                return _("{loss} has a fault.").format(**names)
            marked = any(check.state == WARNED for check in self.checks)
            return (
                _("{loss} has no fault that is certain. Look at what is marked.").format(**names)
                if marked
                else _("{loss} shows no fault.").format(**names)
            )
        if self:
            return _("{loss} agrees with {like}.").format(**names)
        return _("{loss} does not agree with {like}.").format(**names)

    @staticmethod
    def _state(check: CheckResult) -> str:
        return (
            check.why
            or {PASSED: _("passed"), FAILED: _("failed"), SKIPPED: _("not applicable"), WARNED: _("warning")}[
                check.state
            ]
        )


def quoted(line: str) -> str:
    """Escape a line, so that Markdown takes no character of it for markup."""
    return "".join(f"\\{c}" if c in "*_[]|`$<" else c for c in line)


def arguments_text(inputs: Sequence[Tensor], settings: Mapping[str, Any]) -> str:
    """The arguments of a call."""
    named = [f"{k}={tensor_text(v) if isinstance(v, Tensor) else repr(v)}" for k, v in settings.items()]
    return ", ".join([*map(tensor_text, inputs), *named])


def tensor_text(tensor: Tensor, most: int = 24) -> str:
    """A small tensor as nested lists; a large one by its shape."""
    if tensor.numel() > most:
        return _("a tensor of shape {shape}").format(shape=tuple(tensor.shape))

    def nested(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(nested(v) for v in value)}]"
        return number(value) if isinstance(value, float) else str(value)

    return nested(tensor.tolist())
