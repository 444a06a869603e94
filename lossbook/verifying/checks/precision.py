"""Checks in float32, float16 and bfloat16."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...report import FAILED, PASSED, WARNED, CheckResult, Finding, written
from ..compare import Trial, close
from ..diagnosis.diagnose import Diagnosis, diagnose, graph, line_of, recorded
from ..examination import Examination
from ..subject.call import call
from .results import failed, passed, place, skipped

FAR = 4096.0  #: float32 still tells numbers apart there that differ by 0.0005
MANY = 40_000  #: samples in a batch whose sum of losses overflows in float16


def float32(e: Examination) -> CheckResult:
    """In float32, where rounding and overflow show what float64 hides."""
    name, title = "float32", _("float32, also at large values")
    return _in(e, name, title, torch.float32, _large(e))


def _large(e: Examination) -> list[Batch]:
    """All that the loss is right on; and the same far from 0, where that changes nothing: small differences of large
    numbers."""
    good = [t for t in e.trials if e.fault(t) is None and t.got.works]
    found = [t.batch for t in good]
    for trial in [t for t in good if not t.batch.edge][:2]:
        floats = [i for i, t in enumerate(trial.batch.tensors) if t.is_floating_point()]
        for moved in {tuple(floats), tuple(floats[:2]), tuple(floats[:1])}:
            tensors = [(t + FAR).float().double() if i in moved else t for i, t in enumerate(trial.batch.tensors)]
            away = call(e.losses[0], tensors)
            if away.value is not None and close(away.value, trial.best.value, 1e-2):
                found.append(
                    Batch(tuple(tensors), trial.batch.form, trial.batch.base, True, _("large numbers, small errors"))
                )
    return found


def _in(e: Examination, name: str, title: str, dtype: torch.dtype, batches: Sequence[Batch]) -> CheckResult:
    loss = copied_to(e, dtype)
    tried, exactness = 0, {torch.float32: 2e-3, torch.float16: 0.1, torch.bfloat16: 0.3}[dtype]
    for batch in batches:
        tensors = tuple(t.to(dtype) if t.is_floating_point() else t for t in batch.tensors)
        right = [call(r, tensors) for r in e.losses_in(dtype)]
        exact = [call(r, [t.double() if t.is_floating_point() else t for t in tensors]) for r in e.losses]
        if not all(r.works and bool(r.value.isfinite().all()) for r in (*right, *exact)):
            continue
        got = call(loss, tensors, e.wrt)
        if got.error is not None:
            if _overflows(got.error):
                says = _("The loss raises an error in {dtype}: {said}").format(
                    dtype=_word(dtype), said=str(got.error).splitlines()[0]
                )
                return failed(
                    name,
                    title,
                    Finding(
                        says,
                        tensors,
                        diagnosis=_("a constant does not fit into {dtype}").format(dtype=_word(dtype)),
                        page="guide/mse",
                    ),
                )
            continue
        tried += 1
        want = exact[0].value
        if got.value is None or got.value.numel() != want.numel():
            continue
        off = (got.value.double().reshape(want.shape) - want).abs()
        theirs = min(((r.value.double() - x.value).abs().max().item() for r in right for x in exact[:1]), default=0.0)
        allowed = exactness * want.abs().clamp(min=0.05 if dtype is torch.float32 else 1) + 20 * theirs
        bad = not bool((off <= allowed).all())
        if batch.edge and dtype is not torch.float32 and bool(got.value.isfinite().all()):
            bad = False  # half precision is coarse where losses break: only NaN and infinity count there
        slopes = [g for g in got.gradients if g is not None]
        finite = all(bool(g.isfinite().all()) for g in slopes)
        nan = not finite and _slopes_are_finite(e, dtype, tensors)
        if bad or nan:
            trial = Trial(batch, {}, got, exact)
            fault = (
                "gradient not finite" if not bad else "not finite" if not bool(got.value.isfinite().all()) else "value"
            )
            says = (
                _("In {dtype} the loss is far off ({where}).")
                if fault == "value"
                else _("In {dtype} the loss or its gradient is not finite ({where}).")
            )
            d = _precision(e, trial, fault)
            found = Finding(
                says.format(dtype=_word(dtype), where=place(batch)), tensors, None,
                written(got.value) if bad else written(slopes[0]), written(want) if bad else _("finite numbers"),
                d.says, d.line, d.page,
            )  # fmt: skip
            return failed(name, title, found)
    return (
        passed(name, title)
        if tried
        else skipped(name, title, _("it does not run in {dtype}").format(dtype=_word(dtype)))
    )


def _slopes_are_finite(e: Examination, dtype: torch.dtype, tensors: Sequence[torch.Tensor]) -> bool:
    """Whether the right losses give gradients, and finite ones."""
    known = [g for r in e.losses_in(dtype) for g in call(r, tensors, e.wrt).gradients if g is not None]
    return bool(known) and all(bool(g.isfinite().all()) for g in known)


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _overflows(error: BaseException) -> bool:
    return any(words in str(error) for words in ("without overflow", "out of range", "overflow"))


def _precision(e: Examination, trial: Trial, fault: str) -> Diagnosis:
    if fault == "value":
        return Diagnosis(
            _("digits are lost: large numbers are subtracted from each other (an expanded square), or a small constant vanishes"),
            line_of(e, trial, ("pow", "square", "mul", "matmul", "add", "log")), "guide/mse",
        )  # fmt: skip
    return diagnose(e, [trial], fault, {})


def copied_to(e: Examination, dtype: torch.dtype) -> Callable:
    """The loss with its own tensors in this dtype."""
    if not e.candidate.is_module:
        return e.reference.kind.around(e.candidate.loss)
    try:
        return e.reference.kind.around(copy.deepcopy(e.candidate.loss).to(dtype))
    except Exception:
        return e.loss


def half(e: Examination) -> CheckResult:
    name, title = "half", _("float16 and bfloat16")
    results = []
    for dtype in (torch.float16, torch.bfloat16):
        edges = (
            e.edges() if e.reference.entry else []
        )  # of a person's own reference nobody knows what fits into float16
        good = [t for t in e.ordinary() + edges if e.fault(t) is None and t.got.works]
        check = _in(e, name, title, dtype, [t.batch for t in good])
        if check.state == FAILED:
            return check
        results.append(check)
    if results[0].state == PASSED and all(e.fault(t) is None for t in e.trials):
        many = _in(e, name, title, torch.float16, _many(e))
        if many.state == FAILED:  # told, not counted: who trains in float16 keeps batches small, or sums in float32
            return CheckResult(name, title, WARNED, many.finding.says, None)
    return next((c for c in results if c.state == PASSED), results[0])


def _many(e: Examination) -> list[Batch]:
    """So many samples that their sum does not fit into float16, while their mean does."""
    for trial in e.ordinary():
        tensors = trial.batch.tensors
        if not all(t.dim() for t in tensors) or len({t.shape[0] for t in tensors}) > 1:
            continue

        def repeated(copies: int, batch: Batch = trial.batch) -> Batch:
            many = tuple(t.repeat(copies, *[1] * (t.dim() - 1)) for t in batch.tensors)
            return Batch(many, batch.form, batch.base, True, _("many samples"))

        right = call(e.losses[0], repeated(64).tensors)
        if right.value is None or not close(right.value, trial.best.value, 1e-6):
            return []  # not a mean over samples
        few, more = (len(graph(e.call(batch).result)) for batch in (trial.batch, repeated(8)))
        small, large = (_largest(e, repeated(copies)) for copies in (8, 64))
        # A loop over the samples would take its time, a table of all pairs of them gigabytes.
        return [] if more > few or large > 8 * small else [repeated(MANY // tensors[0].shape[0])]
    return []


def _largest(e: Examination, batch: Batch) -> int:
    """The number of elements of the largest tensor that the loss makes."""
    return max((operation.result.numel() for operation in recorded(e, batch)), default=0)


def dtype(e: Examination) -> CheckResult:
    """The dtype of the result; only told, as a loss may choose to answer in float32."""
    name, title = "dtype", _("dtype of the result")
    trial = e.sample()
    if trial is None or e.single:
        return skipped(name, title, _("it computes in float32"))
    tensors = tuple(t.float() if t.is_floating_point() else t for t in trial.batch.tensors)
    got = call(copied_to(e, torch.float32), tensors, ())
    if got.value is not None and got.value.dtype != torch.float32:
        return CheckResult(
            name, title, WARNED, _("float32 comes in, {dtype} goes out").format(dtype=_word(got.value.dtype))
        )
    return passed(name, title)
