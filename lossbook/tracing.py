"""Record each operation of torch that a function calls, with its place in the function's own code; and what they show.

``with Operations(body_of(loss).__code__) as operations: value = loss(*tensors)`` records. Of ``operations.seen`` then
:func:`broadcasts` tells where numbers were paired that may not belong together, an operation's ``cut`` where the gradient
ended, its ``argument`` how far that of a log, a root, a division or an exp went, and :func:`steep` where the gradient
stops being finite.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch._subclasses.fake_tensor import FakeTensor
from torch.overrides import TorchFunctionMode, resolve_name

#: Operations that pair the numbers of two tensors. Only these can broadcast by mistake.
PAIRING = frozenset((
    "add", "sub", "subtract", "rsub", "mul", "multiply", "div", "divide", "true_divide", "pow", "maximum", "minimum",
    "max", "min", "atan2", "logaddexp", "xlogy", "where", "lerp",
    "l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "soft_margin_loss",
    "hinge_embedding_loss", "margin_ranking_loss", "gaussian_nll_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
))  # fmt: skip

#: Operations after which nobody expects a gradient: they take no more than shape and dtype, or have no slope anywhere.
WITHOUT_GRADIENT = frozenset((
    "zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "randint_like", "empty_like", "new_zeros",
    "new_ones", "new_full", "new_empty", "new_tensor", "sign", "heaviside", "grad",
))  # fmt: skip

#: Operations that take no more of their second tensor than its shape or dtype.
AS_ANOTHER = frozenset(("to", "type_as", "view_as", "reshape_as", "expand_as"))

#: Operations that turn a tensor into numbers of Python, through which no gradient flows.
TO_PYTHON = frozenset(("item", "tolist", "float"))


@dataclass(frozen=True)
class Place:
    """A line of the loss's own code: of its function, or of another one in its folder or package that it calls."""

    file: str
    line: int
    function: str
    columns: tuple[int, int, int] | None = None  #: last line, first and last byte of the expression that ran

    @property
    def code(self) -> str:
        """The line itself, without its indent; empty where there is no source."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def expression(self) -> str:
        """The part of the line that ran, such as ``(x - t) ** 2``; empty where it cannot be told."""
        if self.columns is None:
            return ""
        end, first, last = self.columns
        lines = [linecache.getline(self.file, n).encode() for n in range(self.line, end + 1)]
        if not all(lines):
            return ""
        lines[-1] = lines[-1][:last]
        lines[0] = lines[0][first:]
        return " ".join(line.decode(errors="replace").strip() for line in lines)


@dataclass(frozen=True)
class Argument:
    """How far the argument of an operation went that is not finite everywhere, or whose slope is not."""

    kind: str  #: "log", "root", "division" (its divisor), "exp" or "arc" (asin, acos, atanh)
    low: float
    high: float
    nearest: float  #: the smallest distance from 0
    dtype: torch.dtype

    def breaks(self, dtype: torch.dtype | None = None) -> bool:
        """True where the result or its slope is not finite, in this dtype or in that of the argument."""
        if self.kind == "exp":
            return self.high > math.log(torch.finfo(dtype or self.dtype).max)
        if self.kind == "arc":
            return max(-self.low, self.high) >= 1
        return (self.nearest if self.kind == "division" else self.low) <= 0


@dataclass
class Operation:
    """One call of torch while the loss ran; of one with several results one for each."""

    name: str
    line: int  #: where in the loss's own function it happened; 0 outside of it
    inputs: list[Tensor]
    result: Tensor  #: as it was then: a later operation in place does not change it
    output: Tensor | None = None  #: the result itself; None where it left torch, as by ``item``
    place: Place | None = None  #: the innermost line of the loss's own code; a helper's, where a helper called
    argument: Argument | None = None  #: of a log, a root, a division, an exp …
    shapes: tuple[tuple[int, ...], ...] = ()  #: of the inputs as they were then
    cut: bool = False  #: True where the gradient ended: its inputs carried one, and nothing that it gives does


@dataclass(frozen=True)
class Broadcast:
    """An operation that paired every number of one tensor with every one of another, as (N, 1) with (N,) does."""

    operation: Operation
    shapes: tuple[tuple[int, ...], ...]
    result: tuple[int, ...]


class Operations(TorchFunctionMode):
    """Records every operation, and the line of ``code`` that called for it."""

    def __init__(self, code: CodeType | None) -> None:
        super().__init__()
        self.code = code
        self.seen: list[Operation] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if torch.compiler.is_compiling() or functorch.maybe_current_level() is not None:
            return function(*args, **kwargs)  # what is compiled, or under vmap, has no numbers to read
        name = name_of(function)
        inputs = [x for x in tensors_in((args, kwargs)) if has_numbers(x)]
        with torch._C.DisableTorchFunction(), torch.no_grad():
            argument = _argument(name, args, kwargs)
            shapes = tuple(tuple(x.shape) for x in inputs)
        result = function(*args, **kwargs)
        left = name in TO_PYTHON and not isinstance(result, Tensor)
        outputs = [args[0]] if left or name == "setitem" else tensors_in(result)
        outputs = [x for x in outputs if has_numbers(x)]
        if outputs:
            line, place, in_forward = self._where()
            carried = any(x.requires_grad for x in (inputs[:1] if name in AS_ANOTHER else inputs))
            lost = left or not any(x.requires_grad or not x.is_floating_point() for x in outputs)
            cut = carried and lost and not in_forward and name not in WITHOUT_GRADIENT
            for x in outputs:
                output = None if left else x
                self.seen.append(Operation(name, line, inputs, snapshot(x), output, place, argument, shapes, cut))
        return result

    def _where(self) -> tuple[int, Place | None, bool]:
        """The line of the loss's own function, the innermost line of its own code, and whether within a custom forward.

        There, in the ``forward`` of an autograd function, torch records no graph: ``backward`` takes its place.
        """
        frame: FrameType | None = sys._getframe(2)
        inside: list[FrameType] = []
        while frame and frame.f_code is not self.code:
            inside.append(frame)
            frame = frame.f_back
        if frame is None:
            return 0, None, False
        inner = next((f for f in inside if is_own(f, frame)), frame)
        in_forward = not torch.is_grad_enabled() and any(is_custom_forward(f.f_code) for f in inside)
        return frame.f_lineno, place_of(inner), in_forward


@functools.lru_cache(maxsize=1024)
def name_of(function: Any) -> str:
    """The short name of a function of torch: ``add`` for ``Tensor.add_`` and ``Tensor.__add__``, ``T`` for a property."""
    parts = (resolve_name(function) or getattr(function, "__name__", str(function))).split(".")
    return (parts[-2] if parts[-1] == "__get__" else parts[-1]).strip("_")


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors of a value, those within lists, tuples and dicts too."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [x for item in value for x in tensors_in(item)] if isinstance(value, (list, tuple)) else []


def has_numbers(value: Tensor) -> bool:
    """True where the numbers can be read: not on the meta device, nor in a fake tensor."""
    return not (value.is_meta or isinstance(value, FakeTensor))


def is_own(frame: FrameType, loss: FrameType) -> bool:
    """True for code of the same package or folder as that of the loss. Of torch itself nothing is followed."""
    package, other = (str(f.f_globals.get("__name__", "")).partition(".")[0] for f in (loss, frame))
    if "torch" in (package, other):
        return False
    home, file = loss.f_code.co_filename, frame.f_code.co_filename
    return package == other or (not file.startswith("<") and os.path.dirname(home) == os.path.dirname(file))


def is_custom_forward(code: CodeType) -> bool:
    """True for the code of the ``forward`` of a `torch.autograd.Function`."""
    kinds = list(torch.autograd.Function.__subclasses__()) if code.co_name == "forward" else []
    for kind in kinds:
        kinds += kind.__subclasses__()
    return any(getattr(kind.forward, "__code__", None) is code for kind in kinds)


def place_of(frame: FrameType) -> Place:
    """The line that a frame is at."""
    code = frame.f_code
    positions = _positions(code)[frame.f_lasti // 2]
    line, end, first, last = positions
    columns = None if end is None or first is None or last is None or line is None else (end, first, last)
    return Place(code.co_filename, line or frame.f_lineno, code.co_name, columns)


@functools.lru_cache(maxsize=256)
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    return list(code.co_positions())


def snapshot(value: Tensor) -> Tensor:
    """Copy a tensor, without its graph; `requires_grad` is kept."""
    with torch._C.DisableTorchFunction(), torch.no_grad():
        copy = value.detach().clone()
        return copy.requires_grad_(value.requires_grad) if value.is_floating_point() else copy


def body_of(loss: Callable) -> Any:
    """Return the function whose lines compute the loss."""
    if isinstance(loss, torch.nn.Module):
        forward = getattr(type(loss), "forward", None)  # none in TorchScript
        return inspect.unwrap(forward) if callable(forward) else None
    function = inspect.unwrap(loss)
    if isinstance(function, functools.partial):
        return body_of(function.func)
    if inspect.ismethod(function):
        owner = function.__self__
        if inspect.isclass(owner) and issubclass(owner, torch.autograd.Function):
            return owner.__dict__.get("forward")
        return function.__func__
    return function if inspect.isfunction(function) else type(function).__call__


def broadcasts(operations: Iterable[Operation], given: Iterable[Tensor]) -> Iterator[Broadcast]:
    """Where two tensors of different rank were paired, N numbers with N, to N × N.

    What is meant is left out: a tensor against itself, as in ``x[:, None] - x``; a constant, that is what was not
    computed from ``given``, the loss's arguments; tensors of one rank, as (N, 1) with (1, N).
    """
    derived = {id(tensor) for tensor in given}
    for operation in operations:
        inputs = [pair for pair in zip(operation.inputs, operation.shapes, strict=True) if id(pair[0]) in derived]
        if inputs and operation.output is not None:
            derived.add(id(operation.output))
        if operation.name not in PAIRING:
            continue
        if any(crossed(one, other) and _root(a) is not _root(b) for a, one in inputs for b, other in inputs):
            yield Broadcast(operation, operation.shapes, _together(operation.shapes))


def _together(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that shapes are broadcast to. torch.broadcast_shapes would import sympy, which takes seconds."""
    shapes = list(shapes)
    rank = max(map(len, shapes))
    return tuple(map(max, zip(*((1,) * (rank - len(s)) + tuple(s) for s in shapes), strict=True)))


def crossed(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """True where the second shape has fewer dimensions, and one size of each spreads over the other: (N, 1), (N,)."""
    if not 0 < len(other) < len(one):
        return False
    pairs = list(zip(one, (1,) * (len(one) - len(other)) + other, strict=True))
    only_one, only_other = {m for m, n in pairs if n == 1}, {n for m, n in pairs if m == 1}
    return all(m == n or 1 in (m, n) for m, n in pairs) and bool((only_one & only_other) - {1})


def _root(tensor: Tensor) -> Tensor:
    return tensor if tensor._base is None else tensor._base


def steep(operations: Iterable[Operation], value: Tensor) -> list[Operation]:
    """The operations that got a finite gradient from ``value`` and hand down one that is not, as a root of 0 does."""
    reached = {id(x): x for o in operations for x in (*o.inputs, o.output) if x is not None and x.requires_grad}
    if not value.requires_grad or not reached:
        return []
    found = torch.autograd.grad(value, [*reached.values()], torch.ones_like(value), True, allow_unused=True)
    gradients = {i: g for i, g in zip(reached, found, strict=True) if g is not None}
    if all(bool(g.isfinite().all()) for g in gradients.values()):
        return []
    where: list[Operation] = []
    after: set[int] = set()  # made of what they gave: the gradient of their input passes through them too
    for o in operations:
        first = not any(id(x) in after for x in o.inputs)
        if first and _is_steep(o, gradients.get(id(o.output))):
            where.append(o)
        if not first or (where and where[-1] is o):
            after.add(id(o.output))
    return where


def _is_steep(operation: Operation, gradient: Tensor | None) -> bool:
    inputs = [x for x in operation.inputs if x.requires_grad and x is not operation.output]
    output = operation.output
    if gradient is None or not bool(gradient.isfinite().all()) or not inputs or output is None:
        return False
    handed = torch.autograd.grad(output, inputs, gradient, retain_graph=True, allow_unused=True)
    return any(g is not None and not bool(g.isfinite().all()) for g in handed)


def _argument(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Argument | None:
    """What an operation is going to be given, if it is one of those that are not finite everywhere."""
    values = [*args, *kwargs.values()]
    if not values:
        return None
    first, second = values[0], values[1] if len(values) > 1 else None
    if name in ("log", "log2", "log10"):
        return _measured("log", first)
    if name == "log1p":
        return _measured("log", first, 1.0)
    if name in ("xlogy", "special_xlogy"):
        return _measured("log", second)
    if name in ("sqrt", "rsqrt"):
        return _measured("root", first)
    if name == "pow" and isinstance(second, float) and not second.is_integer():
        return _measured("root", first)
    if name in ("div", "divide", "true_divide"):
        return _measured("division", second)
    if name in ("reciprocal", "rdiv", "rtruediv") or (
        name == "pow" and isinstance(second, (int, float)) and second < 0
    ):
        return _measured("division", first)
    if name == "mean" and isinstance(first, Tensor) and not first.numel():
        return Argument("division", 0.0, 0.0, 0.0, first.dtype)
    if name in ("exp", "expm1", "sinh", "cosh") and isinstance(first, Tensor) and first.is_floating_point():
        return _measured("exp", first)
    return _measured("arc", first) if name in ("asin", "acos", "atanh", "arcsin", "arccos", "arctanh") else None


def _measured(kind: str, value: Any, plus: float = 0.0) -> Argument | None:
    if not isinstance(value, Tensor) or not value.numel() or value.is_complex() or not has_numbers(value):
        return None
    numbers = value.detach().to("cpu", torch.float64) + plus
    numbers = numbers[~numbers.isnan()]
    if not numbers.numel():
        return None
    low, high = numbers.aminmax()
    return Argument(kind, low.item(), high.item(), numbers.abs().min().item(), value.dtype)
