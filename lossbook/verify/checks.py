"""The checks, one function each. Each looks at one promise that a loss should keep."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import time
import types
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..language import gettext as _
from .calling import Outcome, call, same
from .compare import Trial, close, fault_of, try_on
from .diagnosis import Diagnosis, diagnose, line_of
from .examination import MANNERS, Examination
from .inputs import Batch
from .report import FAILED, PASSED, SKIPPED, WARNED, Check, Finding, written
from .smallest import smallest

MANY = 40_000  #: samples in a batch whose sum of losses overflows in float16


def failed(name: str, title: str, finding: Finding) -> Check:
    return Check(name, title, FAILED, "", finding)


def passed(name: str, title: str, why: str = "") -> Check:
    return Check(name, title, PASSED, why)


def skipped(name: str, title: str, why: str) -> Check:
    return Check(name, title, SKIPPED, why)


# ---- what a failing batch tells


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
    where = trial.batch.name or trial.batch.form
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
            "The value is finite, its gradient is not ({where}): one such batch destroys all weights."
        ),
        "printed": _("The loss prints something each time it is called."),
        "overwritten": _("The loss overwrites its input, which the caller still needs."),
        "hang": _("The loss does not come back."),
    }[fault].format(where=where, said=said)


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


def judged(name: str, title: str, e: Examination, trials: Sequence[Trial], only: set[str] | None = None) -> Check:
    """Whether the loss is right on these batches."""
    if not trials:
        return skipped(name, title, _("no such input"))
    faults = [(t, e.fault(t)) for t in trials]
    faults = [(t, f) for t, f in faults if f and (only is None or f in only)]
    if not faults:
        return passed(name, title, _("{n} batches").format(n=len(trials)))
    fault = faults[0][1]
    return failed(name, title, finding(e, [t for t, f in faults if f == fault], fault))


VALUE = {"value", "not finite", "shape", "no tensor"}
GRADIENT = {"gradient", "gradient not finite", "graph cut", "backward error"}


# ---- the checks


def calls(e: Examination) -> Check:
    name, title = "calls", _("can be called")
    tried = [t for t in e.trials if not t.batch.base]
    if e.hangs:
        trial = e.trials[-1]
        return failed(name, title, Finding(sentence(trial, "hang"), trial.batch.tensors))
    manners = [t for t in e.trials if e.fault(t) in MANNERS]
    if manners:
        return failed(name, title, finding(e, manners, e.fault(manners[0])))
    if tried and all(t.got.error is not None for t in tried):
        trial = tried[0]
        return failed(name, title, Finding(sentence(trial, "error"), trial.batch.tensors, line=_raised(e, trial)))
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


def value(e: Examination) -> Check:
    return judged("value", _("value"), e, [t for t in e.ordinary() if t.batch.form == _main(e)], VALUE)


def gradient(e: Examination) -> Check:
    return judged("gradient", _("gradient"), e, [t for t in e.ordinary() if t.batch.form == _main(e)], GRADIENT)


def forms(e: Examination) -> Check:
    return judged("forms", _("other shapes of input"), e, [t for t in e.ordinary() if t.batch.form != _main(e)])


def edges(e: Examination) -> Check:
    return judged("edges", _("values where losses break"), e, e.edges(), VALUE | {"error"})


def edge_gradients(e: Examination) -> Check:
    return judged("edge gradients", _("gradients there"), e, e.edges(), GRADIENT)


def _main(e: Examination) -> str:
    """The form of input that the loss is first of all for."""
    return next((t.batch.form for t in e.ordinary()), "")


def upstream(e: Examination) -> Check:
    name, title = "upstream", _("uses the gradient from above")
    trial = e.sample()
    if trial is None or not trial.got.carries_gradient or trial.got.backward_error:
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
    """The head of the backward pass that was written by hand."""
    trial = e.sample()
    queue, seen = [trial.got.result.grad_fn], set()
    while queue and len(seen) < 200:
        node = queue.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        forward = getattr(type(node), "_forward_cls", None)
        if forward is not None:
            try:
                lines, first = inspect.getsourcelines(forward.backward)
                body = next((i for i, line in enumerate(lines) if "return" in line), 0)
                return f"{first + body}: {lines[body].strip()}"
            except (OSError, TypeError):
                return ""
        queue += [after for after, _i in node.next_functions]
    return ""


def second_backward(e: Examination) -> Check:
    name, title = "second backward", _("a second backward pass")
    trial = e.sample()
    if trial is None or not trial.got.carries_gradient or trial.got.backward_error:
        return skipped(name, title, _("no gradient"))
    once = e.call(trial.batch)
    again = e.call(trial.batch, passes=2)
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


def reductions(e: Examination) -> Check:
    name, title = "reductions", _("reductions")
    return _settings(e, name, title, [{"reduction": r} for r in e.reference.kind.reductions])


def settings(e: Examination) -> Check:
    name, title = "settings", _("settings")
    trials = [s for s in e.reference.kind.trials if not s.keys() & e.reference.settings.keys()]
    return _settings(e, name, title, trials)


def _settings(e: Examination, name: str, title: str, every: Sequence[dict[str, Any]]) -> Check:
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


def repeatable(e: Examination) -> Check:
    name, title = "repeatable", _("the same result each time")
    trial = e.sample()
    if trial is None:
        return skipped(name, title, _("no batch on which it runs"))
    others = [t for t in e.ordinary() if t is not trial][:3]
    first = e.call(trial.batch)
    for step in range(4):
        if step and step <= len(others):
            e.call(others[step - 1].batch)
        again = e.call(trial.batch)
        if again.error is not None or first.value is None or not same(again.value, first.value):
            rounded = again.value is not None and first.value is not None and close(again.value, first.value, 1e-9)
            if rounded:
                continue
            diagnosis = (
                _("it draws random numbers")
                if _is_random(e, trial)
                else _("it remembers something from call to call: a running total, or a setting that it overwrites")
            )
            found = Finding(
                _("The same input gives another result when the loss is called again."), trial.batch.tensors, None,
                written(again.value) if again.value is not None else str(again.error),
                written(first.value) if first.value is not None else "", diagnosis, "", "guide/custom-losses",
            )  # fmt: skip
            return failed(name, title, found)
    return passed(name, title)


def _is_random(e: Examination, trial: Trial) -> bool:
    torch.manual_seed(1)
    one = e.call(trial.batch)
    torch.manual_seed(1)
    two = e.call(trial.batch)
    return one.value is not None and two.value is not None and same(one.value, two.value)


def whole(e: Examination) -> Check:
    """Order of the samples, and parts of a batch: what the reference does not mind, the loss should not mind."""
    name, title = "order", _("independent of the order of the samples")
    trial = e.sample()
    if trial is None or not all(t.dim() for t in trial.batch.tensors):
        return skipped(name, title, _("no batch of samples"))
    n = trial.batch.tensors[0].shape[0]
    if n < 3 or not all(t.shape[0] == n for t in trial.batch.tensors) or trial.best.value.dim():
        return skipped(name, title, _("no batch of samples"))
    order = torch.arange(n).roll(1)
    batch = Batch(tuple(t[order] for t in trial.batch.tensors), trial.batch.form, trial.batch.base)
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


def inputs(e: Examination) -> Check:
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


def contiguous(e: Examination) -> Check:
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
    return passed(name, title) if tried else skipped(name, title, _("no batch on which it runs"))


def _spread(tensor: Tensor) -> Tensor:
    """The same numbers with gaps between them in memory; a copy keeps the order of the dimensions."""
    if tensor.dim() < 2 or tensor.numel() < 2:
        return tensor
    return tensor.movedim(-1, 0).contiguous().movedim(0, -1)


def single(e: Examination) -> Check:
    """In float32, where rounding and overflow show what float64 hides."""
    name, title = "float32", _("float32, also at large values")
    return _in(e, name, title, torch.float32, _large(e))


def _large(e: Examination) -> list[Batch]:
    kinds = [t.batch for t in e.trials if e.fault(t) is None and t.got.works]
    found = list(kinds)
    if e.reference.entry is not None and e.reference.entry.family == "regression" and e.reference.kind.wrt == (0,):
        for batch in kinds[:2]:
            shifted = tuple((t + 4096).float().double() for t in batch.tensors[:2])
            found.append(
                Batch((*shifted, *batch.tensors[2:]), batch.form, batch.base, True, _("large numbers, small errors"))
            )
    return found


def _in(e: Examination, name: str, title: str, dtype: torch.dtype, batches: Sequence[Batch]) -> Check:
    loss = copied_to(e, dtype)
    tried, exactness = 0, {torch.float32: 2e-3, torch.float16: 0.1, torch.bfloat16: 0.3}[dtype]
    for batch in batches:
        tensors = tuple(t.to(dtype) if t.is_floating_point() else t for t in batch.tensors)
        right = [call(r, tensors, e.wrt) for r in e.losses_in(dtype)]
        exact = [call(r, [t.double() if t.is_floating_point() else t for t in tensors], e.wrt) for r in e.losses]
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
        slopes = [g for g in got.gradients if g is not None]
        finite = all(bool(g.isfinite().all()) for g in slopes)
        known = [g for r in right for g in r.gradients if g is not None]
        nan = not finite and bool(known) and all(bool(g.isfinite().all()) for g in known)
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
                says.format(dtype=_word(dtype), where=batch.name or batch.form), tensors, None,
                written(got.value) if bad else written(slopes[0]), written(want) if bad else _("finite numbers"),
                d.says, d.line, d.page,
            )  # fmt: skip
            return failed(name, title, found)
    return (
        passed(name, title)
        if tried
        else skipped(name, title, _("it does not run in {dtype}").format(dtype=_word(dtype)))
    )


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


def half(e: Examination) -> Check:
    name, title = "half", _("float16 and bfloat16")
    results = []
    for dtype in (torch.float16, torch.bfloat16):
        batches = [t.batch for t in e.ordinary() if e.fault(t) is None and t.got.works][:4]
        check = _in(e, name, title, dtype, batches)
        if check.state == FAILED:
            return check
        results.append(check)
    if results[0].state == PASSED and all(e.fault(t) is None for t in e.trials):
        many = _in(e, name, title, torch.float16, _many(e))
        if many.state == FAILED:  # told, not counted: who trains in float16 keeps batches small, or sums in float32
            return Check(name, title, WARNED, many.finding.says, None)
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
        start = time.perf_counter()
        e.call(repeated(64))
        slow = time.perf_counter() - start > 3e-3  # it loops over the samples, or pairs them all
        return [] if slow else [repeated(MANY // tensors[0].shape[0])]
    return []


def device(e: Examination) -> Check:
    name, title = "device", _("another device")
    trial = e.sample()
    if trial is None:
        return skipped(name, title, _("no batch on which it runs"))
    if not e.candidate.is_module and e.candidate.holds_tensors:
        return skipped(name, title, _("a function that brings tensors of its own along"))
    loss = e.candidate.original
    if e.candidate.is_module:
        try:
            loss = copy.deepcopy(e.candidate.loss).to("meta")
        except Exception as error:
            return skipped(name, title, f"{type(error).__name__}")
    tensors = [t.to("meta") for t in trial.batch.tensors]
    outcome = Outcome()
    try:
        result = e.reference.kind.around(loss)(*tensors)
        moved = result.device.type == "meta" if isinstance(result, Tensor) else True
    except Exception as error:
        outcome.error, moved = error, True
    said = str(outcome.error or "")
    mixed = any(words in said for words in ("same device", "expected device", "two devices"))
    if mixed or not moved:
        diagnosis = (
            _("a tensor of the module is no buffer, so .to(device) leaves it behind: register_buffer")
            if e.candidate.is_module and _loose(e.candidate.loss)
            else _("a new tensor is made on the CPU: make it with device=input.device, or input.new_tensor")
        )
        found = Finding(
            _("On another device than the CPU the loss fails: {said}").format(said=said.splitlines()[0] if said else ""),
            trial.batch.tensors, None, "", "", diagnosis,
            line_of(e, trial, ("tensor", "zeros", "ones", "eye", "arange", "full", "one_hot")), "guide/custom-losses",
        )  # fmt: skip
        return failed(name, title, found)
    if outcome.error is not None:
        return skipped(name, title, _("it looks at values, which a tensor without data does not have"))
    return passed(name, title)


def _loose(module: torch.nn.Module) -> list[str]:
    """Tensors of a module that are neither parameters nor buffers."""
    return [n for m in module.modules() for n, v in vars(m).items() if isinstance(v, Tensor)]


def output(e: Examination) -> Check:
    """The dtype of the result; only told, as a loss may choose to answer in float32."""
    name, title = "dtype", _("dtype of the result")
    trial = e.sample()
    if trial is None or e.single:
        return skipped(name, title, _("it computes in float32"))
    tensors = tuple(t.float() if t.is_floating_point() else t for t in trial.batch.tensors)
    got = call(copied_to(e, torch.float32), tensors, ())
    if got.value is not None and got.value.dtype != torch.float32:
        return Check(name, title, WARNED, _("float32 comes in, {dtype} goes out").format(dtype=_word(got.value.dtype)))
    return passed(name, title)


def module(e: Examination) -> Check:
    name, title = "module", _("module: copy, pickle, hooks, state, train and eval")
    if not e.candidate.is_module:
        return skipped(name, title, _("it is a function"))
    page = "guide/custom-losses"
    loss = e.candidate.original

    def fault(says: str, diagnosis: str) -> Check:
        return failed(name, title, Finding(says, diagnosis=diagnosis, page=page))

    if not hasattr(loss, "_parameters"):
        return fault(_("The module was not set up."), _("super().__init__() is missing in __init__"))
    scripted = isinstance(loss, torch.jit.ScriptModule)
    try:
        copied = copy.deepcopy(loss)
    except Exception as error:
        return fault(
            _("The module cannot be copied: {said}").format(said=error),
            _("it holds a tensor with a graph, or something that cannot be copied"),
        )
    bad = [] if scripted else list(_unpicklable(loss))
    if bad:
        return fault(
            _("The module cannot be pickled, so neither saved whole nor sent to another process."),
            _("the attribute {name} cannot be pickled, as a lambda cannot: write a function with def").format(
                name=bad[0]
            ),
        )
    trial = e.sample()
    if trial is None:
        return passed(name, title)
    rung = []
    module = e.candidate.loss
    if not scripted:
        with module.register_forward_hook(lambda *_: rung.append(1)):
            e.call(trial.batch)
        if not rung:
            return fault(
                _("Forward hooks are not called."), _("the class defines __call__ itself: name the method forward")
            )
    for mode in (False, True):
        module.train(mode)
        again = e.call(trial.batch)
        if again.value is None or not close(again.value, trial.got.value, e.tolerance):
            return fault(
                _("The loss is another one after .eval() or .train()."),
                _("something in it depends on the mode: dropout, batch norm, or self.training"),
            )
    before = {k: v.clone() for k, v in loss.state_dict().items()}
    try:
        copied.load_state_dict(before)
    except Exception as error:
        return fault(
            _("Its state cannot be loaded again: {said}").format(said=error), _("state_dict does not fit the module")
        )
    return passed(name, title)


def _unpicklable(module: torch.nn.Module, path: str = "") -> list[str]:
    """Attributes that can never be pickled: lambdas, generators, open files, locks."""
    found = []
    for name, value in vars(module).items():
        if name.startswith("_") and name in torch.nn.Module().__dict__:
            continue
        if (
            isinstance(value, types.FunctionType)
            and value.__name__ == "<lambda>"
            or isinstance(value, (types.GeneratorType, io.IOBase))
        ):
            found.append(path + name)
        elif type(value).__module__ == "_thread":
            found.append(path + name)
        elif type(value).__module__ in ("functools", "builtins") and not isinstance(value, (types.FunctionType, type)):
            try:
                pickle.dumps(value)
            except Exception as error:
                if "lambda" in str(error):
                    found.append(path + name)
    for name, child in module.named_children():
        found += _unpicklable(child, f"{path}{name}.")
    return found


def compiled(e: Examination) -> Check:
    name, title = "compile", _("torch.compile")
    trial = e.sample()
    if trial is None:
        return skipped(name, title, _("no batch on which it runs"))
    torch.compiler.set_stance("default")
    try:
        loss = torch.compile(e.loss, backend="aot_eager", fullgraph=True)
        again = call(loss, trial.batch.tensors, e.wrt)
    finally:
        torch.compiler.reset()
    if again.error is not None:
        said = str(again.error).strip().splitlines()[0]
        return failed(
            name, title, Finding(_("It cannot be compiled as one graph: {said}").format(said=said), trial.batch.tensors)
        )
    if not close(again.value, trial.got.value, e.tolerance):
        return failed(
            name,
            title,
            Finding(
                _("Compiled it gives another number."),
                trial.batch.tensors,
                None,
                written(again.value),
                written(trial.got.value),
            ),
        )
    return passed(name, title)


CHECKS: tuple[Callable[[Examination], Check], ...] = (
    calls, value, gradient, forms, edges, edge_gradients, reductions, settings, upstream, second_backward, repeatable,
    whole, inputs, contiguous, single, half, output, device, module,
)  # fmt: skip
