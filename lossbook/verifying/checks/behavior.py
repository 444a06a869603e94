"""Checks of how a loss behaves: backward passes, repeated calls, order, memory."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable

import torch
from torch import Tensor

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...report import CheckResult, Finding, written
from ..compare import Trial, close, try_on
from ..diagnosis.diagnose import graph, line_of
from ..examination import Examination
from ..subject.call import call, same
from .results import failed, passed, sentence, skipped


def upstream(e: Examination) -> CheckResult:
    name, title = "upstream", _("uses the gradient from above")
    trial = e.sample_with_gradient()
    if trial is None:
        return skipped(name, title, _("no gradient"))
    again = e.call(trial.batch, upstream=3.0)
    for once, thrice in zip(trial.got.gradients, again.gradients, strict=True):
        if once is not None and (thrice is None or not close(thrice, 3 * once, 10 * e.tolerance)):
            diagnosis = _("the backward pass ignores the upstream gradient (grad_output): multiply by it")
            found = Finding(
                _("With 3 times the loss, the gradient is not 3 times as large."), trial.batch.tensors, None,
                written(thrice) if thrice is not None else _("none"), written(3 * once), diagnosis,
                _backward_line(e), "guide/custom-losses",
            )  # fmt: skip
            return failed(name, title, found)
    return passed(name, title)


def _backward_line(e: Examination) -> str:
    """What the backward pass that was written by hand returns."""
    for node in graph(e.sample().got.result):
        forward = getattr(type(node), "_forward_cls", None)
        if forward is not None:
            try:
                lines, first = inspect.getsourcelines(forward.backward)
            except (OSError, TypeError):
                return ""
            number = next((i for i, line in enumerate(lines) if "return" in line), 0)
            return f"{first + number}: {lines[number].strip()}"
    return ""


def second_backward(e: Examination) -> CheckResult:
    name, title = "second backward", _("a second backward pass")
    trial = e.sample_with_gradient()
    if trial is None:
        return skipped(name, title, _("no gradient"))
    once = e.call(trial.batch, upstream=2.0)
    again = e.call(trial.batch, upstream=2.0, passes=2)
    if again.backward_error is not None:
        return failed(
            name,
            title,
            Finding(sentence(Trial(trial.batch, {}, again, trial.right), "backward error"), trial.batch.tensors),
        )
    for a, b in zip(once.gradients, again.gradients, strict=True):
        if a is not None and (b is None or not close(b, a, 10 * e.tolerance)):
            found = Finding(
                _("A second backward pass through the same graph gives another gradient."), trial.batch.tensors, None,
                written(b) if b is not None else _("none"), written(a),
                _("the backward pass changes what it saved"), _backward_line(e), "guide/custom-losses",
            )  # fmt: skip
            return failed(name, title, found)
    return passed(name, title)


def repeatable(e: Examination) -> CheckResult:
    name, title = "repeatable", _("the same result each time")
    trial = e.sample()
    if trial is None:
        return skipped(name, title, _("no batch on which it runs"))
    others = [t for t in e.ordinary() if t is not trial and t.got.works]
    fresh = _fresh(e)
    for other in [trial, *others[:3], trial, *others, trial]:
        again = e.call(other.batch)
        for was in (other.got, call(fresh(), other.batch.tensors) if fresh else other.got):
            if was.value is None or again.value is not None and _equal(again.value, was.value):
                continue
            diagnosis = (
                _("it draws random numbers")
                if _is_random(e, trial)
                else _(
                    "it remembers something from call to call: a running total, a cache, a setting that it overwrites"
                )
            )
            found = Finding(
                _("The same input gives another result when the loss is called again."), other.batch.tensors, None,
                written(again.value) if again.value is not None else str(again.error), written(was.value), diagnosis,
                "", "guide/custom-losses",
            )  # fmt: skip
            return failed(name, title, found)
    return passed(name, title)


def _equal(one: Tensor, other: Tensor) -> bool:
    """The same but for the order in which numbers were added; NaN equals NaN."""
    return same(one, other) or one.shape == other.shape and close(one.nan_to_num(7.5), other.nan_to_num(7.5), 1e-9)


def _fresh(e: Examination) -> Callable[[], Callable] | None:
    """Makes copies of a module as it was given, which have not been called yet."""
    if not e.candidate.is_module or e.single:
        return None
    try:
        copy.deepcopy(e.candidate.original)
    except Exception:
        return None
    return lambda: e.reference.kind.around(copy.deepcopy(e.candidate.original).double())


def _is_random(e: Examination, trial: Trial) -> bool:
    torch.manual_seed(1)
    one = e.call(trial.batch)
    torch.manual_seed(1)
    two = e.call(trial.batch)
    return one.value is not None and two.value is not None and same(one.value, two.value)


def order(e: Examination) -> CheckResult:
    """Order of the samples, and parts of a batch: what the reference does not mind, the loss should not mind."""
    name, title = "order", _("independent of the order of the samples")
    trial = e.sample()
    if trial is None or not all(t.dim() for t in trial.batch.tensors):
        return skipped(name, title, _("no batch of samples"))
    n = trial.batch.tensors[0].shape[0]
    if n < 3 or not all(t.shape[0] == n for t in trial.batch.tensors) or trial.best.value.dim():
        return skipped(name, title, _("no batch of samples"))
    turn = torch.arange(n).roll(1)
    batch = Batch(tuple(t[turn] for t in trial.batch.tensors), trial.batch.form, trial.batch.base)
    turned = try_on(e.loss, e.losses, batch, e.wrt)
    if not turned.right or not close(turned.best.value, trial.best.value, 1e-9):
        return skipped(name, title, _("the right loss depends on it too"))
    if turned.got.value is None or not close(turned.got.value, trial.got.value, e.tolerance):
        found = Finding(
            _("The same samples in another order give another loss."), batch.tensors, None,
            written(turned.got.value) if turned.got.value is not None else str(turned.got.error),
            written(trial.got.value), _("the samples are weighted by their position"), "", "",
        )  # fmt: skip
        return failed(name, title, found)
    return passed(name, title)


def inputs(e: Examination) -> CheckResult:
    name, title = "inputs", _("leaves its input as it is")
    wrong = [t for t in e.trials if t.got.overwritten]
    if not wrong:
        return passed(name, title)
    which = ", ".join(str(i + 1) for i in wrong[0].got.overwritten)
    batch = wrong[0].batch
    found = Finding(
        _("The loss overwrites argument {which}, which the caller still needs.").format(which=which),
        batch.tensors,
        diagnosis=_("an operation in place (a name that ends in _, or an assignment to a part) on the argument itself: clone it first"),
        line=line_of(e, wrong[0], ("clamp_", "sub_", "add_", "mul_", "div_", "exp_", "log_", "copy_", "fill_", "masked_fill_", "setitem", "scatter_", "neg_", "sigmoid_", "relu_", "round_", "abs_", "pow_", "sqrt_")),
        page="guide/custom-losses",
    )  # fmt: skip
    return failed(name, title, found)


def strides(e: Examination) -> CheckResult:
    name, title = "strides", _("input that is not contiguous")
    tried = 0
    for trial in e.ordinary():
        if e.fault(trial) or not trial.got.works:
            continue
        tensors = tuple(_spread(t) for t in trial.batch.tensors)
        if all(t.is_contiguous() for t in tensors):
            continue
        tried += 1
        # As an edge, so that torch's own is asked too: it has flaws of its own here.
        batch = Batch(tensors, trial.batch.form, trial.batch.base, edge=True)
        again = try_on(e.loss, e.losses, batch, e.wrt)
        if fault := e.fault(again) if again.got.error is None else "error":
            found = Finding(
                sentence(again, fault), trial.batch.tensors,
                diagnosis=_("view needs contiguous memory: use reshape or flatten"),
                line=line_of(e, trial, ("view", "view_as", "as_strided")), page="guide/custom-losses",
            )  # fmt: skip
            return failed(name, title, found)
    return passed(name, title) if tried else skipped(name, title, _("no such input"))


def _spread(tensor: Tensor) -> Tensor:
    """The same numbers with gaps between them in memory; a copy keeps the order of the dimensions."""
    if tensor.dim() < 2 or tensor.numel() < 2:
        return tensor
    return tensor.movedim(-1, 0).contiguous().movedim(0, -1)
