"""Checks of what comes out: value and gradient, for every form of input and every setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...kit.batches.batch import Batch, Settings
from ...kit.batches.trials import alone, in_pairs
from ...language import gettext as _
from ...report import FAILED, Finding
from ...tracing import Operations
from ..compare import Trial, fault_of, try_on
from ..diagnosis.diagnosis import Diagnosis
from ..diagnosis.source import line_of_error
from ..examination import Examination, NotApplicable
from ..subject.outcome import Answered, Failed, call, same
from .check import Result, check, failed, passed
from .findings import CUSTOM, IN_PLACE, finding, judge, sentence, smallest_finding

VALUE = {"value", "not finite", "shape", "no tensor"}
GRADIENT = {"gradient", "gradient not finite", "graph cut", "backward error"}


@check(lambda: _("can be called"))
def calls(examination: Examination) -> Result:
    def fails(trial: Trial, fault: str) -> Result:
        return failed(finding(examination, trial.batch, sentence(trial, fault)))

    if examination.hangs:
        return fails(examination.trials[-1], "hang")
    for trial in examination.trials:
        if trial.got.printed:
            return fails(trial, "printed")
    tried = [t for t in examination.trials if not t.batch.base]
    came_back = [t for t in tried if not isinstance(t.got, Failed)]
    if tried and not came_back:
        return _raises(examination, tried[0])
    if came_back and not any(isinstance(t.got, Answered) for t in tried):
        return failed(smallest_finding(examination, came_back[:1], "no tensor"))
    wrong = [t for t in examination.ordinary() if examination.fault(t) == "error"]
    if wrong:
        return failed(smallest_finding(examination, wrong, "error"))
    forms = ", ".join(examination.refused)
    return passed(_("does not take {forms}").format(forms=forms) if forms else "")


def _raises(examination: Examination, trial: Trial) -> Result:
    if not trial.right or not isinstance(trial.got, Failed):
        return failed(finding(examination, trial.batch, sentence(trial, "error")))
    found = smallest_finding(examination, [trial], "error")
    return failed(replace(found, line=line_of_error(examination.candidate, trial.got.error)))


@check(lambda: _("value"))
def value(examination: Examination) -> Result:
    return judge(examination, _in_main_form(examination) + examination.larger, VALUE | {"error"})


@check(lambda: _("gradient"))
def gradient(examination: Examination) -> Result:
    return judge(examination, _in_main_form(examination) + examination.larger, GRADIENT)


@check(lambda: _("other shapes of input"))
def forms(examination: Examination) -> Result:
    main = _in_main_form(examination)
    others = [t for t in examination.ordinary() if t not in main and not _by_accident(examination.loss, t)]
    return judge(examination, others, VALUE | GRADIENT | {"error"})


def _by_accident(loss: Callable, trial: Trial) -> bool:
    """True if a loss takes probabilities as targets only because it hands its target on to torch's cross_entropy."""
    target = trial.batch.tensors[-1]
    if trial.batch.form != _("probability targets") or not isinstance(trial.got, Answered):
        return False
    operations = Operations(None)
    with operations:
        call(loss, trial.batch.tensors)
    handed = [o.inputs[1] for o in operations.seen if o.name == "cross_entropy" and len(o.inputs) > 1]
    return any(t.is_floating_point() and bool(torch.isin(t, target).all()) for t in handed)  # all of it, or a part


def _in_main_form(examination: Examination) -> list[Trial]:
    """The trials with the form of input that the loss is first of all for."""
    trials = examination.ordinary()
    return [trial for trial in trials if trial.batch.form == trials[0].batch.form]


@check(lambda: _("values where losses break"))
def edges(examination: Examination) -> Result:
    return judge(examination, examination.edges(), VALUE | {"error"})


@check(lambda: _("gradients there"))
def edge_gradients(examination: Examination) -> Result:
    return judge(examination, examination.edges(), GRADIENT)


@check(lambda: _("reductions"))
def reductions(examination: Examination) -> Result:
    candidate = examination.candidate
    if "reduction" not in candidate.accepts and candidate.accepts & set(candidate.known):
        raise NotApplicable(_("it takes no reduction"))
    return _with_each(examination, [{"reduction": r} for r in examination.reference.kind.reductions])


@check(lambda: _("settings"))
def settings(examination: Examination) -> Result:
    """Each setting alone on every batch, then with the others and with each reduction on one batch of each form."""
    reference = examination.reference
    if reference.entry is None or reference.entry.function is None:
        raise NotApplicable(_("nobody knows the settings of another reference"))
    function, kind = reference.entry.function, reference.kind
    accepted = examination.candidate.accepts - reference.settings.keys()
    found = _with_each(examination, list(alone(function, kind, accepted)))
    if found.state == FAILED:
        return found
    pairs = list(in_pairs(function, kind, accepted))
    together = _with_each(examination, pairs, few=True) if pairs else found
    return together if together.state == FAILED else found


def _with_each(examination: Examination, every: Sequence[Settings], *, few: bool = False) -> Result:
    """Check the loss under each of these settings that it takes."""
    taken, refused = [], []
    for given in every:
        if not given.keys() <= examination.candidate.accepts:
            continue
        own = {name: v.clone() if isinstance(v, Tensor) else v for name, v in given.items()}
        try:
            loss = examination.reference.kind.around(examination.candidate.with_settings(own))
        except Exception:
            refused.append(given)
            continue
        standard = examination.standard_with(given)
        trials = [try_on(loss, standard, batch) for batch in _batches(examination, given, few)]
        if not any(t.right for t in trials):  # nothing that the right loss takes, such as a negative class number
            continue
        first = [t for t in trials if not t.batch.base]
        if first and all(isinstance(t.got, Failed) for t in first):
            refused.append(given)
            continue
        taken.append(given)
        if changed := [name for name, v in given.items() if isinstance(v, Tensor) and not same(v, own[name])]:
            return failed(_overwritten(examination, trials[0].batch, changed[0]))
        faults = [(t, fault_of(t, standard)) for t in trials]
        ignored = any(fault for _trial, fault in faults) and _ignores_one(examination, given, trials)
        beyond = not _is_documented(examination, given) and any(fault == "not finite" for _trial, fault in faults)
        if ignored or beyond:
            taken.remove(given)
            refused.append(given)
            continue
        for trial, fault in faults:
            if fault and (fault != "error" or trial.batch.base) and not _by_accident(loss, trial):
                alike = [t for t, f in faults if f == fault and (f != "error" or t.batch.base)]
                return failed(smallest_finding(examination, alike, fault, loss=loss, settings=given))
    if not taken and not refused:
        raise NotApplicable(examination.candidate.why_none)
    why = _names(taken)
    if refused:
        why += _(" (not: {refused})").format(refused=_names(refused))
    return passed(why)


def _ignores_one(examination: Examination, given: Settings, trials: Sequence[Trial]) -> bool:
    """True if the loss takes one of these settings by any name, and on each batch gives what it gives without it.

    What is taken by any name may be meant for others.
    """
    for name in given.keys() & examination.candidate.hands_on:
        rest = {n: v for n, v in given.items() if n != name}
        without = examination.reference.kind.around(examination.candidate.with_settings(rest))
        pairs = [(t.got, call(without, t.batch.tensors)) for t in trials if isinstance(t.got, Answered)]
        if all(isinstance(other, Answered) and same(got.value, other.value) for got, other in pairs):
            return True
    return False


def _is_documented(examination: Examination, given: Settings) -> bool:
    """False for a 0 in a loss that torch lacks: papers leave out a limit that lossbook computes."""
    entry = examination.reference.entry
    return (
        entry is None or entry.torch_function is not None or 0.0 not in [v for v in given.values() if type(v) is float]
    )


def _batches(examination: Examination, given: Settings, few: bool) -> list[Batch]:
    """The batches to try these settings on; one ordinary one of each form if few are wanted."""
    batches = [b for b in examination.reference.batches(given) if not {b.form, b.base} & examination.refused.keys()]
    return list({b.form: b for b in reversed(batches) if not b.base}.values()) if few else batches


def _overwritten(examination: Examination, batch: Batch, name: str) -> Finding:
    says = _("The loss overwrites its setting {name}, which the caller still needs.").format(name=name)
    behind = Diagnosis(
        _("an operation in place (a name that ends in _, or an assignment to a part) on a setting: clone it first"),
        operations=IN_PLACE,
        page=CUSTOM,
    )
    return finding(examination, batch, says, behind)


def _names(every: Sequence[Settings]) -> str:
    """The settings that were tried, by name: "delta=0.5, 2.0; weight"."""
    alone: dict[str, list[Any]] = {}
    for settings in every:
        for name, value in settings.items():
            tried = alone.setdefault(name, [])
            if not isinstance(value, Tensor) and not callable(value) and value not in tried:
                tried.append(value)
    return "; ".join(f"{name}={', '.join(map(str, tried))}" if tried else name for name, tried in alone.items())
