"""Imports run downward: a room of the package imports from the floors below its own only, and nothing in a circle."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lossbook

PACKAGE = Path(lossbook.__file__).parent
# From the ground up. Rooms of one floor do not import each other.
FLOORS = (
    ("language",),
    ("guards", "tracing", "plain_text", "listing"),
    ("softmax",),
    ("kit",),
    ("losses", "report"),
    ("catalogue", "functional", "nn", "beyond"),
    ("explaining", "plotting", "verifying", "watching"),
    ("lessons",),
    ("found",),
    ("__init__", "__main__", "testing", "pytest_plugin"),
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}


def module_of(path: Path) -> tuple[str, ...]:
    """The parts of a file's name below the package: kit/loss.py is ("kit", "loss")."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


MODULES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def imported(module: tuple[str, ...]) -> tuple[set[tuple[str, ...]], set[str]]:
    """The package's modules that a module imports, also inside of functions, and the names of other packages."""
    path = MODULES[module]
    own, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            others |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            others.add(node.module.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            folder = path.relative_to(PACKAGE).parent.parts
            home = folder[: len(folder) - node.level + 1] + tuple(filter(None, (node.module or "").split(".")))
            names = [(*home, alias.name) for alias in node.names]
            own |= {name if name in MODULES else home or ("__init__",) for name in names}
    return own, others - set(sys.stdlib_module_names)


GRAPH = {module: imported(module)[0] for module in MODULES}


def climbs(graph: dict[tuple[str, ...], set[tuple[str, ...]]]) -> list[str]:
    """Imports from the same floor or a higher one."""
    return [
        f"{'.'.join(module)} imports {'.'.join(other)}"
        for module, others in graph.items()
        for other in others
        if module[0] != other[0] and FLOOR[module[0]] <= FLOOR[other[0]]
    ]


def test_every_room_has_a_floor():
    assert {module[0] for module in MODULES} == set(FLOOR)
    assert sum(map(len, GRAPH.values())) > 300


def test_imports_run_downward():
    assert climbs(GRAPH) == []


def test_an_import_upward_is_found():
    assert climbs({("guards", "tensors"): {("kit", "text")}}) == ["guards.tensors imports kit.text"]
    assert climbs({("plotting", "plot"): {("explaining", "explain"), ("kit", "text")}}) != []


def test_no_module_imports_itself_by_a_detour():
    TopologicalSorter(GRAPH).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter(GRAPH | {("guards", "tensors"): {("guards", "layers")}}).prepare()


def test_guards_stand_on_torch_and_the_language_alone():
    guards = [module for module in MODULES if module[0] == "guards"]
    assert {name for module in guards for name in imported(module)[1]} == {"torch"}
    assert {other[0] for module in guards for other in GRAPH[module]} == {"guards", "language"}
