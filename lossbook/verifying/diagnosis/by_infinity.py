"""Finds the operation at which a loss, or its gradient, stops being finite, and what went into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from ...language import gettext as _
from ...tracing import Argument, Operation
from ..compare import Sample
from ..examination import Examination
from .diagnosis import Diagnosis
from .operations import graph_of, line_at, recorded

CUSTOM = "guide/custom-losses"
LARGE = 30.0  #: numbers whose exp or sigmoid may be too large, or too small
#: Operations that put infinity there on purpose, as a mask before softmax does.
FILLING = {
    "masked_fill",
    "full",
    "full_like",
    "new_full",
    "where",
    "tensor",
    "fill",
    "triu",
    "tril",
    "setitem",
    "maximum",
}
DIVIDING = {"div", "divide", "true_divide", "truediv", "rdiv", "reciprocal"}
ADDING = {"sum", "mean", "matmul", "mm", "bmm", "dot", "einsum", "norm", "var", "std", "cumsum", "linear", "cdist"}


def by_infinity(examination: Examination, sample: Sample, loss: Callable | None = None) -> Diagnosis:
    """The first operation whose result is not finite, though what went in was."""
    seen = [o for o in recorded(examination, sample.batch, loss) if o.result.is_floating_point()]
    tensors = sample.batch.tensors
    if any(t.is_floating_point() and not bool(t.isfinite().all()) for t in tensors):
        first = next((o for o in seen if not _is_finite(o.result) and not all(map(_is_finite, o.inputs))), None)
        says = _(
            "the input holds NaN or infinity where the right loss leaves it out, and 0 times NaN is NaN: leave it out "
            "with torch.where or an index before you compute"
        )
        return Diagnosis(says, line=line_at(first), page=CUSTOM)
    broken = [o for o in seen if not _is_finite(o.result) and all(map(_is_finite, o.inputs)) and o.name not in FILLING]
    if not broken:
        broken = [o for o in seen if bool(o.result.isnan().any()) and not any(bool(x.isnan().any()) for x in o.inputs)]
    if not broken:
        return _without_operations(tensors)
    first = broken[0]
    page = {"exp": "guide/bce-with-logits", "log": "guide/cross-entropy"}.get(first.name, CUSTOM)
    return Diagnosis(cause_of(first), line=line_at(first), page=page)


def _without_operations(tensors: Sequence[Tensor]) -> Diagnosis:
    """What can be told of code that shows no operations, such as a compiled one."""
    largest = max((t.abs().max().item() for t in tensors if t.is_floating_point() and t.numel()), default=0.0)
    if largest < LARGE:
        return Diagnosis(_("a result that is no number"), page=CUSTOM)
    says = _(
        "numbers as large as {size:.3g} overflow inside, or a logarithm gets 0 there: exp, or the log of a sigmoid or "
        "softmax"
    )
    return Diagnosis(says.format(size=largest), page=CUSTOM)


def _is_finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(tensor.isfinite().all())


def cause_of(operation: Operation) -> str:
    """What is wrong with what goes into the operation."""
    name, argument, inputs = operation.name, operation.argument, operation.inputs
    kind = argument.kind if argument else ""
    if name in ("kl_div", "xlogy") and len(inputs) > 1 and bool((inputs[-1] < 0).any()):
        return _(
            "the logarithm of a negative number: logarithms of probabilities come where probabilities belong "
            "(kl_div takes them with log_target=True)"
        )
    if argument and kind == "log":
        if argument.low < 0:
            return _("the logarithm of a negative number")
        return _("the logarithm of 0: use log_softmax, logsigmoid, or clamp before the logarithm")
    if argument and kind == "root" and argument.low < 0:
        return _("the root of a negative number")
    if argument and kind == "division" and argument.nearest == 0:
        above = inputs[0] if inputs else None
        if above is not None and bool((above == 0).all()):
            return _("0 divided by 0, or the mean of nothing")
        return _("a division by 0")
    if name in DIVIDING and inputs and all(map(_is_finite, inputs)):
        return _("a division by 0")
    if kind == "exp" or name in ("exp", "expm1", "sinh", "cosh"):
        return _(
            "exp overflows: subtract the largest number first, or use log_softmax, logsumexp, softplus or logsigmoid"
        )
    if name in ("std", "var", "std_mean", "var_mean") and inputs and bool(operation.result.isnan().all()):
        return _("the standard deviation of a single number: it divides by N − 1, which is 0")
    if name in ADDING:
        says = _("the sum overflows in {dtype}: divide before you sum, or sum in float32")
        return says.format(dtype=str(operation.result.dtype).removeprefix("torch."))
    if name in ("softmax", "log_softmax", "logsumexp"):
        return _("softmax of numbers that are all minus infinity, as where a mask leaves nothing in")
    if name in ("pow", "square"):
        if inputs and bool((inputs[0] < 0).any()) and bool(operation.result.isnan().any()):
            return _("a power of a negative number")
        return _("a power that overflows, or a negative power of 0")
    if name in ("mul", "multiply"):
        if not all(map(_is_finite, inputs)):
            return _("0 times infinity")
        return _("a product that overflows")
    if name in ("cross_entropy", "nll_loss") and len(inputs) > 1 and _is_nothing(inputs[0], inputs[1]):
        return _("0 divided by 0: the mean of nothing, as every label is left out (ignore_index)")
    if name in ("binary_cross_entropy", "acos", "asin", "atanh"):
        return _("an argument outside of the range that {name} is for").format(name=name)
    return _("a result that is no number, first of {name}").format(name=name)


def _is_nothing(scores: Tensor, labels: Tensor) -> bool:
    """Whether none of the labels is a class: the scores are numbers, so it is not they that are none."""
    classes = scores.shape[1] if scores.dim() > 1 else scores.numel()
    is_class = (labels >= 0) & (labels < classes)
    return not labels.is_floating_point() and _is_finite(scores) and not bool(is_class.any())


def by_infinite_gradient(examination: Examination, sample: Sample, loss: Callable | None = None) -> Diagnosis:
    """The value is finite, the gradient is not: the operation whose slope is infinite where its argument went."""
    page = "guide/mse"
    seen = recorded(examination, sample.batch, loss)
    for o in seen:
        if o.argument and o.argument.breaks() and o.result.requires_grad:
            says = cause_of_slope(o.argument)
            if any(later.name == "where" for later in seen):
                says = _("torch.where hides NaN in the value, not in the gradient: mend the branch's input")
            return Diagnosis(says, line=line_at(o), page=page)
    names = {type(node).__name__ for node in graph_of(sample.got.result)}
    for part, says, operations in _infinite_slopes():
        if any(part in name for name in names):
            return Diagnosis(says, operations=operations, page=page)
    return Diagnosis(_("the value is finite, its gradient is not"), page=page)


def cause_of_slope(argument: Argument) -> str:
    """Why there is no slope where an argument went."""
    return {
        "log": _("the slope of the logarithm is infinite at 0: clamp before it, not after it"),
        "root": _("the slope of the root is infinite at 0: add a small number under the root"),
        "division": _("a division by 0 in the backward pass"),
        "exp": _("exp overflows in the backward pass"),
        "arc": _("the slope of acos is infinite at 1"),
    }[argument.kind]


def _infinite_slopes() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Part of the name of a node in the graph, what is wrong there, and the operations that make such a node."""
    yield "Norm", _("the norm has no slope at 0: add a small number under the root"), ("norm", "vector_norm")
    yield "Cdist", _("the distance has no slope at 0"), ("cdist",)
    yield "Sqrt", _("the slope of the root is infinite at 0: add a small number under the root"), ("sqrt",)
    yield "Pow", _("a power whose slope is infinite at 0"), ("pow",)
