"""Checks of what comes out: value and gradient, for every form of input and every setting."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from ...language import gettext as _
from ...report import CheckResult, Finding
from ..compare import Trial, fault_of, try_on
from ..examination import Examination
from .results import failed, finding, judged, passed, sentence, skipped

VALUE = {"value", "not finite", "shape", "no tensor"}
GRADIENT = {"gradient", "gradient not finite", "graph cut", "backward error"}


def calls(e: Examination) -> CheckResult:
    name, title = "calls", _("can be called")
    tried = [t for t in e.trials if not t.batch.base]
    if e.hangs:
        trial = e.trials[-1]
        return failed(name, title, Finding(sentence(trial, "hang"), trial.batch.tensors))
    printed = next((t for t in e.trials if t.got.printed), None)
    if printed:
        return failed(name, title, Finding(sentence(printed, "printed"), printed.batch.tensors))
    if tried and not any(t.got.works for t in tried) and any(t.got.error is None for t in tried):
        trial = next(t for t in tried if t.got.error is None)
        return failed(name, title, finding(e, [trial], "no tensor"))
    if tried and all(t.got.error is not None for t in tried):
        if not tried[0].right:
            return failed(name, title, Finding(sentence(tried[0], "error"), tried[0].batch.tensors))
        found = finding(e, tried[:1], "error")
        return failed(name, title, replace(found, line=_raised(e, tried[0])))
    wrong = [t for t in e.ordinary() if e.fault(t) == "error"]
    if wrong:
        return failed(name, title, finding(e, wrong, "error"))
    forms = ", ".join(e.refused)
    why = _("does not take {forms}").format(forms=forms) if forms else ""
    return passed(name, title, why)


def _raised(e: Examination, trial: Trial) -> str:
    """The line of the loss where the error came up."""
    error, found = trial.got.error, ""
    trace = error.__traceback__
    try:
        home = inspect.getsourcefile(type(e.candidate.loss).forward if e.candidate.is_module else e.candidate.loss)
        while trace:
            if trace.tb_frame.f_code.co_filename == home:
                line = inspect.getsourcelines(trace.tb_frame)
                found = f"{trace.tb_lineno}: {line[0][trace.tb_lineno - line[1]].strip()}"
            trace = trace.tb_next
    except (TypeError, OSError, IndexError):
        return ""
    return found


def value(e: Examination) -> CheckResult:
    return judged("value", _("value"), e, [t for t in e.ordinary() if t.batch.form == _main(e)], VALUE)


def gradient(e: Examination) -> CheckResult:
    return judged("gradient", _("gradient"), e, [t for t in e.ordinary() if t.batch.form == _main(e)], GRADIENT)


def forms(e: Examination) -> CheckResult:
    others = [t for t in e.ordinary() if t.batch.form != _main(e)]
    return judged("forms", _("other shapes of input"), e, others, VALUE | GRADIENT | {"error"})


def edges(e: Examination) -> CheckResult:
    return judged("edges", _("values where losses break"), e, e.edges(), VALUE | {"error"})


def edge_gradients(e: Examination) -> CheckResult:
    return judged("edge gradients", _("gradients there"), e, e.edges(), GRADIENT)


def _main(e: Examination) -> str:
    """The form of input that the loss is first of all for."""
    return next((t.batch.form for t in e.ordinary()), "")


def reductions(e: Examination) -> CheckResult:
    name, title = "reductions", _("reductions")
    return _settings(e, name, title, [{"reduction": r} for r in e.reference.kind.reductions])


def settings(e: Examination) -> CheckResult:
    name, title = "settings", _("settings")
    trials = [s for s in e.reference.kind.trials if not s.keys() & e.reference.settings.keys()]
    return _settings(e, name, title, trials)


def _settings(e: Examination, name: str, title: str, every: Sequence[dict[str, Any]]) -> CheckResult:
    taken, refused = [], []
    for given in every:
        if not given.keys() <= e.candidate.accepts:
            continue
        try:
            loss = e.candidate.with_settings(given)
        except Exception:
            refused.append(given)
            continue
        loss = e.reference.kind.around(loss)
        losses = e.reference.bound(given)
        batches = [b for b in e.reference.batches(given) if b.form not in e.refused and (b.base not in e.refused)]
        trials = [try_on(loss, losses, b, e.wrt, given) for b in batches]
        first = [t for t in trials if not t.batch.base]
        if first and all(t.got.error is not None for t in first):
            refused.append(given)
            continue
        taken.append(given)
        bad = [(t, f) for t in trials if (f := fault_of(t, losses, e.wrt, e.tolerance))]
        bad = [(t, f) for t, f in bad if f != "error" or t.batch.base]
        if bad:
            fault = bad[0][1]
            return failed(name, title, finding(e, [t for t, f in bad if f == fault], fault, loss, losses, given))
    if not taken and not refused:
        return skipped(name, title, _("it takes none"))
    why = ", ".join(_named(s) for s in taken)
    if refused:
        why += _(" (not: {refused})").format(refused=", ".join(_named(s) for s in refused))
    return passed(name, title, why)


def _named(settings: dict[str, Any]) -> str:
    return " ".join(k if isinstance(v, Tensor) else f"{k}={v}" for k, v in settings.items())
