"""The calls of torch that a person's own code makes, where in it they stand, and how to change one of them."""

from __future__ import annotations

import ast
import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ...language import gettext as _
from ...tracing import Place, name_of, place_of

NOT_OWN = tuple(str(Path(str(module.__file__)).parent) for module in (torch, sys.modules["lossbook"]))
ORDERED = {"sub", "div", "truediv", "true_divide", "pow"}  #: operations that get their operands as these are written
REVERSED = {"rsub", "rdiv", "rpow"}  #: and the other way round
DIVIDING = {"div", "divide", "true_divide", "truediv"}  #: the names of a division
WITHOUT_RESULT = {"set_grad_enabled", "setitem"}  #: operations that give nothing, and do something all the same
LONGEST = 60  #: characters of an expression that are shown


@dataclass(frozen=True)
class Spot:
    """An expression in somebody's own code that calls torch: the same one in every run and every turn of a loop."""

    code_id: int
    instruction: int  #: the offset of the bytecode instruction that is the call
    name: str  #: of the operation
    place: Place = field(compare=False)

    @property
    def line(self) -> str:
        """The source line with its number, as a finding shows it; empty where there is no source."""
        return f"{self.place.line}: {self.place.code}" if self.place.code else ""

    @property
    def text(self) -> str:
        """The expression as it stands in the source."""
        text = self.place.expression or self.name
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


@dataclass(frozen=True, eq=False)
class Call:
    """One call of torch, its arguments and, once it has run, its result."""

    spot: Spot
    function: Callable
    args: tuple
    kwargs: dict[str, Any]
    inputs: Sequence[Tensor]  #: the arguments of the loss
    made: dict[int, Call] = field(repr=False)  #: the calls that made the tensors of this run, by their identity
    latest: dict[Spot, Tensor] = field(repr=False)  #: what was computed before, the last time at each spot
    names: Sequence[str] = ()  #: of the arguments of the loss, where they are known
    variables: Mapping[str, Tensor] = field(default_factory=dict, repr=False)  #: the tensors that have a name there
    result: Any = None

    def again(self, *args: Any, **kwargs: Any) -> Any:
        """The same operation with other arguments."""
        return self.function(*(args or self.args), **{**self.kwargs, **kwargs})

    @property
    def tensors(self) -> list[Tensor]:
        return [a for a in self.args if isinstance(a, Tensor)]

    def name_of(self, i: int) -> str:
        """What argument i of the loss is called in its code."""
        return self.names[i] if i < len(self.names) else _("argument {n}").format(n=i + 1)

    def number_of(self, tensor: Any) -> int | None:
        """Which argument of the loss a tensor is, from 0; None if it is none of them."""
        return next((i for i, t in enumerate(self.inputs) if t is tensor), None)


def written(call: Call, i: int) -> str:
    """Operand i of a call as it stands in the source; empty where that cannot be told."""
    try:
        body = ast.parse(call.spot.place.expression, mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(body, ast.BinOp):
        sides = [body.left, body.right]
        if call.spot.name in REVERSED:
            return ast.unparse(sides[1 - i]) if i < 2 else ""
        if call.spot.name in ORDERED:
            return ast.unparse(sides[i]) if i < 2 else ""
        if not isinstance(call.args[1 - i if i < 2 else 0], Tensor) or not isinstance(call.args[i], Tensor):
            # Torch gets the tensor first, whatever is written: a number there stands on the side that is one.
            numbers = [_is_number(side) for side in sides]
            if numbers[0] == numbers[1]:
                return ""
            return ast.unparse(sides[numbers.index(not isinstance(call.args[i], Tensor))])
        return ast.unparse(sides[i])
    if isinstance(body, ast.Call):
        own = isinstance(body.func, ast.Attribute) and len(body.args) == len(call.args) - 1
        operands = [body.func.value, *body.args] if own and isinstance(body.func, ast.Attribute) else body.args
        return ast.unparse(operands[i]) if len(operands) == len(call.args) else ""
    return ""


def _is_number(side: ast.expr) -> bool:
    """Whether digits stand there, with a sign or without: of `-d + margin` neither side can be told to be a number."""
    return isinstance(side.operand if isinstance(side, ast.UnaryOp) else side, ast.Constant)


Run = Callable[[Call], Any]  #: what is done instead of a call


class Calls(TorchFunctionMode):
    """Records the calls of somebody's own code: the first one at each spot."""

    def __init__(self, inputs: Sequence[Tensor], names: Sequence[str] = ()) -> None:
        super().__init__()
        self.inputs, self.names = inputs, names
        self.made: dict[int, Call] = {}
        self.held: list[Tensor] = []  #: whose identities are in use
        self.latest: dict[Spot, Tensor] = {}
        self.first: dict[Spot, Call] = {}
        self.count = 0
        self.records = True

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        self.count += 1
        frame = _own_frame(sys._getframe(1))
        if frame is None:
            return function(*args, **(kwargs or {}))
        spot = _spot(frame, function)
        known = self.made, self.latest, self.names, _variables(frame) if self.looks_at(spot) else {}
        apart = _out_of_place(function)
        if apart is None or not args or not isinstance(args[0], Tensor):
            return self.done(Call(spot, function, args, kwargs or {}, self.inputs, *known))
        before = args[0].clone()  # else it would be made of itself
        self.stands_for(before, args[0])
        result = self.done(Call(spot, apart, (before, *args[1:]), kwargs or {}, self.inputs, *known))
        if not isinstance(result, Tensor) or result.shape != args[0].shape:
            return result
        self.stands_for(args[0], result)
        return args[0].copy_(result)

    def stands_for(self, tensor: Tensor, other: Tensor) -> None:
        """A tensor that holds the same as another one was made by the same call."""
        if id(other) in self.made:
            self.made[id(tensor)] = self.made[id(other)]
            self.held.append(tensor)

    def looks_at(self, spot: Spot) -> bool:
        """Whether the names of the tensors at this spot may be asked for."""
        return spot not in self.first

    def done(self, call: Call) -> Any:
        result = call.again()
        if isinstance(result, (Tensor, tuple)):
            done = replace(call, result=result, latest=dict(self.latest) if self.records else self.latest)
            self.first.setdefault(call.spot, done)
            if isinstance(result, Tensor):
                self.latest[call.spot] = result
            if not any(result is arg for arg in call.args):  # as of float() or contiguous(), where that does nothing
                self.made[id(result)] = done  # the call holds the result, so that the identity stays its own
        elif call.spot.name in WITHOUT_RESULT:
            self.first.setdefault(call.spot, call)
        return result


class Changed(Calls):
    """Does something else instead of the calls at some spots."""

    def __init__(self, inputs: Sequence[Tensor], spots: frozenset[Spot], run: Run) -> None:
        super().__init__(inputs)
        self.spots, self.run, self.records = spots, run, False

    def looks_at(self, spot: Spot) -> bool:
        return spot in self.spots

    def done(self, call: Call) -> Any:
        return self.run(call) if call.spot in self.spots else super().done(call)


@functools.lru_cache(maxsize=1024)
def _out_of_place(function: Callable) -> Callable | None:
    """The operation that gives what another one writes into its first argument, as add for add_ and for +=."""
    name = name_of(function)
    written = getattr(function, "__name__", "")
    if written.startswith("__i") and hasattr(Tensor, f"__{written[3:]}"):
        return getattr(Tensor, f"__{written[3:]}")
    found = getattr(Tensor, name, None) if written.endswith("_") and not written.endswith("__") else None
    return found if callable(found) else None


def _spot(frame: FrameType, function: Callable) -> Spot:
    return Spot(id(frame.f_code), frame.f_lasti, _name_of(function), place_of(frame))


def _variables(frame: FrameType) -> dict[str, Tensor]:
    return {name: value for name, value in frame.f_locals.items() if isinstance(value, Tensor)}


_name_of = functools.lru_cache(maxsize=1024)(name_of)


def _own_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame outside of torch; None where that is the book's own code."""
    while frame and _home(frame.f_code.co_filename) == 0:
        frame = frame.f_back
    return frame if frame and _home(frame.f_code.co_filename) is None else None


def is_own(file: str) -> bool:
    """True for a file that is neither of torch nor of the book."""
    return _home(file) is None


@functools.lru_cache(maxsize=1024)
def _home(file: str) -> int | None:
    """0 for torch's code, 1 for the book's, None for somebody's own."""
    return next((i for i, folder in enumerate(NOT_OWN) if file.startswith(folder + os.sep)), None)
