"""What a loss is compared with: the losses that are right, their settings, and the inputs to try."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...catalogue import find, lookup, settings_of_module
from ...kit.batches.batch import Batch, Kind
from ...kit.entry import Entry
from ...kit.loss import settings_of
from ...language import gettext as _
from .call import call

BATCHES = 6  #: how many batches are asked for


@dataclass
class Reference:
    """A loss that is right."""

    name: str
    losses: tuple[Callable, ...]  #: the same loss, as lossbook and as torch compute it: either result is right
    kind: Kind
    settings: dict[str, Any] = field(default_factory=dict)
    entry: Entry | None = None
    single: bool = False  #: whether it computes in float32 only

    def batches(self, more: dict[str, Any]) -> list[Batch]:
        """The inputs for the loss with these settings besides its own."""
        return list(self.kind.batches({**self.settings, **more}, torch.Generator().manual_seed(20)))

    def bound(self, more: dict[str, Any]) -> list[Callable]:
        """The losses with these settings besides their own."""
        settings = {name: precise(value) for name, value in {**self.settings, **more}.items()}
        return [self.kind.around(functools.partial(loss, **settings)) for loss in self.losses]


def precise(value: Any) -> Any:
    """A setting, in float64."""
    return value.detach().double() if isinstance(value, Tensor) and value.is_floating_point() else value


def reference(like: Any, inputs: Any, settings: dict[str, Any]) -> Reference:
    """Understand what a person gave as the right loss."""
    if isinstance(like, functools.partial) and not like.args and lookup(like.func) is not None:
        like, settings = like.func, {**like.keywords, **settings}
    entry = find(like) if isinstance(like, str) or not callable(like) else lookup(like)
    if entry is not None and entry.function is not None and not _owns_parameters(like):
        own = settings_of_module(like) if isinstance(like, torch.nn.Module) else {}
        own = {name: value for name, value in {**own, **settings}.items() if _differs(entry, name, value)}
        kind = entry.batches
        if inputs is not None:
            kind = dataclasses.replace(kind, batches=_given(inputs, kind))
        right = tuple(loss for loss in (entry.function, entry.torch_function) if loss is not None)
        return Reference(entry.name, right, kind, own, entry)
    if not callable(like) or inspect.isclass(like):
        what = f"a {entry.module.__name__} object" if entry else "an object of it"
        raise TypeError(
            f"like must be a loss that can be called, got {like!r}. Give {what}, built with the sizes that yours has."
        )
    name = getattr(like, "__name__", type(like).__name__)
    loss = _double_module(like) if isinstance(like, torch.nn.Module) else like
    loss = functools.partial(loss, **settings) if settings else loss
    if inputs is None and _owns_parameters(like):
        inputs = functools.partial(_layer_inputs, like)
    if inputs is None:
        raise TypeError(
            f"{name} is not in the catalogue, so its inputs are not known. Give some: "
            f"inputs=lambda: (torch.randn(8, 4), torch.randint(4, (8,))), a function that makes a batch, or a list of batches."
        )
    batches = list(_made(inputs))
    single = _only_float32(loss, batches[0])
    loss = functools.partial(_in_float32, loss) if single else loss
    return Reference(
        name, (loss,), Kind(_given(inputs, None), wrt=_predictions(batches), reductions=()), {}, None, single
    )


def _double_module(module: torch.nn.Module) -> torch.nn.Module:
    """Its copy in float64; itself, where it cannot be copied."""
    try:
        return copy.deepcopy(module).double()
    except Exception:
        return module


def _only_float32(loss: Callable, batch: tuple[Tensor, ...]) -> bool:
    """Whether a loss, as one that brings float32 weights along, refuses float64."""
    return call(loss, [_double(t) for t in batch]).error is not None and call(loss, _in_single(batch)).works


def _in_float32(loss: Callable, *tensors: Tensor) -> Any:
    return loss(*_in_single(tensors))


def _in_single(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [t.float() if t.is_floating_point() else t for t in tensors]


def _owns_parameters(like: Any) -> bool:
    return isinstance(like, torch.nn.Module) and any(True for _ in like.parameters())


def _differs(entry: Entry, name: str, value: Any) -> bool:
    """Whether a setting is not the default, so that it must be passed."""
    default = (
        settings_of(entry.function)[name].default if name in settings_of(entry.function) else inspect.Parameter.empty
    )
    return isinstance(value, Tensor) or value is not default and value != default


def _layer_inputs(module: torch.nn.Module) -> tuple[Tensor, Tensor]:
    """A batch for a loss with a layer of its own: features, and the number of the true class."""
    features = getattr(module, "in_features", None) or module.linear.in_features
    classes = getattr(module, "n_classes", None) or module.linear.out_features
    return torch.randn(6, features), torch.randint(classes, (6,))


def _made(inputs: Any) -> Iterator[tuple[Tensor, ...]]:
    """The batches that a person gave, or that a function makes."""
    if not callable(inputs):
        given = list(inputs) if isinstance(inputs, Iterable) else [inputs]
        if given and all(isinstance(t, Tensor) for t in given):
            given = [tuple(given)]
    else:
        parameters = inspect.signature(inputs).parameters.values()
        asked = [
            p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        given = []
        for seed in range(BATCHES):
            torch.manual_seed(seed)
            given.append(_make(inputs, seed) if asked else inputs())
    if not given:
        raise ValueError("inputs holds no batch. Give at least one: a tuple of tensors, as the loss takes them.")
    for batch in given:
        batch = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        if not batch or not all(isinstance(t, Tensor) for t in batch):
            raise TypeError(
                f"Each batch of inputs must be a tuple of tensors, as the loss takes them, got {type(batch).__name__} of "
                f"{', '.join(type(t).__name__ for t in batch) or 'nothing'}."
            )
        yield tuple(t.detach() for t in batch)


def _make(inputs: Callable, seed: int) -> Any:
    """A batch by a function that asks for a seed, or for a generator of random numbers."""
    try:
        return inputs(seed)
    except (TypeError, AttributeError, RuntimeError):
        return inputs(torch.Generator().manual_seed(seed))


def _predictions(batches: list[tuple[Tensor, ...]]) -> tuple[int, ...]:
    """Which arguments are predictions: the first, and of three and more those that look like it.

    Labels, masks and weights are none; the gradient with respect to them is nobody's business.
    """
    first, *others = batches[0]
    alike = [
        i
        for i, t in enumerate(others, start=1)
        if t.is_floating_point() and t.shape == first.shape and len(t.unique()) > 2 and bool((t < 0).any())
    ]
    return (0, *alike) if len(others) >= 2 and first.is_floating_point() else (0,)


def _given(inputs: Any, kind: Kind | None) -> Callable:
    """Batches made from a person's own: as given, one sample, and the values where losses break."""

    def batches(settings: dict[str, Any], g: torch.Generator) -> Iterator[Batch]:
        made = [tuple(_double(t) for t in batch) for batch in _made(inputs)]
        for batch in made:
            yield Batch(batch, "inputs")
        first = made[0]
        n = first[0].shape[0] if first[0].dim() else 0
        together = all(t.dim() and t.shape[0] == n for t in first)
        if together and n > 2:
            yield Batch(tuple(t[: n // 2] for t in first), "inputs", name=_("half the samples"))
            yield Batch(tuple(t.flip(0) for t in first), "inputs", name=_("samples in reverse"))
            yield Batch(tuple(t[:1] for t in first), _("one sample"))
        for name, batch in _edges(made):
            yield Batch(batch, _("edges of the inputs"), edge=True, name=name)
        if kind is not None:
            yield from kind.batches(settings, g)

    return batches


def _double(tensor: Tensor) -> Tensor:
    return tensor.float().double() if tensor.is_floating_point() else tensor


def _edges(made: list[tuple[Tensor, ...]]) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    """The first batch with its predictions, or its labels, driven to where losses break."""
    first = made[0]
    ranges = [torch.cat([batch[i].flatten() for batch in made]) for i in range(len(first))]
    for i, (tensor, values) in enumerate(zip(first, ranges, strict=True)):

        def with_(changed: Tensor, i: int = i) -> tuple[Tensor, ...]:
            return (*first[:i], changed, *first[i + 1 :])

        if not tensor.is_floating_point():
            if not values.numel() or tensor.dtype is torch.bool:
                continue
            for label in values.unique().tolist()[:3]:
                yield _("only the label {label}").format(label=f"{label:g}"), with_(torch.full_like(tensor, label))
        elif values.numel() and values.min() < 0:
            labels = values.unique()
            if len(labels) == 2:  # 1 and −1
                for label in labels.tolist():
                    yield _("only the label {label}").format(label=f"{label:g}"), with_(torch.full_like(tensor, label))
                continue
            for factor in (10, 100):
                yield _("predictions times {factor}").format(factor=factor), with_(tensor * factor)
        elif values.numel() and values.max() <= 1:
            yield _("0 and 1 only"), with_(tensor.round())
            if not torch.allclose(tensor.sum(-1), torch.ones(()).double(), atol=1e-4):
                yield _("all 0"), with_(torch.zeros_like(tensor))
                yield _("all 1"), with_(torch.ones_like(tensor))
        same = next((t for t in first if t is not tensor and t.shape == tensor.shape and t.dtype == tensor.dtype), None)
        if i == 0 and same is not None and tensor.is_floating_point():
            yield _("perfect predictions"), with_(same.clone())
