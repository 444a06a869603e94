"""Classes: their dimension, their numbers, their probabilities."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .tensors import can_be_read, check_floating, check_same_shape, check_tensors


def class_dim(input: Tensor) -> int:
    """Return the dimension of the classes: 0 for one sample of shape (C,), else 1, as in (N, C) and (N, C, d1, …)."""
    if input.dim() == 0:
        raise ValueError(
            "input must have a dimension for the classes, shape (C,), (N, C) or (N, C, d1, …); got a single number. "
            "One score cannot be compared with anything: give one score for each class."
        )
    dim = 0 if input.dim() == 1 else 1
    if input.shape[dim] == 0:
        raise ValueError(
            f"input must have at least one class, got shape {tuple(input.shape)}: none in dimension {dim}."
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
            f"dim must be the dimension of the classes, and they at least one, got {dim} for shape {tuple(first.shape)}. "
            f"Logits of a language model, (B, T, V), have them in dimension -1."
        )
    return tuple(value.movedim(dim, -1) for value in named.values())


def check_class_weight(weight: Tensor | None, classes: int) -> None:
    """One weight for each class."""
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(
            f"weight must hold one number for each class, shape ({classes},), got {tuple(weight.shape)}. "
            f"It weighs classes, not samples: for samples take reduction='none' and weigh the result."
        )


def check_class_numbers(target: Tensor) -> None:
    """Target holds class numbers: int64, or uint8."""
    if target.dtype not in (torch.int64, torch.uint8):
        raise TypeError(
            f"target must hold class numbers of type torch.int64, got {target.dtype}. "
            f"A class number is an address, not a quantity. Write target.long()."
        )


def check_class_indices(input: Tensor, target: Tensor, name: str = "input") -> None:
    """Target holds one class number for each row of scores in input."""
    dim = class_dim(input)
    expected = tuple(input.shape[:dim] + input.shape[dim + 1 :])
    if tuple(target.shape) != expected:
        raise ValueError(
            f"target must hold one class number for each sample: {name} of shape {tuple(input.shape)} needs target of "
            f"shape {expected}, got {tuple(target.shape)}. The classes of {name} stand in dimension {dim}. "
            f"For a target of shape (N, 1) write target.squeeze(1)."
        )
    check_class_numbers(target)


def check_class_probabilities(target: Tensor, ignore_index: int, name: str = "input") -> None:
    """Target, in the shape of input, holds a probability for each class."""
    if not target.is_floating_point():
        raise TypeError(
            f"target has the shape of {name}, {tuple(target.shape)}, so it must hold class probabilities, which are "
            f"floating-point numbers; got {target.dtype}. Write target.float(), or give one class number for each "
            f"sample: target.argmax(dim=…)."
        )
    if ignore_index >= 0:
        raise ValueError(
            f"ignore_index={ignore_index} has no meaning when target holds class probabilities: no class number is "
            f"there to compare with. Leave it out, or give target as class numbers."
        )


def as_rows(input: Tensor) -> Tensor:
    """Return ``input`` of shape (C,) or (N, C) as it is; a single number becomes a row of one class."""
    if input.dim() > 2:
        raise ValueError(
            f"input must have shape (C,) for one sample or (N, C) for a batch, got {tuple(input.shape)}. "
            f"For more dimensions move the classes last and flatten the rest: input.movedim(1, -1).flatten(0, -2)."
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
    marked = f", or pass ignore_index={wrong[0].item()} if this number marks samples to leave out" * ignorable
    return IndexError(
        f"target holds class {wrong[0].item()}, but input has {classes} classes, numbered from 0. "
        f"Count classes from 0{marked}."
    )
