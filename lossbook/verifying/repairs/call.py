"""The calls of torch that a person's own code makes, where in it they stand, and how to change one of them."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

NOT_OWN = tuple(str(Path(str(module.__file__)).parent) for module in (torch, sys.modules["lossbook"]))
LONGEST = 60  #: characters of an expression that are shown


@dataclass(frozen=True)
class Place:
    """An expression in somebody's own code that calls torch."""

    code: CodeType = field(compare=False)  #: by its identity, as code compares all that it holds
    code_id: int
    instruction: int  #: the offset of the bytecode instruction that is the call
    name: str  #: of the operation

    @property
    def _span(self) -> tuple[int, int, int, int]:
        first, last, start, end = list(self.code.co_positions())[self.instruction // 2]
        return first or 0, last or 0, start or 0, end or 0

    @property
    def line(self) -> str:
        """The source line with its number, as a finding shows it; empty where there is no source."""
        number = self._span[0]
        text = linecache.getline(self.code.co_filename, number).strip()
        return f"{number}: {text}" if text else ""

    @property
    def text(self) -> str:
        """The expression as it stands in the source, on one line."""
        first, last, start, end = self._span
        lines = [linecache.getline(self.code.co_filename, n).encode() for n in range(first, last + 1)]
        if not lines or not lines[0]:
            return self.name
        lines[-1] = lines[-1][:end]  # before the start, as both may be the same line
        lines[0] = lines[0][start:]
        text = " ".join(b" ".join(lines).decode(errors="ignore").split())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


@dataclass(frozen=True, eq=False)
class Call:
    """One call of torch, its arguments and, once it has run, its result."""

    place: Place
    function: Callable
    args: tuple
    kwargs: dict[str, Any]
    inputs: Sequence[Tensor]  #: the arguments of the loss
    made: dict[int, Call] = field(repr=False)  #: the calls that made the tensors of this run, by their identity
    result: Any = None

    def again(self, *args: Any, **kwargs: Any) -> Any:
        """The same operation with other arguments."""
        return self.function(*(args or self.args), **{**self.kwargs, **kwargs})

    @property
    def tensors(self) -> list[Tensor]:
        return [a for a in self.args if isinstance(a, Tensor)]

    def number_of(self, tensor: Any) -> int | None:
        """Which argument of the loss a tensor is, from 0; None if it is none of them."""
        return next((i for i, t in enumerate(self.inputs) if t is tensor), None)


Run = Callable[[Call], Any]  #: what is done instead of a call


class Calls(TorchFunctionMode):
    """Records the calls of somebody's own code; at one place, does something else instead."""

    def __init__(self, inputs: Sequence[Tensor], place: Place | None = None, run: Run | None = None) -> None:
        super().__init__()
        self.inputs, self.place, self.run = inputs, place, run
        self.made: dict[int, Call] = {}
        self.first: dict[Place, Call] = {}  #: the first call at each place
        self.count = 0

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        self.count += 1
        name = _name(function)
        frame = _own_frame(sys._getframe(1))
        if frame is None:
            return function(*args, **(kwargs or {}))
        place = Place(frame.f_code, id(frame.f_code), frame.f_lasti, name)
        call = Call(place, function, args, kwargs or {}, self.inputs, self.made)
        if self.run is not None and place == self.place:
            return self.run(call)
        result = call.again()
        if isinstance(result, (Tensor, tuple)):
            done = Call(place, function, args, kwargs or {}, self.inputs, self.made, result)
            self.first.setdefault(place, done)
            self.made[id(result)] = done  # the call holds the result, so that the identity stays its own
        elif name == "set_grad_enabled":
            self.first.setdefault(place, call)
        return result


def _name(function: Callable) -> str:
    name = getattr(function, "__name__", "").strip("_")
    return (resolve_name(function) or "").split(".")[-2] if name == "get" else name


def _own_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame outside of torch; None where that is the book's own code."""
    while frame and frame.f_code.co_filename.startswith(NOT_OWN[0]):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(NOT_OWN[1]):
        return None
    return frame
