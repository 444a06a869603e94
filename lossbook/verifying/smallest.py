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
    for dim in range(max(t.dim() for t in tensors)):
        yield from _fewer(tensors, dim)
        yield from _fewer(tensors, -1 - dim)
    yield from _rounder(tensors)


def _fewer(tensors: Sequence[Tensor], dim: int) -> Iterator[tuple[Tensor, ...]]:
    """Without half of a dimension, or without one of its places, in all tensors that have as many there.

    Dimensions are counted from the front, as samples and steps are, or from the back, as height and width of
    (N, C, H, W) and (N, H, W) are. The first dimension must be that of all tensors.
    """
    n = max(_size(t, dim) for t in tensors)
    cut = [i for i, t in enumerate(tensors) if _size(t, dim) == n]
    # A dimension of one tensor alone may be what another one counts in, as class numbers do.
    if n < 2 or len(cut) < (len(tensors) if dim == 0 else min(2, len(tensors))):
        return
    parts: list[Sequence[int]] = [range(n // 2), range(n // 2, n)] if n > 3 else []
    parts += [[i for i in range(n) if i != out] for out in range(n)] if n <= 8 else []
    for part in parts:
        index = torch.tensor(list(part))
        yield tuple(t.index_select(dim, index) if i in cut else t for i, t in enumerate(tensors))


def _size(tensor: Tensor, dim: int) -> int:
    return tensor.shape[dim] if -tensor.dim() <= dim < tensor.dim() else 0


def _rounder(tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """With numbers that are easier to read, as long as they stay what they were: probabilities, vectors that are not 0."""
    for rounding in (torch.round, lambda t: (t * 2).round() / 2, lambda t: (t * 10).round() / 10):
        rounded = tuple(rounding(t) if t.is_floating_point() else t for t in tensors)
        kept = [r if _stays(t, r) else t for r, t in zip(rounded, tensors, strict=True)]
        if not all(torch.equal(r, t) for r, t in zip(kept, tensors, strict=True)):
            yield tuple(kept)
        for i, t in enumerate(tensors):
            if not torch.equal(kept[i], t):
                yield (*tensors[:i], kept[i], *tensors[i + 1 :])
        if all(torch.equal(rounding(t), t) for t in tensors if t.is_floating_point()):
            return


def _stays(tensor: Tensor, rounded: Tensor) -> bool:
    """False if rounding takes a tensor out of its kind."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    ones = torch.ones((), dtype=tensor.dtype)
    was, now = (x.dim() > 0 and torch.allclose(x.sum(-1), ones, atol=1e-4) for x in (tensor, rounded))
    if was and not now and bool((tensor >= 0).all()):
        return False
    zero_rows = ((x == 0).all(-1) if x.dim() else x == 0 for x in (rounded, tensor))
    return bool(torch.equal(*zero_rows)) and bool(((rounded > 0) == (tensor > 0)).all() or (tensor < 0).any())
