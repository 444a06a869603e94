"""The loss under test: how it is made, how it is called, with which settings."""

from __future__ import annotations

import copy
import dis
import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...kit.precision import precise
from ...language import gettext as _
from .adapter import PLAIN, Adapter


class Candidate:
    """A function, a module or a class of modules."""

    def __init__(self, given: Any, adapter: Adapter = PLAIN, known: Collection[str] = ()) -> None:
        self.given, self.adapter = given, adapter
        self.known = frozenset(known)  #: names of settings, which one that hands any keyword on may take
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
        return self.adapter.make(self.given, **settings) if self.adapter.make else self._class(**settings)

    def around(self, loss: Callable) -> Callable:
        """The loss, or a copy of it, as it is to be called."""
        return self.adapter.around(loss)

    @functools.cached_property
    def accepts(self) -> frozenset[str]:
        """The keywords that it can be given, when it is called or when it is built."""
        return self._when_called | self._when_made

    @functools.cached_property
    def hands_on(self) -> frozenset[str]:
        """Those of them that no signature names: ``**kwargs`` that the code uses."""
        targets = (self._calls, self._makes)
        return self.accepts.difference(*(_keywords(target) for target in targets))

    @functools.cached_property
    def _when_called(self) -> frozenset[str]:
        return _keywords(self._calls) | _handed_on(self._calls, self.known)

    @functools.cached_property
    def _when_made(self) -> frozenset[str]:
        return _keywords(self._makes) | _handed_on(self._makes, self.known)

    @property
    def _calls(self) -> Any:
        """What is called with the inputs, and maybe with settings."""
        own = self.original if self.module is None else getattr(type(self.module), "forward", None)
        return self.adapter.call or own

    @property
    def _makes(self) -> Any:
        """What it is built by."""
        return self.adapter.make or self._class

    @functools.cached_property
    def _class(self) -> Any:
        """What it is built of with other settings: the class that was given, or that of an object with defaults."""
        if inspect.isclass(self.given):
            return self.given
        return type(self.original) if self.module is not None and _has_defaults(self.original) else None

    @property
    def why_none(self) -> str:
        """Why none of the settings of the right loss was tried."""
        if self._class is None and self.module is not None and _keywords(type(self.original)):
            return _("an object has those that it was built with")
        if others := self.accepts - self.hands_on - self.known - {"reduction"}:
            names = ", ".join(sorted(others))
            return _("the right loss has none of its settings ({names})").format(names=names)
        return _("it takes none")

    def with_settings(self, settings: Settings) -> Callable:
        """The loss with settings that it accepts, as it is to be called. May raise what the loss raises."""
        given = {name: precise(value) for name, value in settings.items()}
        made_with = {name: given.pop(name) for name in given.keys() & self._when_made}
        loss: Any = self._made(made_with) if made_with else self.loss
        return self.adapter.around(loss.double() if isinstance(loss, torch.nn.Module) else loss, **given)

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


def _keywords(target: Any) -> frozenset[str]:
    """What a function or class can be given by name and has a default for; nothing for None."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = {p.name for p in parameters if p.kind in by_name and p.default is not p.empty}
    return frozenset(named.difference(target.keywords if isinstance(target, functools.partial) else ()))


def _handed_on(target: Any, known: frozenset[str]) -> frozenset[str]:
    """What a function takes by any name and makes use of; a class by its ``__init__``."""
    if inspect.isclass(target):
        target = target.__init__
    code = getattr(inspect.unwrap(target), "__code__", None) if callable(target) else None
    if code is None or not code.co_flags & inspect.CO_VARKEYWORDS or target is torch.nn.Module.__init__:
        return frozenset()
    name = code.co_varnames[code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)]
    used = any(i.opname.startswith("LOAD") and name in str(i.argval) for i in dis.get_instructions(code))
    return known.difference(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]) if used else frozenset()


def _has_defaults(module: torch.nn.Module) -> bool:
    """True if an object is as its class builds it without arguments, so that settings can be told from defaults."""
    try:
        plain = type(module)()
    except Exception:
        return False
    state, own = plain.state_dict(), module.state_dict()
    settings, given = ({n: v for n, v in vars(m).items() if isinstance(v, (int, float, str))} for m in (plain, module))
    return (
        settings == given and state.keys() == own.keys() and all(torch.equal(own[name], v) for name, v in state.items())
    )


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
