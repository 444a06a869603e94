"""Which slip explains what a loss gives, and which line of its source to look at."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...tracing import Operation, Operations, body_of
from ..compare import Trial, close
from ..examination import Examination
from ..slips import Slip, slips
from ..subject.call import call

ENOUGH = 4  #: on so many batches a slip must give what the loss gives


@dataclass(frozen=True)
class Diagnosis:
    """A slip that gives the same numbers, and where it may stand."""

    says: str = ""
    line: str = ""
    page: str = ""


def diagnose(e: Examination, trials: Sequence[Trial], fault: str, settings: dict[str, Any]) -> Diagnosis:
    """Find the slip behind trials that failed with this fault."""
    trials = [t for t in trials if t.right]
    if fault in ("gradient", "gradient not finite") and any(e.fault(t) == "value" for t in e.ordinary()):
        return Diagnosis()  # a wrong formula has a wrong slope: there is no slip beside the one in the value
    if fault in ("value", "shape", "gradient"):
        slip = (
            _slip(e, trials, settings, by_gradient=fault == "gradient")
            or _ratio(e, trials, fault)
            or _offset(trials, fault)
        )
        if slip is None and fault == "gradient":
            slip = _of_gradient(e, trials)
    else:
        slip = _of_manner(e, trials, fault)
    if slip is None:
        return Diagnosis()
    return Diagnosis(slip.says, line_of(e, trials[0], slip.operations), slip.page)


def _slip(e: Examination, trials: Sequence[Trial], settings: dict[str, Any], by_gradient: bool) -> Slip | None:
    """The first slip that gives the same value, and gradient where there is one, on all of these batches."""
    trials = sorted(trials, key=lambda t: t.batch.edge)[:ENOUGH]
    values_only = None
    for slip in slips(e.reference, settings, [t.batch.tensors for t in trials]):
        loss = e.reference.kind.around(slip.loss) if e.reference.kind.around else slip.loss
        matched = 0
        exactly = True
        for trial in trials:
            if trial.got.value is None:
                break
            again = call(loss, trial.batch.tensors)
            if not again.works or again.value.numel() != trial.got.value.numel():
                break
            got = trial.got.value.reshape(again.value.shape)
            if not bool(again.value.isfinite().all()) or not close(got, again.value, e.tolerance):
                break
            if _same_everywhere(again.value, trial.best.value, e.tolerance) and not by_gradient:
                break
            slopes = call(loss, trial.batch.tensors, e.wrt).gradients
            same_slopes = _same_gradients(trial.got.gradients, slopes, e.tolerance)
            if by_gradient and not same_slopes:
                break
            exactly = exactly and same_slopes
            matched += 1
        if matched == len(trials):
            if exactly:
                return slip
            values_only = values_only or slip
    return values_only


def _same_everywhere(one: Tensor, other: Tensor, tolerance: float) -> bool:
    return one.shape == other.shape and close(one, other, tolerance)


def _same_gradients(mine: Sequence[Tensor | None], theirs: Sequence[Tensor | None], tolerance: float) -> bool:
    for a, b in zip(mine, theirs, strict=False):
        if (a is None) != (b is None):
            return False
        if a is not None and not close(a, b, 10 * tolerance):
            return False
    return True


def _constants() -> list[tuple[float, str, tuple[str, ...]]]:
    return [
        (-1.0, _("the sign is wrong: minus the right loss"), ("neg", "mean", "sum")),
        (2.0, _("twice the right loss"), ("mul",)),
        (0.5, _("half of the right loss: a factor ½ too much"), ("mul", "div")),
        (1 / math.log(2), _("the logarithm has the base 2 (log2) where the natural one belongs"), ("log2",)),
        (1 / math.log(10), _("the logarithm has the base 10 (log10) where the natural one belongs"), ("log10",)),
        (-1 / math.log(2), _("the sign is wrong, and the logarithm has the base 2"), ("log2",)),
        (-1 / math.log(10), _("the sign is wrong, and the logarithm has the base 10"), ("log10",)),
        (0.0, _("it is 0 whatever comes in"), ()),
    ]


def _counts(tensor: Tensor) -> list[tuple[float, str]]:
    n = tensor.shape[0] if tensor.dim() else 1
    c = tensor.shape[1] if tensor.dim() > 1 else 1
    rest = tensor.numel() // n if n else 1
    found = [
        (float(n), _("exactly N times too large: the sum over the batch instead of the mean")),
        (float(tensor.numel()), _("too large by the number of all elements: the sum instead of the mean")),
        (float(c), _("exactly C times too large: a sum over the columns instead of a mean")),
        (float(rest), _("too large by the number of elements of a sample: the sum over them instead of the mean")),
        (tensor.numel() / max(n * c, 1), _("too large by the number of positions: divided by the batch size only")),
    ]
    small = [
        (1 / n, _("exactly N times too small: divided by the batch size once more")),
        (1 / c, _("exactly C times too small: the mean goes over the classes too")),
        (1 / tensor.numel(), _("too small by the number of all elements: the mean instead of the sum")),
        (1 / rest, _("too small by the number of elements of a sample")),
        (n / max(n - 1, 1), _("N/(N − 1) times too large: divided by N − 1 instead of N")),
        ((n - 1) / n, _("divided by N + 1, or one sample is left out")),
    ]
    return [(value, says) for value, says in [*found, *small] if value != 1]


def _ratio(e: Examination, trials: Sequence[Trial], fault: str) -> Slip | None:
    """A constant, or a count, that the value (or, if that is right, the gradient) is off by."""
    pairs = []
    for trial in trials:
        if fault == "gradient":
            mine, right = trial.got.gradients[0], trial.best.gradients[0]
        else:
            mine, right = trial.got.value, trial.best.value
        if mine is None or right is None or mine.numel() != right.numel() or not bool(mine.isfinite().all()):
            return None
        i = int(right.abs().argmax())
        want = right.flatten()[i].item()
        if abs(want) < 1e-3:
            continue
        factor = mine.flatten()[i].item() / want
        if not close(mine.reshape(right.shape), right * factor, 1e-4):
            return None
        pairs.append((factor, trial))
    if not pairs or (len(pairs) == 1 and len(trials) > 1):
        return None
    head = _("the value is right, the gradient is not: ") if fault == "gradient" else ""
    if fault == "gradient" and all(math.isclose(f, 0.5, rel_tol=1e-4) for f, _t in pairs):
        says = _("the value is right, half of the gradient is missing: of a square, one factor was detached")
        return Slip(says, _none, ("detach", "data", "no_grad"), "guide/custom-losses")
    for value, says, operations in _constants():
        if all(math.isclose(f, value, rel_tol=1e-4, abs_tol=1e-7) for f, _t in pairs):
            return Slip(head + says, _none, operations, "guide/custom-losses" if fault == "gradient" else "")
    for k in range(len(_counts(pairs[0][1].batch.tensors[0]))):
        rows = [_counts(t.batch.tensors[0]) for _f, t in pairs]
        if all(len(row) > k for row in rows) and all(
            math.isclose(f, row[k][0], rel_tol=1e-4) for (f, _t), row in zip(pairs, rows, strict=True)
        ):
            return Slip(head + rows[0][k][1], _none, ("mean", "sum", "div"), "guide/mse")
    first = pairs[0][0]
    if fault == "value" and trials[0].best.value.dim() == 0:  # dice and its like: 1 minus something
        ratios = [
            (1 - t.got.value.item()) / (1 - t.best.value.item()) for t in trials if abs(1 - t.best.value.item()) > 1e-3
        ]
        if (
            len(ratios) > 1
            and abs(ratios[0] - 1) > 1e-3
            and all(math.isclose(r, ratios[0], rel_tol=1e-4) for r in ratios)
        ):
            says = _("what is subtracted from 1 is {factor:.6g} times what it should be").format(factor=ratios[0])
            return Slip(says, _none, ("rsub", "mul", "div"))
    if len(pairs) > 1 and all(math.isclose(f, first, rel_tol=1e-4) for f, _t in pairs):
        return Slip(
            head + _("a constant factor: {factor:.6g} times the right loss").format(factor=first), _none, ("mul", "div")
        )
    return None


def _offset(trials: Sequence[Trial], fault: str) -> Slip | None:
    """A constant that is added."""
    ends = [(t.got.value, t.best.value) for t in trials if t.got.value is not None and t.best.value.dim() == 0]
    apart = [(mine - right).item() for mine, right in ends if mine.dim() == 0]
    if (
        fault != "value"
        or len(apart) < 2
        or not all(math.isclose(a, apart[0], rel_tol=1e-5, abs_tol=1e-8) for a in apart)
    ):
        return None
    return Slip(
        _("a constant is added to the right loss: {constant:.6g}").format(constant=apart[0]), _none, ("add", "sub")
    )


def _none(*_tensors: Tensor) -> Tensor:
    raise NotImplementedError


def _of_gradient(e: Examination, trials: Sequence[Trial]) -> Slip | None:
    """The value is right and the gradient is not: what kind of wrong."""
    page = "guide/custom-losses"
    cut = ("detach", "detach_", "data", "item", "tolist", "numpy", "no_grad", "requires_grad")
    mine = [t.got.gradients[k] for t in trials for k in range(len(e.wrt)) if t.got.gradients]
    if mine and all(g is not None and bool((g == 0).all()) for g in mine):
        return Slip(
            _("the gradient is 0 everywhere: the graph is cut, or an operation has no slope"),
            _none,
            (*cut, "round", "sign", "argmax", "gt", "floor", "ceil"),
            page,
        )
    names = _backward_names(trials[0].got.result)
    if any(name.endswith("Backward") and not name.endswith("Backward0") for name in names):
        return Slip(
            _("the backward pass that was written by hand does not belong to the forward pass"),
            _none,
            ("backward",),
            page,
        )
    return Slip(
        _(
            "the value is right, but a part of the graph is cut: a factor or a branch was detached, and its slope is missing"
        ),
        _none,
        cut,
        page,
    )


def graph(result: Any, most: int = 2000) -> set[Any]:
    """The nodes of the graph behind a result."""
    queue, seen = [getattr(result, "grad_fn", None)], set()
    while queue and len(seen) < most:
        node = queue.pop()
        if node is not None and node not in seen:
            seen.add(node)
            queue += [after for after, _i in node.next_functions]
    return seen


def _backward_names(result: Any) -> set[str]:
    return {type(node).__name__ for node in graph(result)}


def _of_manner(e: Examination, trials: Sequence[Trial], fault: str) -> Slip | None:
    trial = trials[0] if trials else None
    if fault == "graph cut":
        got = trial.got
        if got.carries_gradient:
            return Slip(
                _(
                    "the graph is cut: the result was wrapped into a new tensor with requires_grad=True, or a part was detached; no gradient reaches the input"
                ),
                _none,
                (
                    "tensor",
                    "requires_grad_",
                    "requires_grad",
                    "detach",
                    "from_numpy",
                    "argmax",
                    "round",
                    "item",
                    "gt",
                    "ge",
                    "lt",
                ),
                "guide/custom-losses",
            )
        return Slip(
            _("the graph is cut: no gradient can flow back (item, numpy, detach, no_grad, argmax or a new tensor)"),
            _none,
            ("detach", "item", "numpy", "argmax", "round", "tensor", "gt", "ge", "lt", "eq", "floor", "sign", "tolist"),
            "guide/custom-losses",
        )
    if fault == "not finite":
        return _of_infinity(e, trial)
    if fault == "gradient not finite":
        return _of_nan_gradient(e, trial)
    return None


def _of_infinity(e: Examination, trial: Trial) -> Slip:
    seen = recorded(e, trial.batch)
    culprit = next((o for o in seen if o.result.is_floating_point() and not bool(o.result.isfinite().all())), None)
    name = culprit.name if culprit else ""
    says = {
        "log": _("the logarithm of 0: use log_softmax, logsigmoid, or clamp before the logarithm"),
        "log2": _("the logarithm of 0"), "log10": _("the logarithm of 0"),
        "exp": _("exp overflows: subtract the largest number first, or use log_softmax or logsumexp"),
        "div": _("a division by 0, or of infinity by infinity"), "true_divide": _("a division by 0"),
        "softmax": _("softmax of infinite numbers"),
        "sqrt": _("the root of a negative number"), "pow": _("a power that overflows"),
        "mul": _("0 times infinity, or a product that overflows"), "sum": _("the sum overflows"),
    }.get(name, _("a result that is no number"))  # fmt: skip
    page = {"exp": "guide/bce-with-logits", "log": "guide/cross-entropy"}.get(name, "guide/custom-losses")
    return Slip(says, _none, (name,) if name else (), page)


def _of_nan_gradient(e: Examination, trial: Trial) -> Slip:
    names = _backward_names(trial.got.result)
    for part, says, operations in (
        ("Sqrt", _("the slope of the root is infinite at 0: add a small number under the root"), ("sqrt",)),
        ("Norm", _("the norm has no slope at 0: add a small number under the root"), ("norm", "vector_norm")),
        ("Cdist", _("the distance has no slope at 0"), ("cdist",)),
        ("Where", _("torch.where hides NaN in the value, not in the gradient: mend the branch's input"), ("where",)),
        ("Log", _("the slope of the logarithm is infinite at 0: clamp before it, not after it"), ("log",)),
        ("Div", _("a division by 0 in the backward pass"), ("div",)),
        ("Pow", _("a power whose slope is infinite at 0"), ("pow",)),
        ("Acos", _("the slope of acos is infinite at 1"), ("acos",)),
    ):
        if any(part in name for name in names):
            return Slip(says, _none, operations, "guide/mse")
    return Slip(_("the value is finite, its gradient is not"), _none, (), "guide/mse")


def recorded(e: Examination, batch: Batch) -> list[Operation]:
    """The operations that ran in the loss, each with the line of its own code."""
    loss = e.candidate.loss
    try:
        code = body_of(loss).__code__
    except AttributeError:
        code = None
    operations = Operations(code)
    tensors = [t.clone() for t in batch.tensors]
    for i in e.wrt:
        tensors[i].requires_grad_()
    tensors = [t.clone() if t.requires_grad else t for t in tensors]
    with operations:
        call(lambda *_: e.loss(*tensors), ())
    return operations.seen


def line_of(e: Examination, trial: Trial, operations: Sequence[str]) -> str:
    """The line of the loss's own source that calls one of these operations; empty where the source does not show it."""
    if not operations:
        return ""
    try:
        function = body_of(e.candidate.loss)
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return ""
    seen = recorded(e, trial.batch)
    for name in operations:
        number = next((o.line for o in seen if o.line and o.name == name), 0)
        if not number:  # what torch does not see happen, such as .item(), stands in the text
            number = next((first + i for i, line in enumerate(lines) if f"{name}(" in line or f".{name}" in line), 0)
        if first <= number < first + len(lines):
            return f"{number}: {lines[number - first].strip()}"
    return ""
