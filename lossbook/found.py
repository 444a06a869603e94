"""The losses of a module: those that are marked with what they should be held against, and those that look like one.

The mark is an attribute, so that a program which has one needs no import of this package::

    class FocalLoss(nn.Module):
        __lossbook__ = {"like": "focal", "gamma": 2.0}  # the arguments of lossbook.verify
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .language import Phrase, message
from .language import gettext as _

if TYPE_CHECKING:  # torch takes a second to load, and pytest loads its plugin each time
    from .report import Report

MARK = "__lossbook__"
LOOKS_LIKE_ONE = re.compile(r"loss|criterion", re.IGNORECASE)
BASES = re.compile(r"^Base|Base$|Mixin$|^_")  #: classes for others to derive from, and what is private


@dataclass(frozen=True)
class Found:
    """A loss of a module."""

    name: str
    loss: Any
    mark: Mapping[str, Any] | None  #: the arguments of `verify`; None for a loss without a mark


def marked_losses(module: ModuleType) -> Iterator[Found]:
    """The losses of a module that are marked."""
    for name, value in list(vars(module).items()):
        own = getattr(value, "__dict__", {})
        if not isinstance(value, ModuleType) and MARK in own and getattr(value, "__module__", "") == module.__name__:
            yield Found(name, value, own[MARK])


def losses_in(module: ModuleType) -> list[Found]:
    """The marked losses, then the classes and functions, defined here or below, that are called a loss."""
    from torch import nn

    found = list(marked_losses(module))
    known = {id(one.loss) for one in found}
    for name, value in list(vars(module).items()):
        if not LOOKS_LIKE_ONE.search(name) or BASES.search(name) or id(value) in known:
            continue
        is_loss = inspect.isfunction(value) or inspect.isclass(value) and issubclass(value, nn.Module)
        home = getattr(value, "__module__", None) or ""
        if is_loss and not inspect.isabstract(value) and (home + ".").startswith(module.__name__ + "."):
            known.add(id(value))
            found.append(Found(name, value, None))
    return found


def verified(found: Found) -> Report:
    """The report of a loss of a module, with the arguments of its mark, or else with inputs that it takes.

    Raises:
        TypeError: the mark is not a dictionary, or no usual input fits the loss.
    """
    from .verifying.alone.usual import usual_call
    from .verifying.verify import verify

    if found.mark is None:
        arguments, guessed = usual_call(found.loss)
        report = verify(found.loss, **arguments)
        if not guessed:
            return report
        settings = ", ".join(f"{name}={value}" for name, value in guessed.items())
        says = _("Guessed settings: {settings}.").format(settings=settings)
        return replace(report, handed=f"{report.handed} {says}")
    if not isinstance(found.mark, Mapping):
        raise TypeError(
            message(
                "{name}.{mark} must be a dictionary of arguments for verify, such as {example}, got {kind}.",
                name=found.name,
                mark=MARK,
                example='{"like": "mse"}',
                kind=type(found.mark).__name__,
            )
        )
    return verify(found.loss, **found.mark)


def none_found(module: ModuleType) -> ValueError:
    """The error that says what a loss looks like."""
    names = ", ".join(n for n in vars(module) if not n.startswith("_")) or Phrase("nothing")
    return ValueError(
        message(
            "{home} has no loss: no class or function with loss or criterion in its name, and none marked with {mark}. "
            "It has: {names}.",
            home=module.__name__,
            mark=MARK,
            names=names,
        )
    )
