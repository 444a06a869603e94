"""More batches, on which a diagnosis must hold too: other counts of samples, classes and positions than a person gave.

Batches that come of one function have the same sizes, and often the same number of labels of each kind: a factor 2
that is a share of these, or a number that is divided by the size of a dimension, fits all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ..compare import Sample, Standard, try_on
from ..smallest import chosen, kind_of, places

LEAST = 3  #: so many places a dimension must have
MOST = 2**13  #: numbers that a batch may hold on which thousands of diagnoses are tried


def lighter(batch: Batch) -> Batch:
    """The batch with half of its samples, of its classes or positions, until it is small enough."""
    tensors = batch.tensors
    while max(t.numel() for t in tensors) > MOST:
        most = max(t.dim() for t in tensors)
        dims = [d for d in range(-most, most) if places(tensors, d) > LEAST]
        if not dims:
            break
        largest = max(dims, key=lambda d: places(tensors, d))
        tensors = chosen(tensors, largest, range(places(tensors, largest) // 2))
    return batch if tensors is batch.tensors else replace(batch, tensors=tensors)


def resized(loss: Callable, standard: Standard, batch: Batch) -> list[Sample]:
    """The batch in other sizes, where both losses give finite numbers."""
    kinds = [kind_of(t) for t in batch.tensors]
    found = []
    for tensors in _resized(batch):
        if all(stays(t) for stays, t in zip(kinds, tensors, strict=True)):
            sample = try_on(loss, standard, Batch(tensors, _("inputs"))).sample
            if sample is not None and sample.got.is_finite:
                found.append(sample)
    return found


def _resized(batch: Batch) -> Iterator[tuple[Tensor, ...]]:
    """Without the last sample, without the first two; without the last place elsewhere; without the last class."""
    n = places(batch.tensors, 0)
    if n >= LEAST:
        yield chosen(batch.tensors, 0, range(n - 1))
        yield chosen(batch.tensors, 0, range(2, n))
    most = max(t.dim() for t in batch.tensors)
    alike = all(t.dim() == most for t in batch.tensors)
    for dim in range(-1, -most if alike else -most - 1, -1):
        if (n := places(batch.tensors, dim)) >= LEAST:
            yield chosen(batch.tensors, dim, range(n - 1))
    for size in sorted({size for t in batch.tensors for size in t.shape[1:] if size >= LEAST}):
        yield tuple(_without_last(t, size) for t in batch.tensors)


def _without_last(tensor: Tensor, size: int) -> Tensor:
    """Without the last place of each dimension of this size but the first; class numbers below what is left."""
    if not tensor.is_floating_point():
        counts = tensor.dtype is not torch.bool and tensor.numel() and int(tensor.max()) == size - 1
        tensor = tensor.clamp(max=size - 2) if counts else tensor
    for dim in range(1, tensor.dim()):
        if tensor.shape[dim] == size:
            tensor = tensor.narrow(dim, 0, size - 1)
    return tensor
