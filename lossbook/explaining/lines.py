"""Which lines of a loss ran, in order, and what each made: its own lines, and those of the functions that it calls."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch as functorch

from ..tracing import Operation, Operations, is_own, snapshot

Line = tuple[ast.stmt, ...]  #: the statements of one line, most often a single one
PASSES_SEVERAL_TIMES = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
MOST = 8  #: of the tensors in one list or dict that are shown


@dataclass
class Made:
    """What a statement assigned or returned under a name."""

    name: str
    value: Tensor  #: as it was then
    itself: Tensor | None  #: the same, as the loss goes on with it; None for a number of Python


@dataclass
class Visit:
    """One run of a statement; where the code has no source, a stretch of it between two calls."""

    statement: Line | None
    operations: list[Operation] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


@dataclass
class Call:
    """One call of the loss, or of a function of its own package or folder."""

    function: str
    visits: list[Visit] = field(default_factory=list)


class Lines:
    """Records the statements that run. Used with :func:`sys.settrace`, beside the operations that it shares out."""

    def __init__(self, code: CodeType | None, operations: Operations) -> None:
        self.code, self.operations = code, operations
        self.first: Call | None = None  #: that of the loss itself
        self.open: list[tuple[FrameType, Call]] = []
        self.done = 0  # operations that already belong to a visit

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Callable | None:
        if event == "call":
            return self if self._enter(frame) else None
        if not self.open or self.open[-1][0] is not frame:  # a generator that was left and comes back
            return None
        call = self.open[-1][1]
        statement = statements_of(frame.f_code).get(frame.f_lineno) if event == "line" else None
        if event == "line" and statement is not None:
            visit = call.visits[-1] if call.visits else None
            several = statement[0].lineno != statement[0].end_lineno
            if visit is None or visit.statement is not statement or not several:  # its lines are passed to and fro
                self._close(frame.f_locals)
                call.visits.append(Visit(statement))
        elif event == "return":
            self._close(frame.f_locals, arg)
            self.open.pop()
            if self.open and self.open[-1][1].visits[-1].statement is None:
                self.open[-1][1].visits.append(Visit(None))
        return self

    def _enter(self, frame: FrameType) -> bool:
        code = frame.f_code
        if not self.open:
            if code is not self.code or self.first is not None:
                return False
        elif (
            code.co_name.startswith("<")
            or code.co_flags & PASSES_SEVERAL_TIMES
            or any(f.f_code is code for f, _ in self.open)  # one that calls itself is followed no deeper
            or not is_own(frame, self.open[0][0])
            or not statements_of(code)
        ):
            return False
        if self.open:
            self._share_out()
        call = Call(code.co_qualname.rpartition("<locals>.")[2])
        if not statements_of(code):
            call.visits.append(Visit(None))
        if self.open and self.open[-1][1].visits:
            self.open[-1][1].visits[-1].calls.append(call)
        self.first = self.first or call
        self.open.append((frame, call))
        return True

    def _share_out(self) -> Visit | None:
        """Give the operations that ran to the statement that is running."""
        visits = self.open[-1][1].visits
        if visits:
            visits[-1].operations += self.operations.seen[self.done :]
        self.done = len(self.operations.seen)
        return visits[-1] if visits else None

    def _close(self, variables: dict[str, Any], returned: Any = None) -> None:
        """Store what the statement made that has just run."""
        visit = self._share_out()
        under_vmap = functorch.maybe_current_level() is not None  # there are no numbers to read
        if visit is None or visit.statement is None or visit.made or under_vmap:
            return
        with torch._C.DisableTorchFunction():
            for name, value in made_by(visit, variables, returned):
                itself = value if isinstance(value, Tensor) else None
                visit.made.append(Made(name, snapshot(torch.as_tensor(value)), itself))

    def fold(self, depth: int) -> None:
        """Keep functions down to this depth; give the operations of those below to the statements that called them."""
        order = {id(operation): i for i, operation in enumerate(self.operations.seen)}

        def fold(call: Call, depth: int) -> list[Operation]:
            for visit in call.visits:
                inner = [operation for other in visit.calls for operation in fold(other, depth - 1)]
                if depth <= 0:
                    visit.calls.clear()
                    visit.operations = sorted([*visit.operations, *inner], key=lambda operation: order[id(operation)])
            return [operation for visit in call.visits for operation in visit.operations]

        if self.first:
            fold(self.first, depth)


def depth_of(call: Call | None) -> int:
    """How many functions stand within each other."""
    inner = [depth_of(other) for visit in (call.visits if call else []) for other in visit.calls]
    return 1 + max(inner) if inner else 0


def made_by(visit: Visit, variables: dict[str, Any], returned: Any) -> Iterator[tuple[str, Tensor | float]]:
    """The tensors that a statement assigned or returned, or changed in place."""
    for statement in visit.statement or ():
        if isinstance(statement, ast.Return):
            yield from _leaves("return", returned, visit)
        elif isinstance(statement, ast.Expr):
            last = next((o.output for o in reversed(visit.operations) if o.output is not None), None)
            if last is not None and not visit.calls:
                yield "", last
        elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            for name in assigned(statement):
                first, *rest = name.split(".")
                value = functools.reduce(lambda x, part: getattr(x, part, None), rest, variables.get(first))
                yield from _leaves(name, value, visit)


def _leaves(name: str, value: Any, visit: Visit) -> Iterator[tuple[str, Tensor | float]]:
    """The tensors in a value, each with how to write it; a number that came out of a tensor is one too."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key in list(value)[:MOST]:
            yield from _leaves(f"{name}[{key!r}]", value[key], visit)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value[:MOST]):
            yield from _leaves(f"{name}[{i}]", item, visit)
    elif (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and any(o.output is None for o in visit.operations)
    ):
        yield name, value


def assigned(statement: ast.Assign | ast.AugAssign | ast.AnnAssign) -> list[str]:
    """Return the names that a statement assigns to: for ``a, b[0], self.c = …`` a, b and self.c."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    names: list[str] = []
    while targets:
        target, *targets = targets
        if isinstance(target, (ast.Tuple, ast.List)):
            targets = [*target.elts, *targets]
        elif isinstance(target, (ast.Subscript, ast.Starred)):
            targets = [target.value, *targets]
        else:
            names.append(ast.unparse(target))
    return list(dict.fromkeys(names))


@functools.lru_cache(maxsize=256)
def statements_of(code: CodeType) -> dict[int, Line]:
    """Return the statements of a function by the number of each of their lines; none where there is no source.

    Of one that holds others, such as ``if`` or ``for``, these are the lines of its head.
    """
    if code.co_name == "<lambda>":  # its source is the whole line that it stands in
        return {}
    try:
        lines, first = inspect.getsourcelines(code)
        (function,) = ast.parse(textwrap.dedent("".join(lines))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    heads: dict[int, Line] = {}
    simple: dict[int, Line] = {}
    for node in _statements_in(function):
        found, end = (heads, node.body[0].lineno - 1) if hasattr(node, "body") else (simple, node.end_lineno)
        line = (*found.get(first + node.lineno - 1, ()), node)
        for n in range(node.lineno, max(node.lineno, end or 0) + 1):
            found[first + n - 1] = line
    return heads | simple


def _statements_in(function: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a function, without those of functions and classes in it."""
    for node in ast.iter_child_nodes(function):
        inner = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))
        if isinstance(node, ast.stmt) and not inner:
            yield node
        if not inner:
            yield from _statements_in(node)
