"""The reference: the losses that are right, their settings, and the inputs to try."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ...catalogue import find, lookup, settings_of_module
from ...kit.batches.batch import Batch, Kind, Settings
from ...kit.entry import Entry
from ...kit.loss import settings_of
from ...kit.precision import cast, precise
from ...language import Phrase, message
from .adapter import Adapter, seeded
from .candidate import in_double
from .given import Given, far_away, without
from .outcome import Answered, Failed, call
from .state import TakesTooLong


@dataclass(frozen=True)
class Reference:
    """A loss that is right."""

    name: str
    losses: tuple[Callable, ...]  #: the same loss, as lossbook and as torch compute it: either result is right
    kind: Kind
    settings: Settings = field(default_factory=dict)
    entry: Entry | None = None
    single: bool = False  #: whether it computes in float32 only
    given: Given | None = None  #: the inputs, where a person gave them
    guessed: bool = False  #: whether it was guessed which of these are predictions
    draws: bool = False  #: whether random numbers begin anew before each call
    module: torch.nn.Module | None = None  #: a person's own, whose parameters are compared with those of the loss

    @property
    def settings_known(self) -> list[str]:
        """The names of all settings of a loss of the catalogue."""
        return list(settings_of(self.losses[0])) if self.entry else []

    def batches(self, more: Settings) -> list[Batch]:
        """The inputs for the loss with these settings besides its own."""
        return list(self.kind.batches({**self.settings, **more}, torch.Generator().manual_seed(20)))

    def bound(self, more: Settings, dtype: torch.dtype = torch.float64) -> list[Callable]:
        """The losses with these settings besides their own, tensors among them in this dtype."""
        settings = {name: cast(precise(value), dtype) for name, value in {**self.settings, **more}.items()}
        return [self.kind.around(functools.partial(loss, **settings)) for loss in self.losses]


def understand(like: Any, inputs: Given | None, settings: Settings) -> Reference:
    """Understand what a person gave as the right loss."""
    if isinstance(like, functools.partial) and not like.args and lookup(like.func) is not None:
        like, settings = like.func, {**like.keywords, **settings}
    entry = find(like) if isinstance(like, str) or not callable(like) else lookup(like)
    if entry is not None and entry.function is not None and not _owns_parameters(like):
        return _in_catalogue(entry, entry.function, like, inputs, settings)
    if not callable(like) or inspect.isclass(like):
        what = Phrase("a {module} object", module=entry.module.__name__) if entry else Phrase("an object of it")
        raise TypeError(
            message(
                "like must be a loss that can be called, got {like!r}. Give {what}, built with the sizes that yours "
                "has.",
                like=like,
                what=what,
            )
        )
    if inputs is None and entry is not None and entry.fitting is not None and _owns_parameters(like):
        inputs = Given(functools.partial(entry.fitting, like))
    return of_a_person(like, inputs, settings, entry.batches.around if entry else lambda loss: loss)


def _in_catalogue(
    entry: Entry, function: Callable[..., Tensor], like: Any, inputs: Given | None, settings: Settings
) -> Reference:
    built_with = settings_of_module(like) if isinstance(like, torch.nn.Module) else {}
    own = {n: value for n, value in {**built_with, **settings}.items() if _differs(function, n, value)}
    kind = entry.batches
    if inputs is not None:
        inner, outer = kind.around, inputs.around
        kind = replace(kind, batches=inputs.variations, around=lambda loss: outer(inner(loss)))
    losses = (function, *([entry.torch_function] if entry.torch_function else []))
    return Reference(entry.name, losses, kind, own, entry, given=inputs)


def of_a_person(
    like: Callable,
    inputs: Given | None,
    settings: Settings,
    before: Callable[[Callable], Callable] = lambda loss: loss,
) -> Reference:
    """A loss of a person's own as the right one; `before` is what comes before it."""
    name = getattr(like, "__name__", type(like).__name__)
    module = in_double(like) if isinstance(like, torch.nn.Module) else None
    loss: Callable = like if module is None else module
    loss = functools.partial(loss, **settings) if settings else loss
    if inputs is None:
        raise TypeError(
            message(
                "{name} is not in the catalogue, so its inputs are not known. Give some: inputs=lambda: "
                "(torch.randn(8, 4), torch.randint(4, (8,))), a function that makes a batch, or a list of "
                "batches.",
                name=name,
            )
        )

    def around(loss: Callable) -> Callable:
        return inputs.around(before(loss))

    single = _refuses_float64(around(loss), inputs.batches[0])
    loss = functools.partial(_in_float32, loss) if single else loss

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        yield from inputs.variations(settings, g)
        yield from far_away(inputs.batches)

    kind = Kind(batches, wrt=inputs.predictions(), reductions=(), around=around)
    return Reference(name, (loss,), kind, single=single, given=inputs, guessed=inputs.layout.is_plain, module=module)


def prepared(reference: Reference, adapter: Adapter, seed: int | None, exclude: str | Sequence[str]) -> Reference:
    """The reference with the inputs that are wanted; its calls are made as new as those of the loss under test."""
    kind = without(reference.kind, exclude) if exclude else reference.kind
    if seed is not None:
        kind = replace(kind, around=lambda loss: seeded(reference.kind.around(loss), seed))
    only_fresh = Adapter(fresh=adapter.fresh)
    losses = tuple(only_fresh.around(loss) for loss in reference.losses)
    return replace(reference, kind=kind, losses=losses, draws=seed is not None)


def _refuses_float64(loss: Callable, batch: Sequence[Tensor]) -> bool:
    """True if a loss works in float32 only, as one with float32 weights of its own."""
    in_double = call(loss, [cast(cast(t, torch.float32), torch.float64) for t in batch])
    if not isinstance(in_double, Failed) or isinstance(in_double.error, TakesTooLong):
        return False
    return isinstance(call(functools.partial(_in_float32, loss), batch), Answered)


def _in_float32(loss: Callable, *args: Any, **kwargs: Any) -> Any:
    args, kwargs = tree_map(lambda x: cast(x, torch.float32), (args, kwargs))
    return loss(*args, **kwargs)


def _owns_parameters(like: Any) -> bool:
    return isinstance(like, torch.nn.Module) and any(True for _ in like.parameters())


def _differs(function: Callable, name: str, value: Any) -> bool:
    """True if a setting is not the default, so that it must be passed."""
    settings = settings_of(function)
    default = settings[name].default if name in settings else inspect.Parameter.empty
    return isinstance(value, Tensor) or value is not default and value != default
