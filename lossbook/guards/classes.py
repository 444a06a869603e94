"""Classes: their dimension, their numbers, their probabilities."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..language import Phrase, message
from .tensors import can_be_read, check_floating, check_same_shape, check_tensors


def class_dim(input: Tensor) -> int:
    """Return the dimension of the classes: 0 for one sample of shape (C,), else 1, as in (N, C) and (N, C, d1, …)."""
    if input.dim() == 0:
        raise ValueError(
            message(
                "input must have a dimension for the classes, shape (C,), (N, C) or (N, C, d1, …); got a single "
                "number. One score cannot be compared with anything: give one score for each class."
            )
        )
    dim = 0 if input.dim() == 1 else 1
    if input.shape[dim] == 0:
        raise ValueError(
            message(
                "input must have at least one class, got shape {shape}: none in dimension {dim}.",
                shape=tuple(input.shape),
                dim=dim,
            )
        )
    return dim


def classes_last(dim: int | None, **named: Any) -> tuple[Tensor, ...]:
    """Check tensors that hold a number for each class, all of one shape. Returns them with the classes last.

    ``dim`` says where the classes are; ``None`` is the dimension of :func:`class_dim`.
    """
    check_tensors(**named)
    check_same_shape(**named)
    check_floating(**named)
    first, *_others = named.values()
    if dim is None or not first.dim():
        dim = class_dim(first)
    elif not -first.dim() <= dim < first.dim() or first.shape[dim] == 0:
        raise ValueError(
            message(
                "dim must be the dimension of the classes, and they at least one, got {dim} for shape "
                "{first_shape}. Logits of a language model, (B, T, V), have them in dimension -1.",
                dim=dim,
                first_shape=tuple(first.shape),
            )
        )
    return tuple(value.movedim(dim, -1) for value in named.values())


def check_class_weight(weight: Tensor | None, classes: int) -> None:
    """One weight for each class."""
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(
            message(
                "weight must hold one number for each class, shape ({classes},), got {shape}. It weighs classes, "
                "not samples: for samples take reduction='none' and weigh the result.",
                classes=classes,
                shape=tuple(weight.shape),
            )
        )


def check_class_numbers(target: Tensor) -> None:
    """Target holds class numbers: int64, or uint8."""
    if target.dtype not in (torch.int64, torch.uint8):
        raise TypeError(
            message(
                "target must hold class numbers of type torch.int64, got {dtype}. A class number is an address, "
                "not a quantity. Write target.long().",
                dtype=target.dtype,
            )
        )


def check_class_indices(input: Tensor, target: Tensor, name: str | Phrase = "input") -> None:
    """Target holds one class number for each row of scores in input."""
    dim = class_dim(input)
    expected = tuple(input.shape[:dim] + input.shape[dim + 1 :])
    if tuple(target.shape) != expected:
        raise ValueError(
            message(
                "target must hold one class number for each sample: {name} of shape {shape} needs target of "
                "shape {expected}, got {got}. The classes of {name} stand in dimension {dim}. For a target of "
                "shape (N, 1) write target.squeeze(1).",
                name=name,
                shape=tuple(input.shape),
                expected=expected,
                got=tuple(target.shape),
                dim=dim,
            )
        )
    check_class_numbers(target)


def check_class_probabilities(target: Tensor, ignore_index: int, name: str | Phrase = "input") -> None:
    """Target, in the shape of input, holds a probability for each class."""
    if not target.is_floating_point():
        raise TypeError(
            message(
                "target has the shape of {name}, {shape}, so it must hold class probabilities, which are "
                "floating-point numbers; got {dtype}. Write target.float(), or give one class number for each "
                "sample: target.argmax(dim=…).",
                name=name,
                shape=tuple(target.shape),
                dtype=target.dtype,
            )
        )
    if ignore_index >= 0:
        raise ValueError(
            message(
                "ignore_index={ignore_index} has no meaning when target holds class probabilities: no class "
                "number is there to compare with. Leave it out, or give target as class numbers.",
                ignore_index=ignore_index,
            )
        )


def as_rows(input: Tensor) -> Tensor:
    """Return ``input`` of shape (C,) or (N, C) as it is; a single number becomes a row of one class."""
    if input.dim() > 2:
        raise ValueError(
            message(
                "input must have shape (C,) for one sample or (N, C) for a batch, got {shape}. For more "
                "dimensions move the classes last and flatten the rest: input.movedim(1, -1).flatten(0, -2).",
                shape=tuple(input.shape),
            )
        )
    return input if input.dim() else input.unsqueeze(0)


def check_known_classes(target: Tensor, kept: Tensor, classes: int) -> None:
    """Every class number that counts is a class. Where numbers cannot be looked at, nothing is checked."""
    if can_be_read(target) and bool((kept & ((target < 0) | (target >= classes))).any()):
        raise unknown_class(target[kept], classes, IndexError(), ignorable=True)


def unknown_class(target: Tensor, classes: int, cause: Exception, ignorable: bool = False) -> IndexError:
    """Build the IndexError for a class number outside 0 … classes − 1; where there is none, re-raise ``cause``."""
    wrong = target[(target < 0) | (target >= classes)].flatten()
    if wrong.numel() == 0:
        raise cause
    values = {"number": wrong[0].item(), "classes": classes}
    if ignorable:
        return IndexError(
            message(
                "target holds class {number}, but input has {classes} classes, numbered from 0. Count classes from 0, "
                "or pass ignore_index={number} if this number marks samples to leave out.",
                **values,
            )
        )
    return IndexError(
        message(
            "target holds class {number}, but input has {classes} classes, numbered from 0. Count classes from 0.",
            **values,
        )
    )
