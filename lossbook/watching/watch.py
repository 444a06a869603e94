"""Told in a sentence, while it trains, that a loss is used wrongly."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import torch

from ..guards.losses import check_not_class
from ..guards.names import suggest
from ..language import Phrase, message
from .report import Report
from .rules import CALL_RULES, TRAINING_RULES
from .watcher import Watcher


def watch(loss: Callable, *, strict: bool = False) -> Any:
    """Watch how a loss is used.

    Args:
        loss: a loss: a module, a function, one of your own. It returns the very same numbers afterwards.
        strict: whether to raise an error at the first fault that is certain, instead of logging a warning.

    Returns:
        The loss, to be used as before. A module stays one of its class, with its attributes, parameters and state.
        ``report`` holds what was found; ``ignore("kind")`` silences a kind of finding.

    Raises:
        TypeError: it is not a loss.
        MisusedLossError: with ``strict``, from the call that shows the fault.

    What is found is also logged as a warning, once each, by the logger ``lossbook.watch``.

    >>> criterion = watch(torch.nn.MSELoss())
    >>> loss = criterion(torch.zeros(3, 1), torch.arange(3.0))  # doctest: +SKIP
    >>> criterion.report.findings[0].kind  # doctest: +SKIP
    'crossed-shapes'
    """
    check_not_class(loss, "watch")
    if not callable(loss):
        raise TypeError(message("watch needs a loss, a function or a module, got {kind}.", kind=type(loss).__name__))
    if isinstance(loss, torch.nn.Module):
        return _watched_module(loss, strict)
    return WatchedFunction(loss, strict)


class _Watched:
    """What a watched loss has besides."""

    _watcher: Watcher

    @property
    def report(self) -> Report:
        """What was found in its use."""
        return self._watcher.report

    def ignore(self, *kinds: str) -> None:
        """Stop telling some kinds of findings."""
        known = [rule.kind for rule in (*CALL_RULES, *TRAINING_RULES)]
        for kind in kinds:
            if kind not in known:
                raise ValueError(
                    message(
                        "watch knows no kind of finding {kind!r}. {help}",
                        kind=kind,
                        help=suggest(kind, known, Phrase("It knows")),
                    )
                )
        self._watcher.report.ignore(kinds)


class WatchedFunction(_Watched):
    """A function that is watched."""

    def __init__(self, loss: Callable, strict: bool) -> None:
        functools.update_wrapper(self, loss)
        self._watcher = Watcher(loss, strict)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._watcher.call(self.__wrapped__, args, kwargs)  # type: ignore[attr-defined]  # update_wrapper sets it

    def __reduce__(self) -> tuple:
        return _again, (self.__wrapped__, self._watcher.strict)  # type: ignore[attr-defined]


def _again(loss: Callable, strict: bool) -> Any:
    """Watch a loss that was stored or copied."""
    return watch(loss, strict=strict)


def _watched_module(loss: torch.nn.Module, strict: bool) -> torch.nn.Module:
    """A module that shares all it has with `loss`, of a class derived from its own."""
    watched = copy.copy(loss)
    watched.__class__ = _watched_class(type(loss))  # type: ignore[arg-type]  # a class can be hashed
    object.__setattr__(watched, "_watcher", Watcher(loss, strict))
    return watched


@functools.cache
def _watched_class(kind: type[torch.nn.Module]) -> type[torch.nn.Module]:
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._watcher.call(functools.partial(kind.__call__, self), args, kwargs)

    def __reduce__(self: Any) -> tuple:
        plain = copy.copy(self._watcher.loss)
        plain.__dict__ = {name: value for name, value in self.__dict__.items() if name != "_watcher"}
        return _again, (plain, self._watcher.strict)

    members = {"__call__": __call__, "__reduce__": __reduce__, "__doc__": kind.__doc__, "__module__": kind.__module__}
    return type(kind.__name__, (_Watched, kind), {**members, "__qualname__": kind.__qualname__})
