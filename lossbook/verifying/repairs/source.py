"""Changes of what stands in the source of a loss in plain Python, which torch does not see: calls, loops, branches."""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from ...language import gettext as _
from ...tracing import body_of
from .call import is_own

FUNCTIONS = 8  #: of a loss and what it calls that are looked at
LONGEST = 100  #: characters of an expression that are shown


@dataclass(frozen=True)
class Edit:
    """Something else that stands at one place of the source."""

    says: str
    line: str  #: the source line with its number
    function: FunctionType
    code: CodeType

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Within it the function runs as if the other source stood there."""
        before = self.function.__code__
        self.function.__code__ = self.code
        try:
            yield
        finally:
            self.function.__code__ = before


def edits(loss: Any, changes: Sequence[Change]) -> Iterator[Edit]:
    """These changes of the code of a loss, and of the functions of its own that it calls."""
    sources = [source for function in _functions(loss) if (source := _Source.of(function)) is not None]
    for change in changes:
        for source in sources:
            yield from source.edits(change)


def _functions(loss: Any) -> list[FunctionType]:
    """The function whose lines compute the loss, and those that it names: helpers, methods."""
    found: list[FunctionType] = []
    waiting = [body_of(loss)]
    owner = type(loss) if not inspect.isfunction(loss) else None
    while waiting and len(found) < FUNCTIONS:
        function = waiting.pop(0)
        function = inspect.unwrap(function) if callable(function) else None
        if not isinstance(function, FunctionType) or function in found or not _belongs(function, found):
            continue
        found.append(function)
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        closed = {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
        for name in (*function.__code__.co_names, *closed):
            waiting.append(closed.get(name, function.__globals__.get(name, getattr(owner, name, None))))
    return found


def _belongs(function: FunctionType, known: list[FunctionType]) -> bool:
    """Whether a function stands in the folder or package of the loss, which is the first of those known."""
    if not is_own(function.__code__.co_filename):
        return False
    homes = [Path(f.__code__.co_filename).parent for f in (function, *known[:1])]
    packages = [str(f.__module__).partition(".")[0] for f in (function, *known[:1])]
    return homes[0] == homes[-1] or packages[0] == packages[-1]


def _is_filled(cell: Any) -> bool:
    with contextlib.suppress(ValueError):
        cell.cell_contents  # noqa: B018
        return True
    return False


Node = ast.AST | list[ast.AST]  #: several statements where one stood
Change = Callable[[ast.AST], Iterator[tuple[str, Node]]]  #: what is said, and what stands there instead


@dataclass(frozen=True)
class _Source:
    """A function, and the tree of its source with the lines of its file."""

    function: FunctionType
    tree: ast.FunctionDef
    lines: list[str]
    first: int

    @staticmethod
    def of(function: FunctionType) -> _Source | None:
        try:
            lines, first = inspect.getsourcelines(function)
            tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        except (OSError, TypeError, SyntaxError, ValueError, IndexError):
            return None
        if not isinstance(tree, ast.FunctionDef) or "__class__" in function.__code__.co_freevars:
            return None
        tree.decorator_list = []
        return _Source(function, tree, lines, first)

    def edits(self, change: Change) -> Iterator[Edit]:
        for number, node in enumerate(ast.walk(self.tree)):
            for says, new in change(node):
                code = self._compiled(number, new)
                if code is not None:
                    line = getattr(node, "lineno", 1)
                    shown = f"{self.first + line - 1}: {self.lines[line - 1].strip()}"
                    yield Edit(says, shown, self.function, code)

    def _compiled(self, number: int, new: Node) -> CodeType | None:
        """The code of the function with another node in the place of this one."""
        tree = copy.deepcopy(self.tree)
        old = next(itertools.islice(ast.walk(tree), number, None))
        changed = _Put(old, copy.deepcopy(new)).visit(tree)
        before = self.function.__code__
        names = [ast.arg(name) for name in before.co_freevars]
        empty: Any = {"posonlyargs": [], "kwonlyargs": [], "kw_defaults": [], "defaults": []}
        outer = ast.FunctionDef("outer", ast.arguments(args=names, **empty), [changed], [])
        module = ast.increment_lineno(ast.fix_missing_locations(ast.Module([outer], [])), self.first - 1)
        with contextlib.suppress(SyntaxError, ValueError, TypeError):
            code = compile(module, before.co_filename, "exec")
            inner = _within(_within(code, "outer"), before.co_name)
            if inner is not None and inner.co_freevars == before.co_freevars:
                return inner
        return None


def _within(code: CodeType | None, name: str) -> CodeType | None:
    constants = code.co_consts if code is not None else ()
    return next((c for c in constants if isinstance(c, CodeType) and c.co_name == name), None)


class _Put(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: Node) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def _of_exchanged(node: ast.AST) -> Iterator[tuple[str, Node]]:
    """Two arguments of a call in each other's place."""
    if not isinstance(node, ast.Call) or any(isinstance(a, ast.Starred) for a in node.args):
        return
    places = [*range(len(node.args)), *(k.arg for k in node.keywords if k.arg)]
    for one, other in itertools.combinations(places, 2):
        new = copy.deepcopy(node)
        a, b = _argument(new, one), _argument(new, other)
        if ast.unparse(a) == ast.unparse(b) or any(
            isinstance(x, ast.Constant) and isinstance(x.value, str) for x in (a, b)
        ):
            continue
        _set_argument(new, one, b)
        _set_argument(new, other, a)
        says = _("two arguments of a call are in each other's place: right with {new} in the place of {old}")
        yield _said(says, node, new), new


def _argument(call: ast.Call, place: int | str) -> ast.expr:
    if isinstance(place, int):
        return call.args[place]
    return next(k.value for k in call.keywords if k.arg == place)


def _set_argument(call: ast.Call, place: int | str, value: ast.expr) -> None:
    if isinstance(place, int):
        call.args[place] = value
    else:
        next(k for k in call.keywords if k.arg == place).value = value


def _said(says: str, old: ast.AST, new: ast.AST) -> str:
    return says.format(old=_shown(old), new=_shown(new))


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return f"`{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}`"


def _of_ranges(node: ast.AST) -> Iterator[tuple[str, Node]]:
    """A loop that begins or ends one step earlier or later; one index more or less."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        says = _("a loop runs over the wrong range: right with {new} in the place of {old}")
        ends = node.args[:2] if len(node.args) > 1 else [ast.Constant(0), *node.args]
        for begin, end in ((0, -1), (0, 1), (1, 0), (-1, 0), (1, 1), (-1, -1)):
            new = ast.Call(node.func, [_plus(ends[0], begin), _plus(ends[1], end), *node.args[2:]], [])
            yield _said(says, node, new), new
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for at, part in enumerate(index):
            for step in (1, -1) if isinstance(part, (ast.Name, ast.BinOp)) else ():
                parts = [_plus(p, step) if i == at else p for i, p in enumerate(index)]
                inside = ast.Tuple(parts, ast.Load()) if isinstance(node.slice, ast.Tuple) else parts[0]
                says = _("another index: right with {new} in the place of {old}")
                other = ast.Subscript(node.value, inside, node.ctx)
                yield _said(says, node, other), other


def _plus(node: ast.expr, step: int) -> ast.expr:
    """The number that an expression stands for, or one more or one less, as people write it."""
    if not step:
        return node
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return ast.Constant(node.value + step)
    back = ast.Sub if step > 0 else ast.Add
    if isinstance(node, ast.BinOp) and isinstance(node.op, back) and _is_one(node.right):
        return node.left
    return ast.BinOp(node, ast.Add() if step > 0 else ast.Sub(), ast.Constant(1))


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _of_turns(node: ast.AST) -> Iterator[tuple[str, Node]]:
    """What each turn of a loop leaves: overwritten where it should be added up, returned where others should follow."""
    if not isinstance(node, (ast.For, ast.While)):
        return
    for at, statement in enumerate(node.body):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            added = ast.AugAssign(statement.targets[0], ast.Add(), statement.value)
            says = _(
                "each turn of the loop overwrites what the one before it gave: right with {new} in the place of {old}"
            )
            yield _said(says, statement, added), _with_body(node, [*node.body[:at], added, *node.body[at + 1 :]])
        if isinstance(statement, ast.Return) and at and at == len(node.body) - 1:
            says = _("the loop already returns in its first turn: right with {old} after the loop")
            yield _said(says, statement, statement), [_with_body(node, node.body[:at]), statement]


def _with_body(loop: ast.For | ast.While, body: list[ast.stmt]) -> ast.For | ast.While:
    new = copy.copy(loop)
    new.body = body
    return new


def _of_branches(node: ast.AST) -> Iterator[tuple[str, Node]]:
    """The other branch of an `if`."""
    if isinstance(node, (ast.If, ast.IfExp)):
        new = copy.copy(node)
        new.test = ast.UnaryOp(ast.Not(), node.test)
        says = _("a condition is inverted: right with {new} in the place of {old}")
        yield _said(says, node.test, new.test), new


def _of_operations(node: ast.AST) -> Iterator[tuple[str, Node]]:
    """Another operation of two numbers of Python."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
        new = copy.copy(node)
        new.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        says = _("the sign is turned round, or two operands are exchanged: right with {new} in the place of {old}")
        yield _said(says, node, new), new
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) and _is_one(node.right):
        says = _("a number is wrong: right with {new} in the place of {old}")
        for number in (node.left, _plus(node.left, 1 if isinstance(node.op, ast.Sub) else -1)):
            yield _said(says, node, number), number


EXCHANGED: tuple[Change, ...] = (_of_exchanged,)
WRITTEN_OTHERWISE: tuple[Change, ...] = (_of_ranges, _of_turns, _of_branches, _of_operations)
