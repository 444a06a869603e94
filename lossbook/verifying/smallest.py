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
    left, kinds = ATTEMPTS, [kind_of(t) for t in batch.tensors]
    shrinking = True
    while shrinking and left > 0:
        shrinking = False
        for tensors in _smaller(batch.tensors, kinds):
            left -= 1
            tried = replace(batch, tensors=tensors)
            if fails(tried):
                batch, shrinking = tried, True
                break
            if left <= 0:
                break
    return batch


def _smaller(tensors: Sequence[Tensor], kinds: Sequence[Stays]) -> Iterator[tuple[Tensor, ...]]:
    most = max(t.dim() for t in tensors)
    alike = all(t.dim() == most for t in tensors)  # then one count of dimensions is enough
    for dim in (0, *range(-1, -most if alike else -most - 1, -1), *(() if alike else range(1, most))):
        yield from _fewer(tensors, dim)
    yield from _rounder(tensors, kinds)


def _fewer(tensors: Sequence[Tensor], dim: int) -> Iterator[tuple[Tensor, ...]]:
    """Without half of a dimension, or without one of its places, in all tensors that have as many there.

    Dimensions are counted from the front, as samples and steps are, or from the back, as height and width of
    (N, C, H, W) and (N, H, W) are. The first dimension must be that of all tensors.
    """
    n = places(tensors, dim)
    parts: list[Sequence[int]] = [range(n // 2), range(n // 2, n)] if n > 3 else []
    parts += [[i for i in range(n) if i != out] for out in range(n)] if 1 < n <= 8 else []
    for part in parts:
        yield chosen(tensors, dim, part)


def places(tensors: Sequence[Tensor], dim: int) -> int:
    """How many places a dimension has of which one may be left out; 0 for none."""
    n = max(_size(t, dim) for t in tensors)
    cut = [t for t in tensors if _size(t, dim) == n]
    # A dimension of one tensor alone may be what another one counts in, as class numbers do.
    return n if len(cut) >= (len(tensors) if dim == 0 else min(2, len(tensors))) else 0


def chosen(tensors: Sequence[Tensor], dim: int, part: Sequence[int]) -> tuple[Tensor, ...]:
    """These places of a dimension, of all tensors that have as many there."""
    n, index = max(_size(t, dim) for t in tensors), torch.tensor(list(part))
    return tuple(t.index_select(dim, index) if _size(t, dim) == n else t for t in tensors)


def _size(tensor: Tensor, dim: int) -> int:
    return tensor.shape[dim] if -tensor.dim() <= dim < tensor.dim() else 0


def _rounder(tensors: Sequence[Tensor], kinds: Sequence[Stays]) -> Iterator[tuple[Tensor, ...]]:
    """With numbers that are easier to read, as long as they stay what they were: probabilities, positive numbers."""
    for rounding in (torch.round, lambda t: (t * 2).round() / 2, lambda t: (t * 10).round() / 10):
        rounded = tuple(rounding(t) if t.is_floating_point() else t for t in tensors)
        kept = [r if stays(r) else t for r, t, stays in zip(rounded, tensors, kinds, strict=True)]
        if not all(torch.equal(r, t) for r, t in zip(kept, tensors, strict=True)):
            yield tuple(kept)
        for i, t in enumerate(tensors):
            if not torch.equal(kept[i], t):
                yield (*tensors[:i], kept[i], *tensors[i + 1 :])
        if all(torch.equal(rounding(t), t) for t in tensors if t.is_floating_point()):
            return


Stays = Callable[[Tensor], bool]


def kind_of(tensor: Tensor) -> Stays:
    """What must stay true of a tensor: probabilities add up to 1, positive numbers do not become 0."""
    rows = tensor.dim() > 0 and tensor.shape[-1] > 1
    ones = torch.ones((), dtype=tensor.dtype)
    if not tensor.is_floating_point() or not tensor.numel():
        return lambda x: True
    if rows and bool((tensor >= 0).all()) and torch.allclose(tensor.sum(-1), ones, atol=1e-4):
        return lambda x: torch.allclose(x.sum(-1), torch.ones((), dtype=x.dtype), atol=1e-4)
    if bool((tensor > 0).all()):
        return lambda x: bool((x > 0).all())
    return lambda x: True
