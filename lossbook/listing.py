"""The losses by name, read from their source: what ``lossbook list`` shows without importing torch, which takes a second."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parent


@dataclass(frozen=True)
class Listed:
    """What the entry of a loss says of its names."""

    name: str
    family: str
    module: str  #: the name of its class
    also: tuple[str, ...]
    in_torch: bool


def listed() -> Iterator[Listed]:
    """Every loss of the catalogue, in its order.

    >>> first = next(listed())
    >>> first.name, first.family, first.module, first.in_torch
    ('l1', 'regression', 'L1Loss', True)
    """
    for name in ast.literal_eval(_assigned(HOME / "catalogue.py", "LOSSES")):
        entry = _assigned(HOME / "losses" / f"{name}.py", "ENTRY")
        assert isinstance(entry, ast.Call)
        given = {keyword.arg: keyword.value for keyword in entry.keywords}
        yield Listed(
            ast.literal_eval(given["name"]),
            ast.literal_eval(given["family"]),
            ast.unparse(given["module"]),
            ast.literal_eval(given["also"]) if "also" in given else (),
            "torch_module" in given,
        )


def _assigned(file: Path, name: str) -> ast.expr:
    """The expression that a file assigns to a name."""
    return next(
        statement.value
        for statement in ast.parse(file.read_text("utf-8")).body
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == [name]
    )
