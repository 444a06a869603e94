"""A whole training under watch: every loss of torch that it calls, and if given its model and its optimizer."""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.compiler import is_dynamo_compiling

from ..catalogue import CATALOGUE
from .observation import name_of
from .report import Report
from .training import Training
from .watcher import Watcher, caller

MOST = 64  #: losses that are told apart, by the lines that call them
#: So many calls do not pay for finding out which line calls, where all known lines rest for eight times as many at least; the
#: fewest where they rest for less. The next call is asked: 127, 31 and 7 are prime, lest one of two lines be never asked.
UNASKED = 126, 30, 6


class WatchedLoop:
    """``with watch(model=model, optimizer=optimizer) as w``: within it torch's losses are watched wherever they are called."""

    def __init__(self, model: torch.nn.Module | None, optimizer: torch.optim.Optimizer | None, strict: bool) -> None:
        self._given: list[weakref.ref[Any] | None] = []
        self.given(model, optimizer)
        self.strict = strict
        self.report = Report("")
        self._watchers: dict[Any, Watcher] = {}
        self._trainings: list[Training] = []
        #: So many more calls are let through without a look at the line that calls; a list, which each call reads at once.
        self._unasked = [0]
        self._within = contextlib.ExitStack()
        #: Whether calls are let through: outside of the context; and while one is looked at, because under a mode of torch,
        #: such as torch.set_default_device, the call inside arrives here as well.
        self._aside = True

    def __enter__(self) -> WatchedLoop:
        loop = weakref.ref(self)
        for entry in CATALOGUE:
            if entry.torch_function is not None:
                self._within.enter_context(_replaced(entry.torch_function, loop, self._unasked))
        weakref.finalize(self, self._within.close)
        self._aside = False
        return self

    def __exit__(self, *error: Any) -> None:
        self._aside, self._unasked[0] = True, 0
        self._within.close()

    def given(self, model: torch.nn.Module | None, optimizer: torch.optim.Optimizer | None) -> None:
        """Take the model and its optimizer, held weakly. Callbacks know them only when the training begins."""
        self._given = [weakref.ref(one) if one is not None else None for one in (model, optimizer)]

    def ignore(self, *kinds: str) -> None:
        """Stop telling some kinds of findings."""
        self.report.ignore(kinds)

    def _watched(self, loss: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_dynamo_compiling():
            self.report.compiled = True
            return loss(*args, **kwargs)
        key = loss, caller()
        watcher = self._watchers.get(key)
        if watcher is None:
            if len(self._watchers) >= MOST:
                return loss(*args, **kwargs)
            watcher = self._watchers[key] = Watcher(loss, self.strict, self.report)
            self._trainings.append(watcher.training)
            watcher.training.beside = self._trainings
            watcher.training.given(*(held() if held else None for held in self._given))
            self.report.loss = ", ".join(dict.fromkeys(name_of(w.loss) for w in self._watchers.values()))
        self._aside = True
        try:
            if watcher.rest:
                watcher.rest -= 1
                self._let_through(watcher)
                return loss(*args, **kwargs)
            return watcher.call(loss, args, kwargs)
        finally:
            self._aside = False

    def _let_through(self, watcher: Watcher) -> None:
        """Let calls through unasked, if no line waits to be looked at."""
        least = min(other.rest for other in self._watchers.values())
        unasked = next((n for n in UNASKED if 8 * n <= least), UNASKED[-1] if least else 0)
        self._unasked[0] = unasked
        watcher.rest = max(0, watcher.rest - unasked // len(self._watchers))


@contextlib.contextmanager
def _replaced(loss: Callable, watching: Callable[[], WatchedLoop | None], unasked: list[int]):
    """Have a function of torch.nn.functional watched; torch's modules call the same functions."""
    name = loss.__name__
    before = getattr(torch.nn.functional, name)  # another context may watch it already

    @functools.wraps(loss)
    def call(*args: Any, **kwargs: Any) -> Any:
        if unasked[0] and not is_dynamo_compiling():  # mostly, so it comes first
            unasked[0] -= 1
            return loss(*args, **kwargs)
        loop = watching()
        if loop is None or loop._aside:
            return loss(*args, **kwargs)
        return loop._watched(loss, args, kwargs)

    setattr(torch.nn.functional, name, call)
    try:
        yield
    finally:
        setattr(torch.nn.functional, name, before)
