"""Embeddings, their pairs and their distances."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..language import message
from .tensors import check_floating, check_same_shape, check_tensors


def check_embeddings(**named: Tensor) -> None:
    """Embeddings of one shape, (D,) or (N, D)."""
    check_same_shape(**named)
    name, value = next(iter(named.items()))
    if value.dim() not in (1, 2):
        raise ValueError(
            message(
                "{name} must hold embeddings, shape (D,) for one or (N, D) for a batch, got {shape}. The last "
                "dimension holds the coordinates; flatten the others.",
                name=name,
                shape=tuple(value.shape),
            )
        )


def check_distances(distances: Any, vectors: Tensor) -> None:
    """A distance function has returned one number for each pair of embeddings."""
    if not isinstance(distances, Tensor) or distances.shape != vectors.shape[:-1]:
        came = tuple(distances.shape) if isinstance(distances, Tensor) else type(distances).__name__
        raise ValueError(
            message(
                "distance_function must return one distance for each pair, shape {expected}, got {got}. "
                "torch.cdist compares all with all; torch.nn.functional.pairwise_distance compares pairs.",
                expected=tuple(vectors.shape[:-1]),
                got=came,
            )
        )


def check_pair_labels(target: Tensor, vectors: Tensor) -> None:
    """One label for each pair of embeddings."""
    expected = tuple(vectors.shape[:-1])
    if tuple(target.shape) != expected:
        raise ValueError(
            message(
                "target must hold one label for each pair, shape {expected}, got {got}. For a target of shape "
                "(N, 1) write target.squeeze(1).",
                expected=expected,
                got=tuple(target.shape),
            )
        )


def check_batches(**named: Any) -> None:
    """Batches of embeddings of one shape, (N, D), of floating-point numbers: samples that are compared with one another."""
    check_tensors(**named)
    check_same_shape(**named)
    check_floating(**named)
    name, value = next(iter(named.items()))
    if value.dim() != 2:
        raise ValueError(
            message(
                "{name} must hold a batch of embeddings, shape (N, D), got {value_shape}. Each is compared with "
                "the others of the batch; where a sample has more than one row, flatten it: {name}.flatten(1).",
                name=name,
                value_shape=tuple(value.shape),
            )
        )


def check_negative_keys(negative_keys: Any, query: Tensor) -> None:
    """Negatives for all queries, (M, D), or for each of them, (N, M, D), in the coordinates of the queries."""
    check_tensors(query=query, negative_keys=negative_keys)
    check_floating(negative_keys=negative_keys)
    n, d = query.shape
    shape = tuple(negative_keys.shape)
    if shape[-1:] != (d,) or not (len(shape) == 2 or (len(shape) == 3 and shape[0] == n)):
        raise ValueError(
            message(
                "negative_keys must have shape (M, {d}), negatives for all queries, or ({n}, M, {d}), negatives "
                "for each, got {shape}.",
                d=d,
                n=n,
                shape=shape,
            )
        )
