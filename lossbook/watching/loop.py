"""A whole training under watch: every loss of torch that it calls, and if given its model and its optimizer."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import torch

from ..catalogue import CATALOGUE
from .observation import name_of
from .report import Report
from .watcher import Watcher, caller

MOST = 64  #: losses that are told apart, by the lines that call them


class WatchedLoop:
    """``with watch(model=model, optimizer=optimizer) as w``: within it torch's losses are watched wherever they are called."""

    def __init__(self, model: torch.nn.Module | None, optimizer: torch.optim.Optimizer | None, strict: bool) -> None:
        self.model, self.optimizer, self.strict = model, optimizer, strict
        self.report = Report("")
        self._watchers: dict[Any, Watcher] = {}
        self._within = contextlib.ExitStack()

    def __enter__(self) -> WatchedLoop:
        for entry in CATALOGUE:
            if entry.torch_function is not None:
                self._within.enter_context(_replaced(entry.torch_function, self._watched))
        return self

    def __exit__(self, *error: Any) -> None:
        self._within.close()

    def ignore(self, *kinds: str) -> None:
        """Stop telling some kinds of findings."""
        self.report.ignore(kinds)

    def _watched(self, loss: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if torch.compiler.is_compiling():
            self.report.compiled = True
            return loss(*args, **kwargs)
        key = loss, caller()
        watcher = self._watchers.get(key)
        if watcher is None:
            if len(self._watchers) >= MOST:
                return loss(*args, **kwargs)
            watcher = self._watchers[key] = Watcher(loss, self.strict, self.report)
            watcher.training.given(self.model, self.optimizer)
            self.report.loss = ", ".join(dict.fromkeys(name_of(w.loss) for w in self._watchers.values()))
        return watcher.call(loss, args, kwargs)


@contextlib.contextmanager
def _replaced(loss: Callable, watched: Callable):
    """Have a function of torch.nn.functional watched; torch's modules call the same functions."""
    name = loss.__name__

    @functools.wraps(loss)
    def call(*args: Any, **kwargs: Any) -> Any:
        return watched(loss, args, kwargs)

    setattr(torch.nn.functional, name, call)
    try:
        yield
    finally:
        setattr(torch.nn.functional, name, loss)
