"""Makes a failing input small: fewer samples, rounder numbers, the same fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..kit.batches.batch import Batch

ATTEMPTS = 80  #: how many smaller inputs are tried


def smallest(batch: Batch, fails: Callable[[Batch], bool]) -> Batch:
    """The smallest batch found on which the loss still fails, starting from this one."""
    left = ATTEMPTS
    shrinking = True
    while shrinking and left > 0:
        shrinking = False
        for tensors in _smaller(batch.tensors):
            left -= 1
            tried = replace(batch, tensors=tensors)
            if fails(tried):
                batch, shrinking = tried, True
                break
            if left <= 0:
                break
    return batch


def _smaller(tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    yield from _fewer(tensors, 0)
    yield from _fewer(tensors, -1)
    yield from _rounder(tensors)


def _fewer(tensors: Sequence[Tensor], dim: int) -> Iterator[tuple[Tensor, ...]]:
    """Without half of the samples, or without one of them."""
    if dim == 0:
        if not all(t.dim() for t in tensors):
            return
        sizes = {t.shape[0] for t in tensors}
    else:  # columns, where all tensors have the same
        sizes = {t.shape[-1] if t.dim() > 1 else 0 for t in tensors}
        if 0 in sizes or len({t.shape for t in tensors}) > 1:
            return
    if len(sizes) != 1:
        return
    (n,) = sizes
    parts: list[Sequence[int]] = [range(n // 2), range(n // 2, n)] if n > 3 else []
    parts += [[i for i in range(n) if i != out] for out in range(n)] if 1 < n <= 8 else []
    for part in parts:
        yield tuple(t.index_select(dim, torch.tensor(list(part))) for t in tensors)


def _rounder(tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """With numbers that are easier to read."""
    for rounding in (torch.round, lambda t: (t * 2).round() / 2, lambda t: (t * 10).round() / 10):
        rounded = tuple(rounding(t) if t.is_floating_point() else t for t in tensors)
        if not all(torch.equal(r, t) for r, t in zip(rounded, tensors, strict=True)):
            yield rounded
        for i, t in enumerate(tensors):
            if t.is_floating_point() and not torch.equal(rounding(t), t):
                yield (*tensors[:i], rounding(t), *tensors[i + 1 :])
        if all(torch.equal(rounding(t), t) for t in tensors if t.is_floating_point()):
            return
