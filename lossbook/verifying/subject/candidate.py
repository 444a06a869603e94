"""The loss under test: how it is made, how it is called, with which settings."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...kit.precision import precise
from .adapter import PLAIN, Adapter


class Candidate:
    """A function, a module or a class of modules."""

    def __init__(self, given: Any, adapter: Adapter = PLAIN) -> None:
        self.given, self.adapter = given, adapter
        self.error: Exception | None = None  #: why no loss could be made of it
        self.original: Any = given
        if adapter.make or inspect.isclass(given):
            try:
                self.original = self._made({})
            except Exception as error:
                self.error = error
        #: A module's copy in float64, so that nothing happens to the one that was given; None for a function.
        self.module = in_double(self.original) if isinstance(self.original, torch.nn.Module) else None
        self.loss: Callable = self.original if self.module is None else self.module

    @property
    def name(self) -> str:
        """The name of the function or class."""
        return getattr(self.given, "__name__", type(self.given).__name__)

    def _made(self, settings: Settings) -> Any:
        return self.adapter.make(self.given, **settings) if self.adapter.make else self.given(**settings)

    def around(self, loss: Callable) -> Callable:
        """The loss, or a copy of it, as it is to be called."""
        return self.adapter.around(loss)

    @functools.cached_property
    def accepts(self) -> frozenset[str]:
        """The keywords that it can be given, when it is called or, for a class, when it is built."""
        own = self.given if inspect.isclass(self.given) or self.module is None else None
        named = self.adapter.keywords(self.given, own)
        fixed = own.keywords if isinstance(own, functools.partial) else ()
        return named.difference(fixed)

    def with_settings(self, settings: Settings) -> Callable:
        """The loss with settings that it accepts, as it is to be called. May raise what the loss raises."""
        given = {name: precise(value) for name, value in settings.items()}
        if self.adapter.make or inspect.isclass(self.given):
            built: Any = self._made(given)
            return self.around(built.double() if isinstance(built, torch.nn.Module) else built)
        if self.adapter == PLAIN:
            return functools.partial(self.given, **given)
        return self.adapter.around(self.loss, **given)

    @property
    def holds_tensors(self) -> bool:
        """True for a function with tensors of its own, which cannot follow its inputs to another device."""
        function = self.given
        if isinstance(function, functools.partial):
            values = [*function.args, *function.keywords.values()]
            return any(isinstance(v, (Tensor, torch.nn.Module)) for v in values)
        function = inspect.unwrap(function)
        cells = [c.cell_contents for c in getattr(function, "__closure__", None) or () if _filled(c)]
        code, outside = getattr(function, "__code__", None), getattr(function, "__globals__", {})
        cells += [outside[name] for name in getattr(code, "co_names", ()) if name in outside]
        cells += list(getattr(function, "__defaults__", None) or ())
        return any(isinstance(v, (Tensor, torch.nn.Module)) for v in cells)


def in_double(module: torch.nn.Module) -> torch.nn.Module:
    """Its copy in float64; itself, where it cannot be copied."""
    try:
        return copy.deepcopy(module).double()
    except Exception:  # the check of modules says why
        return module


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
