"""What an explorer is: the controls, what they are to the loss's definition, and over which of them it is drawn."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ...kit.entry import Term
from ...language import gettext as _
from . import working


@dataclass(frozen=True, kw_only=True)
class Slider:
    """A number between two ends, named in the page by what `label` returns; a setting goes by its own name."""

    low: float
    high: float
    start: float
    step: float = 0.1
    label: Callable[[], str] | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a few values: a label of ±1, the number of a class."""

    options: tuple[int, ...]
    start: int
    label: Callable[[], str] | None = None


@dataclass(frozen=True, kw_only=True)
class Explorer:
    """A formula under the finger. In `arguments` a text is the name of a control, or a formula with such names."""

    name: str  #: of the loss in the catalogue, or of what else is explored
    definition: Callable[..., Iterator[Term]]  #: in plain Python: what the page runs, and the reader may change
    page: str
    cell: str = "curves"  #: the cell of the page that it stands below: there the picture is
    title: Callable[[], str]
    value: Callable[[], str] = lambda: _("loss")  #: what the definition gives
    arguments: dict[str, Any]  #: of the definition, for one sample
    controls: dict[str, Slider | Choice]
    over: str  #: the control on the horizontal axis
    points: dict[str, tuple[str, str]] | None = None  #: points of a plane, each with the controls of its coordinates
    reduction: str = "mean"  #: of the elements of this one sample
    draws_gradient: bool = True  #: not where it would dwarf the curve
    classes: tuple[str, ...] = ()  #: the logits, as in `arguments`, whose probabilities are shown

    @property
    def source(self) -> str:
        """The text of the definition, with the constants and functions of its file that it uses."""
        return "\n\n\n".join([*_helpers(self.definition), _named(self.definition, "definition")]) + "\n"

    def request(self, values: dict[str, float] | None = None, xs: list[float] | None = None) -> dict[str, Any]:
        """What `working.answer` is asked: the page's script sends the same."""
        return {
            "source": self.source,
            "arguments": self.arguments,
            "fractions": [name for name, control in self.controls.items() if isinstance(control, Slider)],
            "variable": self.over,
            "reduction": self.reduction,
            "values": {name: control.start for name, control in self.controls.items()} | (values or {}),
            "xs": xs or [],
            "classes": list(self.classes),
        }

    def answer(self, values: dict[str, float] | None = None, xs: list[float] | None = None) -> dict[str, Any]:
        """Loss, gradient, working and curve, as the page shows them."""
        return json.loads(working.answer(json.dumps(self.request(values, xs))))


def _named(function: Callable, name: str) -> str:
    """The text of a function, under the name by which it is called."""
    return inspect.getsource(function).strip().replace(f"def {function.__name__}(", f"def {name}(", 1)


def _helpers(function: Callable) -> list[str]:
    """The texts of what a function takes from its module, and of what that takes from there."""
    texts: dict[str, str] = {}
    todo = [function]
    while todo:
        each = todo.pop()
        module = sys.modules[each.__module__]
        tree = ast.parse(inspect.getsource(each))
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        # Its arguments and variables hide the module's names.
        own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        own |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        used = {node.id for node in names} - own
        constants = {
            target.id: ast.get_source_segment(inspect.getsource(module), statement) or ""
            for statement in ast.parse(inspect.getsource(module)).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        for name in sorted(used - texts.keys() - working.names().keys()):
            found = getattr(module, name, None)
            if inspect.isfunction(found) and found is not function:
                texts[name] = _named(found, name)
                todo.append(found)
            elif name in constants:
                texts[name] = constants[name]
    return list(texts.values())
