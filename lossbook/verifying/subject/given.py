"""Batches made from the inputs that a person gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ...kit.batches.batch import Batch, Kind, Settings, exact
from ...language import Phrase, message
from ...language import gettext as _

ASKED_FOR = 6  #: how many batches a function is asked for

Tensors = tuple[Tensor, ...]


def batches_of(inputs: Any) -> Iterator[Tensors]:
    """The batches that a person gave, or that a function makes."""
    if callable(inputs):
        given = list(_asked_for(inputs))
    else:
        given = list(inputs) if isinstance(inputs, Iterable) else [inputs]
        if given and all(isinstance(t, Tensor) for t in given):
            given = [tuple(given)]
    if not given:
        raise ValueError(
            message("inputs holds no batch. Give at least one: a tuple of tensors, as the loss takes them.")
        )
    for batch in given:
        batch = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        if not batch or not all(isinstance(t, Tensor) for t in batch):
            raise TypeError(
                message(
                    "Each batch of inputs must be a tuple of tensors, as the loss takes them, got {kind} of {kinds}.",
                    kind=type(batch).__name__,
                    kinds=", ".join(type(t).__name__ for t in batch) or Phrase("nothing"),
                )
            )
        yield tuple(t.detach() for t in batch)


def _asked_for(make: Callable) -> Iterator[Any]:
    parameters = inspect.signature(make).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    takes_seed = any(p.default is p.empty and p.kind in positional for p in parameters)
    for seed in range(ASKED_FOR):
        torch.manual_seed(seed)
        yield _seeded(make, seed) if takes_seed else make()


def _seeded(make: Callable, seed: int) -> Any:
    """A batch by a function that asks for a seed, or for a generator of random numbers."""
    try:
        return make(seed)
    except (TypeError, AttributeError, RuntimeError):
        return make(torch.Generator().manual_seed(seed))


def predictions_of(batch: Sequence[Tensor]) -> tuple[int, ...]:
    """Guess which arguments are predictions: the first, and of three and more those that look like it.

    Labels, masks and weights are none; their gradients are not compared.
    """
    first, *others = batch
    alike = [
        i
        for i, t in enumerate(others, start=1)
        if t.is_floating_point() and t.shape == first.shape and len(t.unique()) > 2 and bool((t < 0).any())
    ]
    return (0, *alike) if len(others) >= 2 and first.is_floating_point() else (0,)


def given_batches(inputs: Any, kind: Kind | None = None) -> Callable[[Settings, torch.Generator], Iterator[Batch]]:
    """Batches made from a person's own: as given, one sample, and the values where losses break."""

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        given = [tuple(exact(t) if t.is_floating_point() else t for t in batch) for batch in batches_of(inputs)]
        for batch in given:
            yield Batch(batch, _("inputs"))
        first = given[0]
        n = first[0].shape[0] if first[0].dim() else 0
        together = all(t.dim() and t.shape[0] == n for t in first)
        if together and n > 2:
            yield Batch(tuple(t[: n // 2] for t in first), _("inputs"), name=_("half the samples"))
            yield Batch(tuple(t.flip(0) for t in first), _("inputs"), name=_("samples in reverse"))
            yield Batch(tuple(t[:1] for t in first), _("one sample"))
        for name, batch in _edges(given):
            yield Batch(batch, _("edges of the inputs"), edge=True, name=name)
        if kind is not None:
            yield from kind.batches(settings, g)

    return batches


def _edges(given: Sequence[Tensors]) -> Iterator[tuple[str, Tensors]]:
    """The first batch with its predictions, or its labels, driven to where losses break."""
    first = given[0]
    for i, tensor in enumerate(first):
        values = torch.cat([batch[i].flatten() for batch in given])
        labels = _labels(values)
        for label in labels:
            only = torch.full_like(tensor, label)
            yield _("only the label {label}").format(label=f"{label:g}"), (*first[:i], only, *first[i + 1 :])
        if not labels and values.is_floating_point():
            for name, changed in _extremes(tensor, values):
                yield name, (*first[:i], changed, *first[i + 1 :])
        if i == 0 and not labels and tensor.is_floating_point():
            alike = [t for t in first[1:] if t.shape == tensor.shape and t.dtype == tensor.dtype]
            if alike:
                yield _("perfect predictions"), (alike[0].clone(), *first[1:])


def _labels(values: Tensor) -> list[float]:
    """The labels among these values: integers, or 1 and −1; none where they are something else."""
    if values.dtype is torch.bool or not values.numel():
        return []
    labels = values.unique().tolist()
    if not values.is_floating_point():
        return labels[:3]
    return labels if labels[0] < 0 and len(labels) == 2 else []


def _extremes(tensor: Tensor, values: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Predictions or probabilities driven to their extremes, by the values that they take in all batches."""
    if values.numel() and values.min() < 0:
        for factor in (10, 100):
            yield _("predictions times {factor}").format(factor=factor), tensor * factor
    elif values.numel() and values.max() <= 1:
        yield _("0 and 1 only"), tensor.round()
        if not torch.allclose(tensor.sum(-1), torch.ones(()).double(), atol=1e-4):
            yield _("all 0"), torch.zeros_like(tensor)
            yield _("all 1"), torch.ones_like(tensor)
