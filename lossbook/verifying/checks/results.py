"""How a check ends: passed, failed with a finding, or not applicable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...report import FAILED, PASSED, SKIPPED, CheckResult, Finding, written
from ..compare import Trial, close, fault_of, try_on
from ..diagnosis.diagnose import diagnose
from ..examination import Examination
from ..smallest import smallest
from ..subject.call import Outcome


def failed(name: str, title: str, finding: Finding) -> CheckResult:
    return CheckResult(name, title, FAILED, "", finding)


def passed(name: str, title: str, why: str = "") -> CheckResult:
    return CheckResult(name, title, PASSED, why)


def skipped(name: str, title: str, why: str) -> CheckResult:
    return CheckResult(name, title, SKIPPED, why)


def finding(
    e: Examination,
    trials: Sequence[Trial],
    fault: str,
    loss: Callable | None = None,
    losses: Sequence[Callable] | None = None,
    settings: dict[str, Any] | None = None,
) -> Finding:
    """A sentence, the smallest input, what came and what should have come, and the diagnosis."""
    loss, losses = loss or e.loss, losses or e.losses
    first = min(trials, key=lambda t: sum(x.numel() for x in t.batch.tensors))

    def fails(batch: Batch) -> bool:
        trial = try_on(loss, losses, batch, e.wrt)
        return fault_of(trial, losses, e.wrt, e.tolerance) == fault

    small = try_on(loss, losses, smallest(first.batch, fails), e.wrt) if fault != "hang" else first
    got, wanted = told(small, fault, e)
    found = diagnose(e, trials, fault, settings or {})
    return Finding(
        sentence(small, fault), small.batch.tensors, settings or e.reference.settings, got, wanted,
        found.says, found.line, found.page,
    )  # fmt: skip


def sentence(trial: Trial, fault: str) -> str:
    """What is wrong, for a student."""
    where = place(trial.batch)
    error = trial.got.error or trial.got.backward_error
    said = (
        f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}" if error else ""
    )
    return {
        "value": _("The loss gives another number than the right one ({where})."),
        "not finite": _("The loss is not finite where the right one is ({where})."),
        "shape": _("The result has another shape than it should have ({where})."),
        "no tensor": _("The loss returns no tensor, so no gradient can flow back."),
        "error": _("The loss raises an error on input that it should take ({where}): {said}"),
        "backward error": _("The backward pass raises an error ({where}): {said}"),
        "graph cut": _("No gradient reaches the prediction, so nothing can be learned."),
        "gradient": _("The value is right, its gradient is not ({where})."),
        "gradient not finite": _(
            "The value is finite, its gradient is NaN or infinite ({where}): one such batch destroys all weights."
        ),
        "printed": _("The loss prints something each time it is called."),
        "hang": _("The loss does not end: the call took too long."),
    }[fault].format(where=where, said=said)


def place(batch: Batch) -> str:
    """What is special about a batch, for a sentence that puts it into parentheses."""
    where = batch.name or batch.form
    return where[1:-1] if where.startswith("(") and where.endswith(")") else where


def told(trial: Trial, fault: str, e: Examination) -> tuple[str, str]:
    """What came, and what should have come."""
    right = trial.best if trial.right else Outcome()
    if fault in ("gradient", "gradient not finite", "graph cut"):
        for k, _i in enumerate(e.wrt):
            mine, want = trial.got.gradients[k] if trial.got.gradients else None, right.gradients[k]
            if want is None:
                continue
            if mine is None or not close(mine, want, e.tolerance):
                name = _("gradient {gradient}")
                return (
                    name.format(gradient=_("none") if mine is None else written(mine)),
                    name.format(gradient=written(want)),
                )
    if fault in ("value", "not finite", "shape") and trial.got.value is not None:
        return written(trial.got.value.double()), written(right.value)
    if fault == "no tensor":
        return type(trial.got.result).__name__, written(right.value) if right.value is not None else _("a tensor")
    return "", ""


def judged(name: str, title: str, e: Examination, trials: Sequence[Trial], only: set[str] | None = None) -> CheckResult:
    """Whether the loss is right on these batches."""
    if not trials:
        return skipped(name, title, _("no such input"))
    every = [(t, e.fault(t)) for t in trials]
    faults = [(t, f) for t, f in every if f and (only is None or f in only)]
    if not faults and all(f for _t, f in every):  # nothing can be said of gradients where each value is wrong
        return skipped(name, title, _("the value is not right there"))
    if not faults:
        return passed(name, title, _("{n} batches").format(n=len(trials)))
    fault = faults[0][1]
    return failed(name, title, finding(e, [t for t, f in faults if f == fault], fault))
