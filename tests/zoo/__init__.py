"""Losses to try `lossbook.verify` on: wrong ones, each with one slip, and right ones in unusual styles.

Each file holds one family. A specimen is a function or a module class under `@wrong(…)` or `@right(…)`. Half of them,
chosen by the hash of their name, were open while `verify` was written; on the other half it is measured.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Specimen:
    """A loss, what it claims to be, and what is wrong with it."""

    name: str
    loss: Any  #: what `verify` gets
    like: Any
    inputs: Any = None
    settings: dict[str, Any] = field(default_factory=dict)  #: settings of `like` that the loss has built in
    kind: str = ""  #: the class of slips it belongs to; empty for a right loss
    diagnosis: str = ""  #: a regular expression that a right diagnosis matches

    @property
    def held_back(self) -> bool:
        """Whether it belongs to the half on which `verify` is measured."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


WRONG: list[Specimen] = []
RIGHT: list[Specimen] = []


def wrong(
    like: Any, kind: str, diagnosis: str, *, inputs: Any = None, build: Callable = lambda loss: loss, **settings: Any
):
    """Enter a wrong loss; `build` makes of the decorated class or function what `verify` gets."""

    def enter(loss: Any) -> Any:
        WRONG.append(Specimen(loss.__name__, build(loss), like, inputs, settings, kind, diagnosis))
        return loss

    return enter


def right(like: Any, *, inputs: Any = None, build: Callable = lambda loss: loss, **settings: Any):
    """Enter a right loss."""

    def enter(loss: Any) -> Any:
        RIGHT.append(Specimen(loss.__name__, build(loss), like, inputs, settings))
        return loss

    return enter


for module in pkgutil.iter_modules(__path__):
    if not module.name.startswith("test_"):  # the tests read the full lists
        importlib.import_module(f"{__name__}.{module.name}")
