"""Sequences: frames, labels and their lengths."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..language import message
from .tensors import can_be_read, check_floating, check_tensors


def is_batch_of_frames(log_probs: Any, blank: int) -> bool:
    """Check log-probabilities of the symbols of each frame. True for a batch, (T, N, C), False for one sequence, (T, C)."""
    check_tensors(log_probs=log_probs)
    check_floating(log_probs=log_probs)
    if log_probs.dim() not in (2, 3):
        raise ValueError(
            message(
                "log_probs must have shape (T, N, C), or (T, C) for one sequence, got {shape}. Time comes first, "
                "then the batch: for (N, T, C) write log_probs.transpose(0, 1).",
                shape=tuple(log_probs.shape),
            )
        )
    if 0 in log_probs.shape[1:]:
        raise ValueError(
            message(
                "log_probs must hold at least one sequence and one symbol, got shape {shape}. An empty batch has "
                "no likelihood: leave it out.",
                shape=tuple(log_probs.shape),
            )
        )
    classes = log_probs.shape[-1]
    if not 0 <= blank < classes:
        raise IndexError(
            message(
                "blank is class {blank}, but log_probs has {classes} classes, numbered 0 to {last}. The model "
                "must give the blank a probability too: the number of labels plus one.",
                blank=blank,
                classes=classes,
                last=classes - 1,
            )
        )
    return log_probs.dim() == 3


def check_integers(**named: Any) -> None:
    """Each tensor holds whole numbers."""
    check_tensors(**named)
    for name, value in named.items():
        if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
            raise TypeError(
                message(
                    "{name} must hold integers, got {dtype}. They count or number. Write {name}.long().",
                    name=name,
                    dtype=value.dtype,
                )
            )


def as_lengths(name: str, given: Any, batch: int, longest: int, device: torch.device) -> Tensor:
    """Return one length for each sequence, each in 0 … longest, as a tensor."""
    value = torch.as_tensor(given, device=device)
    if value.numel() != batch:
        raise ValueError(
            message(
                "{name} must hold one length for each of the {batch} sequences, got {got}.",
                name=name,
                batch=batch,
                got=value.numel(),
            )
        )
    check_integers(**{name: value})
    value = value.reshape(-1).long()
    if can_be_read(value) and bool(((value < 0) | (value > longest)).any()):
        wrong = value[(value < 0) | (value > longest)][0].item()
        raise ValueError(
            message(
                "{name} must lie between 0 and {longest}, the length of what it measures, got {got}.",
                name=name,
                longest=longest,
                got=wrong,
            )
        )
    return value


def check_concatenated(targets: Tensor, lengths: Tensor) -> None:
    """Targets that stand in one row, one after the other, are as many labels as their lengths add up to."""
    total = int(lengths.sum())
    if total != targets.numel():
        raise ValueError(
            message(
                "targets in one row must hold as many labels as target_lengths adds up to, {total}, got {got}. "
                "Otherwise labels would go to the wrong sequence. Padded targets have shape (N, S).",
                total=total,
                got=targets.numel(),
            )
        )


def check_rows_of_labels(targets: Tensor, batch: int) -> None:
    """Targets have shape (N, S), padded."""
    if targets.dim() != 2 or len(targets) != batch:
        raise ValueError(
            message(
                "targets must have shape ({batch}, S), a row of labels for each sequence, or hold all labels in "
                "one row, got {shape}.",
                batch=batch,
                shape=tuple(targets.shape),
            )
        )


def check_labels(targets: Tensor, inside: Tensor, classes: int, blank: int) -> None:
    """Every label inside a target is a class, and none is the blank."""
    if not can_be_read(targets):
        return
    wrong = targets[inside & ((targets < 0) | (targets >= classes))]
    if wrong.numel():
        raise IndexError(
            message(
                "targets holds label {label}, but log_probs has {classes} classes, numbered 0 to {last}. If it "
                "is padding, target_lengths must stop before it.",
                label=wrong[0].item(),
                classes=classes,
                last=classes - 1,
            )
        )
    if bool((inside & (targets == blank)).any()):
        raise ValueError(
            message(
                "targets must not hold the blank, {blank}: it stands for no label, and is dropped from every "
                "sequence. Number the labels past it, or pass another blank=….",
                blank=blank,
            )
        )
