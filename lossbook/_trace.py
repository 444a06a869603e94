"""Watch a loss that is not in the catalogue while it runs: line by line, or operation by operation."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from ._steps import Step, elided, number, row
from .language import gettext as _

# Operations whose result is larger than what went in because that is what they compute.
NOT_BROADCAST = {"matmul", "__matmul__", "mm", "bmm", "outer", "einsum", "linear", "cdist", "tensordot", "bilinear"}


@dataclass
class Operation:
    """One call of torch while the loss ran."""

    name: str
    line: int  #: where in the loss's own code it happened; 0 outside of it
    inputs: list[Tensor]
    result: Any


class Operations(TorchFunctionMode):
    """Records every operation, and the line of ``code`` that called for it."""

    def __init__(self, code: CodeType | None) -> None:
        super().__init__()
        self.code = code
        self.seen: list[Operation] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = resolve_name(function) or getattr(function, "__name__", str(function))
        inputs = [x for x in (*args, *(kwargs or {}).values()) if isinstance(x, Tensor)]
        if isinstance(result, Tensor) and not name.endswith("__get__"):
            self.seen.append(Operation(name.split(".")[-1], self._line(), inputs, result))
        return result

    def _line(self) -> int:
        frame = sys._getframe()
        while frame and frame.f_code is not self.code:
            frame = frame.f_back
        return frame.f_lineno if frame else 0


def own_working(loss: Callable, tensors: tuple[Tensor, ...], settings: dict[str, Any]) -> tuple[Tensor, list[Step]]:
    """Run the reader's own loss once. Returns its value, and a step for each line, or for each operation."""
    function = _body(loss)
    statements = _statements(function)
    code = function.__code__ if statements else None
    passes: list[tuple[int, dict[str, Any]]] = []  # a line, and the local variables once it had run

    def watch(frame: FrameType, event: str, arg: Any) -> Callable | None:
        if frame.f_code is not code:
            return None
        if passes:
            passes[-1][1].update(frame.f_locals if event == "line" else {**frame.f_locals, "return": arg})
        if event == "line":
            passes.append((frame.f_lineno, {}))
        return watch

    operations, before = Operations(code), sys.gettrace()
    try:
        if code:
            sys.settrace(watch)
        with operations:
            value = loss(*tensors, **settings)
    finally:
        sys.settrace(before)
    if not isinstance(value, Tensor):
        raise TypeError(
            f"The loss must return a tensor, got {type(value).__name__}. "
            f"A Python number carries no gradient: leave out .item() and float()."
        )
    steps = _line_steps(statements, passes, operations.seen) if code else _operation_steps(operations.seen)
    return value, list(steps)


def _body(loss: Callable) -> Any:
    """The function whose lines compute the loss."""
    if isinstance(loss, torch.nn.Module):
        return type(loss).forward
    function = inspect.unwrap(loss)
    if inspect.ismethod(function):
        return function.__func__
    return function if inspect.isfunction(function) else type(function).__call__


def _statements(function: Any) -> dict[int, str]:
    """The statements that compute something, by the number of each of their lines; empty where there is no source."""
    if getattr(function, "__name__", "") == "<lambda>":  # its line holds more than itself
        return {}
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return {}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)) and node.value:
            for line in range(node.lineno, node.end_lineno + 1):
                found[first + line - 1] = ast.unparse(node)
    return found


def _line_steps(
    statements: dict[int, str], passes: list[tuple[int, dict[str, Any]]], operations: list[Operation]
) -> Iterator[Step]:
    done: set[str] = set()
    # A statement over several lines is passed several times in a row; its value is there after the last.
    for text, run in itertools.groupby(passes, key=lambda passed: statements.get(passed[0])):
        if text is None or text in done:  # of a loop, the first round is shown
            continue
        done.add(text)
        *_before, (_line, variables) = run
        value = variables.get("return") if text.startswith("return ") else variables.get(text.split()[0])
        if isinstance(value, Tensor):
            lines = [line for line, statement in statements.items() if statement == text]
            yield _step(text, value, [o for o in operations if o.line in lines])


def _operation_steps(operations: list[Operation]) -> Iterator[Step]:
    for o in operations:
        shapes = ", ".join(str(tuple(x.shape)) for x in o.inputs)
        yield _step(f"{o.name}({shapes})", o.result, [o])


def _step(say: str, value: Tensor, operations: list[Operation]) -> Step:
    return Step(say, tuple(shown(value)), value.detach(), tuple(_marks(value, operations)))


def _marks(value: Tensor, operations: list[Operation]) -> Iterator[str]:
    """What is suspicious about a line."""
    for o in operations:
        shapes = [x.shape for x in o.inputs]
        if len(shapes) > 1 and o.name not in NOT_BROADCAST and o.result.numel() > max(s.numel() for s in shapes):
            yield _("{shapes} were broadcast to {result}: numbers were paired that may not belong together").format(
                shapes=", ".join(str(tuple(s)) for s in shapes), result=tuple(o.result.shape)
            )
    if value.is_floating_point() and not bool(value.isfinite().all()):
        yield _("not finite from here on")
    if any(x.requires_grad for o in operations for x in o.inputs) and not value.requires_grad:
        yield _("the gradient ends here")


def shown(value: Tensor) -> list[str]:
    """A tensor in a few lines: a number, a row, rows; more dimensions are told by their shape."""
    value = value.detach()
    if value.is_complex() or value.dim() > 2:
        return [_("a tensor of shape {shape}").format(shape=tuple(value.shape))]
    if value.dim() == 0:
        return [number(value)]
    if value.dim() == 1:
        return [row(value)]
    return elided([row(line) for line in value])
