"""What happens inside of a loss of one's own: the losses of torch that it calls, and the shapes that meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..catalogue import CATALOGUE

_LOSSES = {entry.torch_function for entry in CATALOGUE if entry.torch_function is not None}
_ARITHMETIC = {
    "add",
    "sub",
    "rsub",
    "mul",
    "div",
    "pow",
    "maximum",
    "minimum",
    "eq",
    "xlogy",
    "where",
    "lt",
    "gt",
    "le",
    "ge",
    "ne",
}
MOST = 8  #: calls inside of one call that are looked at


class InnerLosses(TorchFunctionMode):
    """Records calls of torch's losses, and the shapes of tensors that are computed with one another."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable, tuple[Any, ...], dict[str, Any], Tensor]] = []
        self.used: set[str] = set()  #: the names of torch's functions that were called
        self.met: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        self.weighed: set[tuple[tuple[int, ...], tuple[int, ...]]] = (
            set()
        )  #: what carries a gradient times what does not

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in _LOSSES:
            self.used.add(function.__name__)
            result = function(*args, **kwargs)
            if len(self.calls) < MOST:
                self.calls.append((function, args, kwargs, result))
            return result
        name = getattr(function, "__name__", "").strip("_")
        self.used.add(name)
        if name in _ARITHMETIC and len(args) > 1 and isinstance(args[0], Tensor) and isinstance(args[1], Tensor):
            one, other = tuple(args[0].shape), tuple(args[1].shape)
            self.met.add((one, other))
            if name == "mul" and args[0].requires_grad != args[1].requires_grad:
                self.weighed.add((one, other) if args[0].requires_grad else (other, one))
        return function(*args, **kwargs)
