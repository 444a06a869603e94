"""Puts a fault into words: a sentence, the smallest input that shows it, what came, and what may be behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from torch import Tensor

from ...kit.batches.batch import Batch, Settings
from ...language import gettext as _
from ...report import Finding, tensor_text
from ..compare import STEEP, Trial, close, fault_of, try_on
from ..diagnosis.diagnose import Evidence, diagnose, family
from ..diagnosis.diagnosis import Diagnosis
from ..diagnosis.refuting import lighter
from ..diagnosis.source import line_of
from ..examination import Examination, NotApplicable
from ..smallest import smallest
from ..subject.outcome import Failed, NoTensor, error_of
from ..subject.state import TimeIsUp
from .check import Result, failed, passed

CUSTOM = "guide/custom-losses"  #: the page about what a loss of one's own must keep to
#: Operations that change a tensor itself.
IN_PLACE = (
    "clamp_",
    "sub_",
    "add_",
    "mul_",
    "div_",
    "exp_",
    "log_",
    "copy_",
    "fill_",
    "masked_fill_",
    "setitem",
    "scatter_",
    "neg_",
    "sigmoid_",
    "relu_",
    "round_",
    "abs_",
    "pow_",
    "sqrt_",
)


def finding(
    examination: Examination,
    batch: Batch,
    says: str,
    diagnosis: Diagnosis | None = None,
    *,
    line: str = "",
    got: str = "",
    wanted: str = "",
) -> Finding:
    """A fault that a batch shows; the line is looked for by the diagnosis, if none is given."""
    diagnosis = diagnosis or Diagnosis("")
    return Finding(
        says,
        inputs=batch.tensors,
        got=got,
        wanted=wanted,
        diagnosis=diagnosis.says,
        line=line or diagnosis.line or _line(examination, batch, diagnosis),
        page=diagnosis.page,
    )


def _line(examination: Examination, batch: Batch, diagnosis: Diagnosis) -> str:
    with contextlib.suppress(TimeIsUp):
        return line_of(examination, batch, diagnosis.operations)
    return ""


def smallest_finding(
    examination: Examination,
    trials: Sequence[Trial],
    fault: str,
    *,
    loss: Callable | None = None,
    settings: Settings | None = None,
) -> Finding:
    """A fault that several batches show, on the smallest input that shows it.

    A loss with settings of its own is given together with these.
    """
    loss, standard = loss or examination.loss, examination.standard_with(settings or {})
    # In another form a loss may take the input for something else, and so be wrong in another way.
    trials = [t for t in trials if family(t.batch) == family(trials[0].batch)]
    first = min(trials, key=lambda t: sum(x.numel() for x in t.batch.tensors))

    def attempt(batch: Batch) -> Trial:
        return try_on(loss, standard, batch)

    def fails(batch: Batch) -> bool:
        trial = attempt(batch)  # at a vector of zeros a slope may be huge, and shows nothing
        return fault_of(trial, standard) == fault and not (_is_steep(trial) and not _is_steep(first))

    small, diagnosis = first, Diagnosis("")
    with contextlib.suppress(TimeIsUp):  # then the fault is told as it was found
        small = first if fault == "hang" else attempt(smallest(first.batch, fails))
        every = (
            examination.trials if settings is None else [attempt(b) for b in examination.reference.batches(settings)]
        )
        if examination.reference.given is not None:
            light = [attempt(lighter(t.batch)) for t in trials]
            trials = [t for t in light if fault_of(t, standard) == fault] or trials
            every = [attempt(lighter(t.batch)) for t in every] if trials[0] in light else every
        diagnosis = diagnose(examination, trials, fault, Evidence(loss, every, settings or {})) or diagnosis
    got, wanted = told(small, fault, examination.tolerance)
    return Finding(
        sentence(small, fault),
        inputs=small.batch.tensors,
        settings=settings or examination.reference.settings,
        got=got,
        wanted=wanted,
        diagnosis=diagnosis.says,
        line=diagnosis.line or _line(examination, trials[0].batch, diagnosis),
        page=diagnosis.page,
    )


def _is_steep(trial: Trial) -> bool:
    return any(bool((g.abs() > STEEP).any()) for g in trial.best.gradients if g is not None) if trial.right else False


def sentence(trial: Trial, fault: str) -> str:
    """Say what is wrong, for a student."""
    error = error_of(trial.got)
    lines = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {lines[0] if lines else ''}" if error else ""
    return {
        "value": _("The loss gives the wrong value ({where})."),
        "not finite": _("The loss is not finite where the right one is ({where})."),
        "shape": _("The result has the wrong shape ({where})."),
        "no tensor": _("The loss returns {kind}, not a tensor: return one tensor, the loss alone."),
        "error": _("The loss raises an error on input that it should take ({where}): {said}"),
        "backward error": _("The backward pass raises an error ({where}): {said}"),
        "graph cut": _("No gradient reaches the prediction, so nothing can be learned."),
        "gradient": _("The value is right, its gradient is not ({where})."),
        "gradient not finite": _(
            "The value is finite, its gradient is NaN or infinite ({where}): one such batch destroys all weights."
        ),
        "printed": _("The loss prints something each time it is called."),
        "hang": _("The loss does not return: the call took too long."),
    }[fault].format(where=place(trial.batch), said=said, kind=trial.got.kind if isinstance(trial.got, NoTensor) else "")


def place(batch: Batch) -> str:
    """Name a batch for a sentence that puts it into parentheses."""
    where = batch.name or batch.form
    return _("shape {shape}").format(shape=where) if where.startswith("(") else where


def told(trial: Trial, fault: str, tolerance: float) -> tuple[str, str]:
    """Write what came and what should have come; empty where numbers say nothing."""
    got = trial.got
    if isinstance(got, NoTensor):
        return got.kind, tensor_text(trial.best.value) if trial.right else _("a tensor")
    if isinstance(got, Failed) or not trial.right:
        return "", ""
    if fault in ("value", "not finite", "shape"):
        return _told_apart(got.value.double(), trial.best.value)
    if fault in ("gradient", "gradient not finite", "graph cut"):
        for mine, want in zip(got.gradients, trial.best.gradients, strict=True):
            if want is not None and (mine is None or not close(mine, want, tolerance)):
                name = _("gradient {gradient}")
                if mine is None:
                    return name.format(gradient=_("none")), name.format(gradient=tensor_text(want))
                came, right = _told_apart(mine, want)
                return name.format(gradient=came), name.format(gradient=right)
    return "", ""


def _told_apart(got: Tensor, wanted: Tensor) -> tuple[str, str]:
    """What came and what is right, as texts that differ: with more digits where four look alike."""
    texts = tensor_text(got), tensor_text(wanted)
    if texts[0] != texts[1] or got.shape != wanted.shape or not got.numel():
        return texts
    at = int((got - wanted).abs().nan_to_num(0).argmax())
    return f"{got.flatten()[at].item():.12g}", f"{wanted.flatten()[at].item():.12g}"


def judge(examination: Examination, trials: Sequence[Trial], only: set[str]) -> Result:
    """Check the loss for these faults on these batches."""
    if not trials:
        raise NotApplicable(_("no such input"))
    every = [(trial, examination.fault(trial)) for trial in trials]
    faults = [(trial, fault) for trial, fault in every if fault in only]
    if faults:
        fault = faults[0][1]
        return failed(smallest_finding(examination, [t for t, f in faults if f == fault], fault))
    elsewhere = {"gradient", "gradient not finite", "graph cut", "backward error"} if "value" in only else set()
    if all(fault and fault not in elsewhere for _trial, fault in every):  # nothing can be said of gradients there
        raise NotApplicable(_("the value is not right there"))
    return passed(_("{n} batches").format(n=len(trials)))
