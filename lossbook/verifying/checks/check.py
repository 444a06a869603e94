"""A check and its results: passed, failed with a finding, warning, not applicable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...language import gettext as _
from ...report import FAILED, PASSED, SKIPPED, WARNED, CheckResult, Finding
from ..examination import Examination, NotApplicable
from ..subject.state import TimeIsUp


@dataclass(frozen=True)
class Result:
    """The result of a check."""

    state: str
    why: str = ""
    finding: Finding | None = None


def passed(why: str = "") -> Result:
    return Result(PASSED, why)


def failed(finding: Finding) -> Result:
    return Result(FAILED, finding=finding)


def warned(why: str) -> Result:
    return Result(WARNED, why)


@dataclass(frozen=True)
class Check:
    """Looks at one promise that a loss should keep."""

    name: str  #: one word or two, for programs
    title: Callable[[], str]  #: for people, in the language of the moment
    look: Callable[[Examination], Result]  #: may raise NotApplicable

    def __call__(self, examination: Examination) -> CheckResult:
        try:
            result = self.look(examination)
        except NotApplicable as reason:
            result = Result(SKIPPED, str(reason))
        except TimeIsUp:
            result = Result(SKIPPED, _("no time left: the loss takes too long for so many calls"))
        return CheckResult(self.name, self.title(), result.state, result.why, result.finding)


def check(title: Callable[[], str], name: str = "") -> Callable[[Callable[[Examination], Result]], Check]:
    """Make a function a check, named as it is if not otherwise: ``@check(lambda: _("gradients there"))``."""
    return lambda look: Check(name or look.__name__.replace("_", " "), title, look)
