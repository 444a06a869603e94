"""How a loss is called that torch's way does not fit: another order, another result, a memory."""

from __future__ import annotations

import copy
import functools
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...language import message


@dataclass(frozen=True)
class Adapter:
    """What stands between the checks and the loss, as :func:`lossbook.verify` got it."""

    call: Callable | None = None  #: called with the loss and the inputs, instead of the loss with the inputs
    pick: str | int | None = None  #: which part of what comes back is the loss
    make: Callable | None = None  #: called with what was given, makes the loss of it
    fresh: bool = False  #: whether each call gets a copy, so that nothing is remembered

    def __post_init__(self) -> None:
        for name in ("call", "make"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise TypeError(
                    message(
                        "{name} must be a function whose first argument is the loss, got {kind}.",
                        name=name,
                        kind=type(value).__name__,
                    )
                )
        if self.pick is not None and (isinstance(self.pick, bool) or not isinstance(self.pick, (str, int))):
            raise TypeError(
                message(
                    'pick must be the name or the position of the loss in what comes back, as pick="loss" or pick=0, '
                    "got {kind}.",
                    kind=type(self.pick).__name__,
                )
            )

    def around(self, loss: Callable, **settings: Any) -> Callable:
        """The loss as the checks call it."""
        if self == PLAIN:
            return functools.partial(loss, **settings) if settings else loss

        def adapted(*args: Any, **kwargs: Any) -> Any:
            used = fresh_copy(loss) if self.fresh else loss
            result = self.call(used, *args, **kwargs, **settings) if self.call else used(*args, **kwargs, **settings)
            return result if self.pick is None else picked(result, self.pick)

        return adapted


PLAIN = Adapter()


def picked(result: Any, part: str | int) -> Tensor:
    """The part of a result that is the loss: an item of a dictionary or tuple, or an attribute."""
    try:
        return result[part] if not isinstance(part, str) or isinstance(result, Mapping) else getattr(result, part)
    except (AttributeError, LookupError, TypeError) as error:
        raise LookupError(
            message("pick={part!r} is not in what the loss returns, {result}.", part=part, result=described(result))
        ) from error


def described(result: Any) -> str:
    """What a loss returned, in a few words: ``dict(loss, logits)``, ``tuple of 2``."""
    kind = type(result).__name__
    if isinstance(result, Mapping):
        return f"{kind}({', '.join(map(str, result))})"
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return f"{kind}({', '.join(result._fields)})"
    if isinstance(result, (tuple, list)):
        return f"{kind}({', '.join(type(part).__name__ for part in result)})"
    return kind


def fresh_copy(loss: Callable) -> Callable:
    """A copy that remembers what the loss did before its first call. Parameters stay the same ones: gradients reach them."""
    owner = getattr(loss, "__self__", loss)
    shared = {id(p): p for p in owner.parameters()} if isinstance(owner, nn.Module) else {}
    return copy.deepcopy(loss, shared)


def seeded(loss: Callable, seed: int) -> Callable:
    """A loss before whose every call the random numbers begin anew."""

    def called(*args: Any, **kwargs: Any) -> Any:
        torch.manual_seed(seed)
        random.seed(seed)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(seed)
        return loss(*args, **kwargs)

    return called
