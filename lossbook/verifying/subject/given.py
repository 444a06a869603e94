"""Batches made from the inputs that a person gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ...kit.batches.batch import Batch, Kind, Settings, exact
from ...language import Phrase, message
from ...language import gettext as _
from .layout import Layout, called_with, laid_out

ASKED_FOR = 6  #: how many batches a function is asked for
NUMBERS = 2**20  #: that all batches together may hold; one batch is always kept
MANY = 1000  #: numbers that tell values from labels
FAR = 1e4  #: so far from the others a score has a sigmoid of 0, even times a small temperature

Tensors = tuple[Tensor, ...]


class Given:
    """The batches that a person gave, as tensors in a row."""

    def __init__(self, inputs: Any) -> None:
        self.batches: list[Tensors] = []
        self.layouts: dict[int, Layout] = {}  #: how a call is built, by the number of its tensors
        for args, kwargs in _calls(inputs):
            tensors, layout = laid_out(args, kwargs)
            if not any(isinstance(leaf, (Tensor, nn.Module)) for leaf in layout.leaves):
                raise TypeError(
                    message(
                        "Each batch of inputs must be a tuple of tensors, as the loss takes them, got {kind} of "
                        "{kinds}.",
                        kind="dict" if kwargs else "tuple",
                        kinds=", ".join(type(a).__name__ for a in (*args, *kwargs.values())) or Phrase("nothing"),
                    )
                )
            if not self.layouts.setdefault(len(tensors), layout).fits(layout):
                raise ValueError(
                    message(
                        "The batches of inputs are built differently: {one} and {other}. Give those of one kind at a "
                        "time.",
                        one=", ".join(self.layouts[len(tensors)].names),
                        other=", ".join(layout.names),
                    )
                )
            if self.batches and sum(map(_numbers_of, self.batches)) > NUMBERS:
                continue
            tensors = _as_many_samples(tensors)
            self.batches.append(tuple(exact(t) if t.is_floating_point() else t for t in tensors))

    @property
    def layout(self) -> Layout:
        """How the first batch is built."""
        return self.layouts[len(self.batches[0])]

    def around(self, loss: Callable) -> Callable:
        """The loss, to be called with tensors in a row."""
        if all(layout.is_plain and not layout.asks_slopes for layout in self.layouts.values()):
            return loss
        return called_with(self.layouts)(loss)

    def predictions(self) -> tuple[int, ...]:
        """Guess which tensors are predictions."""
        layout, names = self.layout, self.layout.tensor_names()
        of_models = [i for i, name in enumerate(names) if name not in layout.names]
        if of_models:  # what comes out of a model is the prediction: its parameters get the gradient
            return tuple(of_models)
        floats = [i for i, reached in enumerate(layout.differentiable()) if reached]
        if not floats:
            return ()
        guessed = predictions_of(self.batches[0], floats)
        if layout.is_plain:
            return guessed
        # A dictionary of outputs, a list of scales: each tensor of that argument is a prediction.
        together = [i for i in floats if _argument(names[i]) == _argument(names[floats[0]])]
        return tuple(sorted({*guessed, *together}))

    def variations(self, settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        """Batches made from these: as given, fewer samples, turned round, and the values where losses break."""
        for batch in self.batches:
            yield Batch(batch, _("inputs"))
        first = self.batches[0]
        n = samples_of(first)
        if n > 2:
            for name, form, taken in (
                (_("half the samples"), _("inputs"), torch.arange(n // 2)),
                (_("samples in reverse"), _("inputs"), torch.arange(n).flip(0)),
                ("", _("one sample"), torch.arange(1)),
            ):
                yield Batch(with_samples(first, n, taken), form, name=name)
        for name, batch in _edges(self.batches):
            yield Batch(batch, _("edges of the inputs"), edge=True, name=name)


def _numbers_of(batch: Sequence[Tensor]) -> int:
    return sum(t.numel() for t in batch)


def _as_many_samples(batch: Tensors) -> Tensors:
    """The first samples of a batch, as many as memory allows: each is kept some twenty times, with its gradients."""
    n = samples_of(batch)
    most = n * NUMBERS // max(_numbers_of(batch), 1)
    return batch if most >= n else with_samples(batch, n, torch.arange(max(most, 1)))


def _argument(name: str) -> str:
    """The argument that a tensor belongs to: ``[0`` of ``[0]['logits']``."""
    return name.partition("]")[0]


def samples_of(batch: Sequence[Tensor]) -> int:
    """The number of samples: the first dimension that the tensors of a batch share; 0 where they share none."""
    sizes = {t.shape[0] for t in batch if t.dim()}
    return sizes.pop() if len(sizes) == 1 else 0


def with_samples(batch: Sequence[Tensor], n: int, taken: Tensor) -> Tensors:
    """A batch with some of its samples; what has none, such as a single number, stays."""
    return tuple(t[taken] if t.dim() and t.shape[0] == n else t for t in batch)


def without(kind: Kind, excluded: Sequence[str]) -> Kind:
    """A kind of inputs without the forms that a person excludes by a name, or a part of it."""
    excluded = [excluded] if isinstance(excluded, str) else list(excluded)
    forms = {b.form: None for b in kind.batches({}, torch.Generator().manual_seed(0))}
    for name in excluded:
        if not any(name in form for form in forms):
            raise ValueError(
                message(
                    "exclude={name!r} is no form of input that is tried. These are: {forms}.",
                    name=name,
                    forms="; ".join(forms),
                )
            )

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        for batch in kind.batches(settings, g):
            if not any(name in form for name in excluded for form in (batch.form, batch.base)):
                yield batch

    return replace(kind, batches=batches)


def _calls(inputs: Any) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The arguments of each call, by position and by name."""
    if callable(inputs):
        given = list(_asked_for(inputs))
    elif isinstance(inputs, Mapping) or not isinstance(inputs, Iterable) or isinstance(inputs, Tensor):
        given = [inputs]
    else:
        given = list(inputs)
        if given and not all(isinstance(batch, (tuple, list, Mapping)) for batch in given):
            given = [tuple(given)]  # one batch, without a list around it
    if not given:
        raise ValueError(
            message("inputs holds no batch. Give at least one: a tuple of tensors, as the loss takes them.")
        )
    for batch in given:
        if isinstance(batch, Mapping):
            yield (), dict(batch)
        else:
            yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,), {}


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


def predictions_of(batch: Sequence[Tensor], floats: Sequence[int]) -> tuple[int, ...]:
    """Guess which arguments are predictions: the first of floats, and of three arguments those that look like it.

    Labels, masks and weights are none; their gradients are not compared.
    """
    first = batch[floats[0]]
    alike = [
        i
        for i in floats[1:]
        if batch[i].shape == first.shape and len(batch[i].unique()) > 2 and bool((batch[i] < 0).any())
    ]
    return (floats[0], *alike) if len(batch) >= 3 else (floats[0],)


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
        if _are_boxes(tensor):
            flat = tensor.clone()
            flat[..., 3] = flat[..., 1]
            yield _("boxes without height"), (*first[:i], flat, *first[i + 1 :])
        if i == 0 and not labels and tensor.is_floating_point():
            alike = [t for t in first[1:] if t.shape == tensor.shape and t.dtype == tensor.dtype]
            if alike and bool(alike[0].isfinite().all()):
                yield _("perfect predictions"), (alike[0].clone(), *first[1:])


def far_away(given: Sequence[Tensors], i: int = 0) -> Iterator[Batch]:
    """The first batch with all scores far below, and far above: where the logarithm of a sigmoid is that of 0."""
    first = given[0]
    values = torch.cat([batch[i].flatten() for batch in given])
    scores = values.is_floating_point() and values.numel() and not bool((values == values.round()).all())
    if not scores or bool((values.min() >= 0) & (values.max() <= 1)):
        return
    for name, by in ((_("predictions far below"), -FAR), (_("predictions far above"), FAR)):
        moved = (*first[:i], exact(first[i] + by), *first[i + 1 :])
        yield Batch(moved, _("edges of the inputs"), edge=True, name=name)


def _are_boxes(tensor: Tensor) -> bool:
    """True for rows of corners: left, top, right, bottom."""
    if not tensor.is_floating_point() or tensor.dim() < 2 or tensor.shape[-1] != 4 or tensor.shape[0] < 3:
        return False
    left, top, right, bottom = tensor.unbind(-1)
    return bool(((left < right) & (top < bottom)).all())


def _labels(values: Tensor) -> list[float]:
    """The labels among these values: integers, or 1 and −1; none where they are something else."""
    if values.dtype is torch.bool or not values.numel():
        return []
    if values.is_floating_point() and len(values[:MANY].unique()) > 2:
        return []  # sooner known than by looking at all
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
