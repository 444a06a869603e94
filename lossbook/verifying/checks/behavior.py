"""Checks of how a loss behaves: backward passes, repeated calls, order, memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...report import Finding, tensor_text
from ..compare import Sample, Trial, close, try_on
from ..diagnosis.diagnosis import Diagnosis
from ..diagnosis.operations import recorded
from ..diagnosis.source import line_of_backward
from ..examination import Examination, NotApplicable
from ..subject.outcome import Answered, Failed, Outcome, call, error_of, same
from .check import Result, check, failed, passed
from .findings import CUSTOM, IN_PLACE, finding, sentence


@check(lambda: _("uses the gradient from above"))
def upstream(examination: Examination) -> Result:
    sample = _with_finite_gradient(examination)
    again = _with_gradients(examination.run(sample.batch, upstream=3.0))
    for once, thrice in zip(sample.got.gradients, again.gradients, strict=True):
        if once is not None and (thrice is None or not close(thrice, 3 * once, 10 * examination.tolerance)):
            says = _("With 3 times the loss, the gradient is not 3 times as large.")
            behind = _("the backward pass ignores the upstream gradient (grad_output): multiply by it")
            return failed(_wrong_gradient(examination, sample, says, behind, got=thrice, wanted=3 * once))
    return passed()


@check(lambda: _("a second backward pass"))
def second_backward(examination: Examination) -> Result:
    sample = _with_finite_gradient(examination)
    first = _with_gradients(examination.run(sample.batch, upstream=2.0))
    again = _with_gradients(examination.run(sample.batch, upstream=2.0, passes=2))
    if again.backward_error is not None:
        says = sentence(Trial(sample.batch, again, [sample.best]), "backward error")
        return failed(finding(examination, sample.batch, says))
    for once, twice in zip(first.gradients, again.gradients, strict=True):
        if once is not None and (twice is None or not close(twice, once, 10 * examination.tolerance)):
            says = _("A second backward pass through the same graph gives a different gradient.")
            behind = _("the backward pass changes what it saved")
            return failed(_wrong_gradient(examination, sample, says, behind, got=twice, wanted=once))
    return passed()


def _with_finite_gradient(examination: Examination) -> Sample:
    """A batch with a gradient; of NaN nothing can be said but that it is NaN, which other checks say."""
    sample = examination.sample_with_gradient()
    if not sample.got.is_finite or not all(bool(g.isfinite().all()) for g in sample.got.gradients if g is not None):
        raise NotApplicable(_("the loss or its gradient is not finite there"))
    return sample


def _with_gradients(outcome: Outcome) -> Answered:
    if not isinstance(outcome, Answered):  # another time the loss ran; the check "repeatable" tells
        raise NotApplicable(_("no gradient"))
    return outcome


def _wrong_gradient(
    examination: Examination, sample: Sample, says: str, behind: str, *, got: Tensor | None, wanted: Tensor
) -> Finding:
    return finding(
        examination,
        sample.batch,
        says,
        Diagnosis(behind, page=CUSTOM),
        line=line_of_backward(sample.got.result),
        got=_("none") if got is None else tensor_text(got),
        wanted=tensor_text(wanted),
    )


@check(lambda: _("the same result each time"))
def repeatable(examination: Examination) -> Result:
    sample = examination.sample()
    ordinary = [(t.batch, t.got) for t in examination.ordinary() if isinstance(t.got, Answered)]
    first = (sample.batch, sample.got)
    others = [(batch, got) for batch, got in ordinary if batch is not sample.batch]
    fresh = _fresh(examination)
    for batch, got in [first, *others[:3], first, *others, first]:
        again = examination.run(batch)
        for was in (got, call(fresh(), batch.tensors) if fresh else got):
            if not isinstance(was, Answered) or (isinstance(again, Answered) and _equal(again.value, was.value)):
                continue
            behind = (
                _("it draws random numbers")
                if _is_random(examination, batch)
                else _(
                    "it remembers something from call to call: a running total, a cache, a setting that it overwrites"
                )
            )
            found = finding(
                examination,
                batch,
                _("The same input gives a different result when the loss is called again."),
                Diagnosis(behind, page=CUSTOM),
                got=_outcome_text(again),
                wanted=tensor_text(was.value),
            )
            return failed(found)
    return passed()


def _outcome_text(outcome: Outcome) -> str:
    if isinstance(outcome, Answered):
        return tensor_text(outcome.value)
    return str(outcome.error) if isinstance(outcome, Failed) else outcome.kind


def _equal(one: Tensor, other: Tensor) -> bool:
    """True if equal but for the order in which numbers were added; NaN equals NaN."""
    return same(one, other) or one.shape == other.shape and close(one.nan_to_num(7.5), other.nan_to_num(7.5), 1e-9)


def _fresh(examination: Examination) -> Callable[[], Callable] | None:
    """Makes copies of a module as it was given, which have not been called yet."""
    given = examination.candidate.original
    if examination.candidate.module is None or examination.single:
        return None
    try:
        copy.deepcopy(given)
    except Exception:
        return None
    return lambda: examination.around(copy.deepcopy(given).double())


def _is_random(examination: Examination, batch: Batch) -> bool:
    """True if the seed decides on the result: what remembers its calls changes under the same seed, too."""
    got = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        got.append(examination.run(batch))
    one, again, other = (g.value if isinstance(g, Answered) else None for g in got)
    return one is not None and again is not None and same(one, again) and (other is None or not same(one, other))


@check(lambda: _("independent of the order of the samples"))
def order(examination: Examination) -> Result:
    """Permuting samples must not change the loss if it does not change the reference."""
    sample = examination.sample()
    tensors = sample.batch.tensors
    sizes = {t.shape[0] if t.dim() else 0 for t in tensors}
    if len(sizes) > 1 or min(sizes) < 3 or sample.best.value.dim():
        raise NotApplicable(_("no batch of samples"))
    if not sample.got.is_finite:
        raise NotApplicable(_("the loss or its gradient is not finite there"))
    turn = torch.arange(min(sizes)).roll(1)
    batch = Batch(tuple(t[turn] for t in tensors), sample.batch.form, sample.batch.base)
    turned = try_on(examination.loss, examination.standard, batch)
    if not turned.right or not close(turned.best.value, sample.best.value, 1e-9):
        raise NotApplicable(_("the right loss depends on it too"))
    got = turned.got
    if isinstance(got, Answered) and close(got.value, sample.got.value, examination.tolerance):
        return passed()
    fresh = _fresh(examination)
    anew = call(fresh(), batch.tensors) if fresh else None
    if isinstance(anew, Answered) and close(anew.value, sample.got.value, examination.tolerance):
        raise NotApplicable(_("its result depends on earlier calls"))
    found = finding(
        examination,
        batch,
        _("The same samples in another order give a different loss."),
        Diagnosis(_("the samples are weighted by their position")),
        got=_outcome_text(got),
        wanted=tensor_text(sample.got.value),
    )
    return failed(found)


@check(lambda: _("leaves its input as it is"))
def inputs(examination: Examination) -> Result:
    for trial in examination.trials:
        if trial.got.overwritten:
            which = ", ".join(str(i + 1) for i in trial.got.overwritten)
            says = _("The loss overwrites argument {which}, which the caller still needs.").format(which=which)
            behind = Diagnosis(
                _(
                    "an operation in place (a name that ends in _, or an assignment to a part) on the argument itself: "
                    "clone it first"
                ),
                operations=IN_PLACE,
                page=CUSTOM,
            )
            return failed(finding(examination, trial.batch, says, behind))
    return passed()


@check(lambda: _("leaves the settings of torch as they are"))
def switches(examination: Examination) -> Result:
    """With gradients on and off: the end of a block without them is often written as turning them on."""
    sample = examination.sample()
    with torch.no_grad():
        without = examination.run(sample.batch)
    for got in (without, sample.got):
        if got.switched:
            says = _("After a call the loss leaves {setting} changed for all that follows.")
            behind = Diagnosis(
                _("a setting is changed and not set back: write with torch.no_grad(): and the like around the lines"),
                operations=("set_grad_enabled", "set_default_dtype", "no_grad", "enable_grad"),
                page=CUSTOM,
            )
            return failed(finding(examination, sample.batch, says.format(setting=got.switched[0]), behind))
    return passed()


@check(lambda: _("input that is not contiguous"))
def strides(examination: Examination) -> Result:
    tried = 0
    for trial in examination.ordinary():
        if examination.fault(trial) or not isinstance(trial.got, Answered):
            continue
        for tensors in _spread_apart(trial.batch.tensors):
            tried += 1
            # As an edge, so that torch's own is asked too: it has flaws of its own here.
            batch = replace(trial.batch, tensors=tensors, edge=True, name="")
            again = try_on(examination.loss, examination.standard, batch)
            fault = "error" if isinstance(again.got, Failed) else examination.fault(again)
            if not fault:
                continue
            behind = _of_memory(examination, trial.batch, again)
            return failed(finding(examination, trial.batch, sentence(again, fault), behind))
    if not tried:
        raise NotApplicable(_("no such input"))
    return passed()


def _spread_apart(tensors: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
    """All of them not contiguous, then one at a time."""
    spread = tuple(_spread(t) for t in tensors)
    some = [i for i, t in enumerate(spread) if not t.is_contiguous()]
    if some:
        yield spread
    if len(some) > 1:
        yield from ((*tensors[:i], spread[i], *tensors[i + 1 :]) for i in some)


def _of_memory(examination: Examination, batch: Batch, again: Trial) -> Diagnosis | None:
    """What depends on how numbers lie in memory; None where nothing in the loss is known to."""
    if "view" in str(error_of(again.got)):
        says = _("view needs contiguous memory: use reshape or flatten")
        return Diagnosis(says, operations=("view", "view_as"), page=CUSTOM)
    used = {operation.name for operation in recorded(examination, batch)}
    if used & {"as_strided", "data_ptr", "storage", "untyped_storage", "set"}:
        says = _("it reads memory as it lies there (as_strided, storage): call contiguous first")
        return Diagnosis(says, operations=("as_strided", "untyped_storage", "storage"), page=CUSTOM)
    return None


def _spread(tensor: Tensor) -> Tensor:
    """Make a tensor non-contiguous, with the same numbers and shape."""
    if tensor.dim() < 2 or tensor.numel() < 2:
        return tensor
    return tensor.movedim(-1, 0).contiguous().movedim(0, -1)
