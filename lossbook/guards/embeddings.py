"""Embeddings, their pairs and their distances."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..language import message
from .tensors import check_same_shape


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
