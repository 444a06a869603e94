"""Tells from the way in which a loss fails what may be wrong: by its graph, its gradient, its operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from ...language import gettext as _
from ..compare import Sample
from ..examination import Examination
from .diagnosis import Diagnosis
from .operations import graph_of, recorded

CUSTOM = "guide/custom-losses"
#: Operations after which a new graph begins, and after which there is none.
WRAP: tuple[str, ...] = (
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
)
CUT: tuple[str, ...] = (
    "detach",
    "item",
    "numpy",
    "argmax",
    "round",
    "tensor",
    "gt",
    "ge",
    "lt",
    "eq",
    "floor",
    "sign",
    "tolist",
)


def by_gradient(samples: Sequence[Sample]) -> Diagnosis:
    """The value is right and the gradient is not: what kind of wrong."""
    cut = ("detach", "detach_", "data", "item", "tolist", "numpy", "no_grad", "requires_grad")
    if all(g is not None and bool((g == 0).all()) for s in samples for g in s.got.gradients):
        says = _("the gradient is 0 everywhere: the graph is cut, or an operation has no slope")
        return Diagnosis(says, operations=(*cut, "round", "sign", "argmax", "gt", "floor", "ceil"), page=CUSTOM)
    if any(name.endswith("Backward") for name in _backward_names(samples[0].got.result)):  # torch's own end in 0
        says = _("the backward pass that was written by hand does not belong to the forward pass")
        return Diagnosis(says, operations=("backward",), page=CUSTOM)
    says = _(
        "the value is right, but a part of the graph is cut: a factor or a branch was detached, and its slope is missing"
    )
    return Diagnosis(says, operations=cut, page=CUSTOM)


def by_cut(sample: Sample) -> Diagnosis:
    """No gradient arrives at the prediction."""
    if sample.got.carries_gradient:
        says = _(
            "the graph is cut: the result was wrapped into a new tensor with requires_grad=True, or a part was detached; no gradient reaches the input"
        )
        operations = WRAP
    else:
        says = _("the graph is cut: no gradient can flow back (item, numpy, detach, no_grad, argmax or a new tensor)")
        operations = CUT
    return Diagnosis(says, operations=operations, page=CUSTOM)


def by_infinity(examination: Examination, sample: Sample) -> Diagnosis:
    """The first operation whose result is not finite."""
    seen = recorded(examination, sample.batch)
    first = next((o for o in seen if o.result.is_floating_point() and not bool(o.result.isfinite().all())), None)
    name = first.name if first else ""
    says = {
        "log": _("the logarithm of 0: use log_softmax, logsigmoid, or clamp before the logarithm"),
        "log2": _("the logarithm of 0"),
        "log10": _("the logarithm of 0"),
        "exp": _("exp overflows: subtract the largest number first, or use log_softmax or logsumexp"),
        "div": _("a division by 0, or of infinity by infinity"),
        "true_divide": _("a division by 0"),
        "softmax": _("softmax of infinite numbers"),
        "sqrt": _("the root of a negative number"),
        "pow": _("a power that overflows"),
        "mul": _("0 times infinity, or a product that overflows"),
        "sum": _("the sum overflows"),
    }.get(name, _("a result that is no number"))
    page = {"exp": "guide/bce-with-logits", "log": "guide/cross-entropy"}.get(name, CUSTOM)
    return Diagnosis(says, operations=(name,) if name else (), page=page)


def by_infinite_gradient(sample: Sample) -> Diagnosis:
    """The value is finite, the gradient is not: the operation in the graph whose slope may be infinite."""
    names = _backward_names(sample.got.result)
    for part, says, operations in _infinite_slopes():
        if any(part in name for name in names):
            return Diagnosis(says, operations=operations, page="guide/mse")
    return Diagnosis(_("the value is finite, its gradient is not"), page="guide/mse")


def _infinite_slopes() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Part of the name of a node in the graph, what is wrong there, and the operations that make such a node."""
    yield "Sqrt", _("the slope of the root is infinite at 0: add a small number under the root"), ("sqrt",)
    yield "Norm", _("the norm has no slope at 0: add a small number under the root"), ("norm", "vector_norm")
    yield "Cdist", _("the distance has no slope at 0"), ("cdist",)
    yield (
        "Where",
        _("torch.where hides NaN in the value, not in the gradient: mend the branch's input"),
        ("where",),
    )
    yield "Log", _("the slope of the logarithm is infinite at 0: clamp before it, not after it"), ("log",)
    yield "Div", _("a division by 0 in the backward pass"), ("div",)
    yield "Pow", _("a power whose slope is infinite at 0"), ("pow",)
    yield "Acos", _("the slope of acos is infinite at 1"), ("acos",)


def _backward_names(result: Tensor) -> set[str]:
    return {type(node).__name__ for node in graph_of(result)}
