"""Which lines of a loss ran, in order, and what each of them assigned or returned."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from torch import Tensor

from ..tracing import Operation, Operations, snapshot


@dataclass
class Visit:
    """One run of a statement, and the tensors that it assigned or returned."""

    statement: ast.stmt
    operations: list[Operation] = field(default_factory=list)
    values: dict[str, Tensor] = field(default_factory=dict)


class Lines:
    """Records which statement of a function ran, in order, and what each made. Used with :func:`sys.settrace`."""

    def __init__(self, code: CodeType | None, statements: dict[int, ast.stmt], operations: Operations) -> None:
        self.code, self.statements, self.operations = code, statements, operations
        self.visits: list[Visit] = []
        self.frame: FrameType | None = None  # the first call; a loss that calls itself is followed no deeper
        self.done = 0  # operations that already belong to a statement

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Callable | None:
        if frame.f_code is not self.code or self.frame not in (None, frame):
            return None
        self.frame = frame
        if event in ("line", "return"):
            self._close(frame.f_locals, arg if event == "return" else None)
        if event == "line":
            statement = self.statements.get(frame.f_lineno)
            again = self.visits and self.visits[-1].statement is statement and not self.visits[-1].values
            if statement is not None and not again:  # a statement over several lines is passed several times
                self.visits.append(Visit(statement))
        return self

    def _close(self, variables: dict[str, Any], returned: Any) -> None:
        """Store the operations and the tensors of the statement that has just run."""
        if not self.visits:
            return
        visit = self.visits[-1]
        visit.operations += self.operations.seen[self.done :]
        self.done = len(self.operations.seen)
        if isinstance(visit.statement, ast.Return):
            made = {"return": returned}
        else:
            made = {name: variables.get(name) for name in assigned(visit.statement)}
        if not visit.values:
            visit.values = {name: snapshot(value) for name, value in made.items() if isinstance(value, Tensor)}


def assigned(statement: ast.stmt) -> list[str]:
    """Return the names that a statement assigns to: for ``a, b[0] = …`` both a and b."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    nodes = [node for target in targets if target is not None for node in ast.walk(target)]
    return list(dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name)))


def statements_of(function: Any) -> dict[int, ast.stmt]:
    """Return the statements that compute something, by the number of each of their lines; none without source code."""
    if getattr(function, "__name__", "") == "<lambda>":  # its source is the whole line that it stands in
        return {}
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return {}
    statements: dict[int, ast.stmt] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)) and node.value:
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                statements[first + line - 1] = node
    return statements
