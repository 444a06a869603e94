"""Told in a sentence, while it trains, that a loss is used wrongly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.compiler import is_dynamo_compiling

from ..guards.losses import check_not_class
from ..language import message
from .loop import WatchedLoop
from .report import Report
from .watcher import Watcher


def watch(
    loss: Callable | None = None,
    *,
    model: torch.nn.Module | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    strict: bool = False,
) -> Any:
    """Watch how a loss is used, or a whole training.

    Args:
        loss: a loss: a module, a function, one of your own. It returns the very same numbers afterwards.
        model: the model that is trained. With it more can be seen, and parameters have names.
        optimizer: its optimizer, likewise.
        strict: whether to raise an error at the first fault that is certain, instead of logging a warning.

    Returns:
        With ``loss``: the loss, to be used as before. A module stays one of its class, with its attributes, parameters
        and state. Without: a context, ``with watch(model=model, optimizer=optimizer) as w``, within which all losses of
        torch are watched wherever they are called. Both have ``report``, which holds what was found, and
        ``ignore("kind")``, which silences a kind of finding.

    Raises:
        TypeError: it is not a loss.
        MisusedLossError: with ``strict``, from the call that shows the fault.

    What is found is also logged as a warning, once each, by the logger ``lossbook.watch``. The first 16 calls are looked
    at with all that comes back from them, then fewer and fewer. Parameters are held weakly, and nothing of a graph is kept.

    Within the context the functions of ``torch.nn.functional`` are replaced: an object that holds one from before cannot be
    pickled meanwhile. ``AdaptiveLogSoftmaxWithLoss``, which has no function there, is seen only where it is wrapped, and so
    is a function that was imported by its own name before.

    >>> criterion = watch(torch.nn.BCEWithLogitsLoss())
    >>> criterion(torch.zeros(2), torch.tensor([-1.0, 1.0]))
    tensor(0.6931)
    >>> criterion.report.findings[0].kind
    'target-outside-0-1'
    """
    if loss is None:
        return WatchedLoop(model, optimizer, strict)
    check_not_class(loss, "watch")
    if not callable(loss):
        raise TypeError(message("watch needs a loss, a function or a module, got {kind}.", kind=type(loss).__name__))
    watched = _watched_module(loss, strict) if isinstance(loss, torch.nn.Module) else WatchedFunction(loss, strict)
    watched._watcher.training.given(model, optimizer)
    return watched


class _Watched:
    """What a watched loss has besides."""

    _watcher: Watcher

    @property
    def report(self) -> Report:
        """What was found in its use."""
        return self._watcher.report

    def ignore(self, *kinds: str) -> None:
        """Stop telling some kinds of findings."""
        self._watcher.report.ignore(kinds)

    def __reduce__(self) -> tuple:
        """What `pickle` and `copy` make it from: a copy starts with nothing found."""
        watcher = self._watcher
        return _watched_again, (watcher.loss, watcher.strict, watcher.report.ignored)


class WatchedFunction(_Watched):
    """A function that is watched."""

    def __init__(self, loss: Callable, strict: bool) -> None:
        functools.update_wrapper(self, loss)
        self._watcher = Watcher(loss, strict)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        watcher = self._watcher
        if watcher.rest and not is_dynamo_compiling():
            watcher.rest -= 1
            return watcher.loss(*args, **kwargs)
        return watcher.call(watcher.loss, args, kwargs)


def _watched_again(loss: Callable, strict: bool, ignored: set[str]) -> Any:
    """Watch a loss that was stored or copied."""
    watched = watch(loss, strict=strict)
    watched.ignore(*ignored)
    return watched


def _watched_module(loss: torch.nn.Module, strict: bool) -> Any:
    """A module that shares all it has with `loss`, settings that are changed later too, of a class derived from its own."""
    kind = _watched_class(type(loss))  # type: ignore[arg-type]  # a class can be hashed
    watched = kind.__new__(kind)
    object.__setattr__(watched, "__dict__", loss.__dict__)
    object.__setattr__(watched, "_watcher", Watcher(loss, strict))  # in a slot: the dict is that of the loss
    return watched


@functools.cache
def _watched_class(kind: type[torch.nn.Module]) -> type[torch.nn.Module]:
    plain = kind.__call__ is torch.nn.Module.__call__

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        watcher = getattr(self, "_watcher", None)
        if watcher is None:  # torch.export of torch 2.6 copies a module by its dict alone
            return kind.__call__(self, *args, **kwargs)
        if watcher.rest and not is_dynamo_compiling():
            watcher.rest -= 1
            if plain and self._compiled_call_impl is None:  # what torch's own __call__ does then: a frame less
                return self._call_impl(*args, **kwargs)
            return watcher.loss(*args, **kwargs)
        return watcher.call(watcher.loss, args, kwargs)  # whose own `report` is not hidden, if it has one

    names = {name: getattr(kind, name) for name in ("__doc__", "__module__", "__qualname__")}
    return type(kind.__name__, (_Watched, kind), {**names, "__call__": __call__, "__slots__": ("_watcher",)})
