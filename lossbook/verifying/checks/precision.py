"""Checks in float32, float16 and bfloat16."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ...kit.batches.batch import Batch, exact
from ...kit.precision import cast
from ...language import gettext as _
from ...report import Finding, tensor_text
from ..compare import Trial, close
from ..diagnosis.diagnose import Evidence, diagnose
from ..diagnosis.diagnosis import Diagnosis
from ..examination import Examination, NotApplicable
from ..growth import affordable, repeated
from ..subject.outcome import Answered, Failed, Outcome, call
from .check import Result, check, failed, passed, warned
from .findings import finding, place

FAR = 4096.0  #: float32 still tells numbers apart there that differ by 0.0005
MANY = 40_000  #: samples in a batch whose sum of losses overflows in float16
LOST = 0.1  #: a right loss that is so far off, relative to its exact value, has lost its digits
EXACTNESS = {torch.float32: 2e-3, torch.float16: 0.1, torch.bfloat16: 0.3}


@check(lambda: _("float32, also at large values"))
def float32(examination: Examination) -> Result:
    """In float32, where rounding and overflow show what float64 hides."""
    batches = _right_batches(examination)
    ran, found = _try_in(examination, torch.float32, batches)
    if found:
        return failed(found)
    if not batches:
        raise NotApplicable(_("the value is not right there"))
    if not ran:
        raise _does_not_run(torch.float32)
    return passed()


@check(lambda: _("float16 and bfloat16"))
def half(examination: Examination) -> Result:
    trials = examination.ordinary()
    if examination.reference.entry:  # of a person's own reference nobody knows what fits into float16
        trials = trials + [t for t in examination.edges() if not t.batch.open]
    batches = [t.batch for t in trials if isinstance(t.got, Answered) and examination.fault(t) is None]
    if not batches:
        raise NotApplicable(_("the value is not right there"))
    runs_in = []
    for dtype in (torch.float16, torch.bfloat16):
        ran, found = _try_in(examination, dtype, batches)
        if found and examination.reference.entry is None and _only_slopes(examination, dtype, found):
            return warned(found.says)  # its author may not have thought of so few digits
        if found:
            return failed(found)
        runs_in += [dtype] if ran else []
    if not runs_in:
        raise _does_not_run(torch.float16)
    if torch.float16 in runs_in and all(examination.fault(t) is None for t in examination.trials):
        _ran, found = _try_in(examination, torch.float16, _many_samples(examination))
        if found:  # a warning, not a failure: float16 training uses small batches
            return warned(found.says)
    return passed()


def _only_slopes(examination: Examination, dtype: torch.dtype, found: Finding) -> bool:
    """True if the value is finite there."""
    got = call(_loss_in(examination, dtype), found.inputs)
    return isinstance(got, Answered) and got.is_finite


@check(lambda: _("dtype of the result"))
def dtype(examination: Examination) -> Result:
    """The dtype of the result; only told, as a loss may choose to answer in float32."""
    sample = examination.sample()
    if examination.single:
        raise NotApplicable(_("it computes in float32"))
    tensors = [cast(t, torch.float32) for t in sample.batch.tensors]
    got = call(_loss_in(examination, torch.float32), tensors)
    if isinstance(got, Answered) and got.value.dtype != torch.float32:
        return warned(_("float32 comes in, {dtype} goes out").format(dtype=_name(got.value.dtype)))
    return passed()


def _does_not_run(dtype: torch.dtype) -> NotApplicable:
    return NotApplicable(_("it does not run in {dtype}").format(dtype=_name(dtype)))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _right_batches(examination: Examination) -> list[Batch]:
    """All that the loss is right on; and the same far from 0, where that changes nothing: small differences of large
    numbers."""
    right = [t for t in examination.trials if isinstance(t.got, Answered) and examination.fault(t) is None]
    found = [t.batch for t in right if not t.batch.open and not examination.leaves_open(t.batch)]
    for sample in [t.sample for t in right if t.sample and not t.batch.edge][:2]:
        floats = [i for i, t in enumerate(sample.batch.tensors) if t.is_floating_point()]
        for moved in {tuple(floats), tuple(floats[:2]), tuple(floats[:1])}:
            tensors = tuple(exact(t + FAR) if i in moved else t for i, t in enumerate(sample.batch.tensors))
            away = call(examination.standard.losses[0], tensors)
            if isinstance(away, Answered) and close(away.value, sample.best.value, 1e-2):
                name = _("large numbers, small errors")
                found.append(replace(sample.batch, tensors=tensors, edge=True, name=name))
    return found


def _many_samples(examination: Examination) -> list[Batch]:
    """So many samples that their sum does not fit into float16, while their mean does."""
    samples = examination.samples()
    batches = [s.batch for s in samples if s.batch.form == samples[0].batch.form]
    few = repeated(batches, 64) if batches else None
    if few is None:
        return []
    right = call(examination.standard.losses[0], few.tensors)
    twice = call(examination.standard.losses[0], [torch.cat([t, t]) for t in few.tensors])
    if not isinstance(right, Answered) or not isinstance(twice, Answered) or right.value.dim():
        return []
    if not close(twice.value, right.value, 1e-6):
        return []  # not a mean over samples
    losses = [examination.standard.losses[0], examination.loss]
    most = affordable(losses, examination.wrt, lambda rows: repeated(batches, rows), MANY)
    many = repeated(batches, MANY) if most == MANY else None
    return [replace(many, edge=True, name=_("many samples"))] if many else []


def _loss_in(examination: Examination, dtype: torch.dtype) -> Callable:
    """The loss with its own tensors in this dtype."""
    if examination.candidate.module is None:
        return examination.around(examination.candidate.loss)
    try:
        return examination.around(copy.deepcopy(examination.candidate.module).to(dtype))
    except Exception:
        return examination.loss


def _try_in(examination: Examination, dtype: torch.dtype, batches: Sequence[Batch]) -> tuple[bool, Finding | None]:
    """Run the loss in this dtype; return whether it ran on any of these batches, and the first fault."""
    loss, ran = _loss_in(examination, dtype), False
    for batch in batches:
        tensors = tuple(cast(t, dtype) for t in batch.tensors)
        right = _finite([call(r, tensors) for r in examination.reference.bound({}, dtype)])
        precise = _finite([call(r, [cast(t, torch.float64) for t in tensors]) for r in examination.standard.losses])
        if not right or not precise or not all(_holds(dtype, p.value) for p in precise):
            continue
        got = call(loss, tensors, examination.wrt)
        if isinstance(got, Failed):
            if _overflows(got.error):
                return ran, replace(_overflow(examination, batch, dtype, got.error), inputs=tensors)
            continue
        ran = True
        if isinstance(got, Answered) and got.value.numel() == precise[0].value.numel():
            fault = _fault_in(examination, dtype, Trial(batch, got, precise), got, right, tensors)
            if fault:
                failing = Trial(replace(batch, tensors=tensors), got, precise)
                return ran, _finding_in(examination, dtype, failing, got, fault, loss)
    return ran, None


def _finite(outcomes: Sequence[Outcome]) -> list[Answered]:
    """These, if every one of them is a finite number; none otherwise."""
    finite = [o for o in outcomes if isinstance(o, Answered) and o.is_finite]
    return finite if len(finite) == len(outcomes) else []


def _holds(dtype: torch.dtype, value: Tensor) -> bool:
    """True if numbers are no larger than this dtype can say."""
    return bool((value.abs() <= torch.finfo(dtype).max).all())


def _overflows(error: BaseException) -> bool:
    return any(words in str(error) for words in ("without overflow", "out of range", "overflow"))


def _overflow(examination: Examination, batch: Batch, dtype: torch.dtype, error: BaseException) -> Finding:
    says = _("The loss raises an error in {dtype}: {said}")
    behind = Diagnosis(_("a constant does not fit into {dtype}").format(dtype=_name(dtype)), page="guide/mse")
    said = str(error).splitlines()[0]
    return finding(examination, batch, says.format(dtype=_name(dtype), said=said), behind)


def _fault_in(
    examination: Examination,
    dtype: torch.dtype,
    trial: Trial,
    got: Answered,
    right: Sequence[Answered],
    tensors: Sequence[Tensor],
) -> str | None:
    """Name the fault in this dtype, measured by the right losses in the same dtype."""
    want = trial.best.value
    off = (got.value.double().reshape(want.shape) - want).abs()
    theirs = min((r.value.double() - want).abs().max().item() for r in right)
    least = 0.05 if dtype is torch.float32 else 1
    size = want.abs().clamp(min=least)
    far_off = not bool((off <= EXACTNESS[dtype] * size + 20 * theirs).all())
    # Where the right losses lose all digits too, as a difference of large numbers does, one result is no worse than another.
    lost = theirs > LOST * size.max().item()
    # Half precision is coarse where losses break: only NaN and infinity count there.
    coarse = trial.batch.edge and dtype is not torch.float32
    if far_off and not got.is_finite:
        return "not finite"
    if far_off and not coarse and not lost:
        return "value"
    finite = all(bool(g.isfinite().all()) for g in got.gradients if g is not None)
    return None if finite or not _gradients_are_finite(examination, dtype, tensors) else "gradient not finite"


def _gradients_are_finite(examination: Examination, dtype: torch.dtype, tensors: Sequence[Tensor]) -> bool:
    """True if the right losses give gradients, and finite ones."""
    outcomes = [call(right, tensors, examination.wrt) for right in examination.reference.bound({}, dtype)]
    known = [g for o in outcomes if isinstance(o, Answered) for g in o.gradients if g is not None]
    return bool(known) and all(bool(g.isfinite().all()) for g in known)


def _is_right_in_double(examination: Examination, trial: Trial) -> bool:
    """True if the loss gives the right number for the same input in float64, so that digits were lost."""
    got = examination.run(replace(trial.batch, tensors=tuple(cast(t, torch.float64) for t in trial.batch.tensors)))
    want = trial.best.value
    return (
        isinstance(got, Answered)
        and got.value.numel() == want.numel()
        and close(got.value.reshape(want.shape), want, 1e-3)
    )


def _finding_in(
    examination: Examination, dtype: torch.dtype, trial: Trial, got: Answered, fault: str, loss: Callable
) -> Finding:
    behind: Diagnosis | None
    if fault == "value" and not _is_right_in_double(examination, trial):
        says, behind = _("In {dtype} the loss is far off ({where})."), None
    elif fault == "value":
        says = _("In {dtype} the loss is far off ({where}).")
        behind = Diagnosis(
            _(
                "digits are lost: large numbers are subtracted from each other (an expanded square), or a small "
                "constant vanishes"
            ),
            operations=("pow", "square", "mul", "matmul", "add", "log"),
            page="guide/mse",
        )
    else:
        says = _("In {dtype} the loss or its gradient is not finite ({where}).")
        behind = diagnose(examination, [trial], fault, Evidence(loss, [trial], {}))
    if fault == "gradient not finite":
        came, wanted = next(g for g in got.gradients if g is not None), _("finite numbers")
    else:
        came, wanted = got.value, tensor_text(trial.best.value)
    says = says.format(dtype=_name(dtype), where=place(trial.batch))
    return finding(examination, trial.batch, says, behind, got=tensor_text(came), wanted=wanted)
