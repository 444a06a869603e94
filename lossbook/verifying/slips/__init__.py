"""The slips that people make, each as the right loss with one thing done wrong.

A slip is found by its numbers: where the right loss with the slip gives what the loss under test gives, that is it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

from ..subject.reference import Reference
from . import classes, general, known, probabilities, regression, vectors
from .slip import Slip

__all__ = ["Slip", "slips"]

OWN: dict[str, Callable[[Reference, dict[str, Any]], Iterator[Slip]]] = {
    "cross_entropy": classes.of_cross_entropy, "nll": classes.of_cross_entropy, "multi_margin": classes.of_margins,
    "bce": probabilities.of_binary, "bce_with_logits": probabilities.of_binary, "kl_div": probabilities.of_kl,
    "l1": regression.of_regression, "mse": regression.of_regression, "smooth_l1": regression.of_regression,
    "huber": regression.of_regression, "gaussian_nll": regression.of_counts, "poisson_nll": regression.of_counts,
    "cosine_embedding": vectors.of_vectors, "triplet_margin": vectors.of_vectors,
    "triplet_margin_with_distance": vectors.of_vectors, "margin_ranking": vectors.of_hinges,
    "hinge_embedding": vectors.of_hinges, "focal": known.of_focal,
}  # fmt: skip


def slips(reference: Reference, settings: dict[str, Any], batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """Every slip that makes sense for this loss, the likeliest first."""
    right = reference.bound(settings)[0]
    everything = {**reference.settings, **settings}
    if reference.entry is not None:
        yield from OWN.get(reference.entry.name, lambda *_: ())(reference, everything)
    else:
        yield from known.of_known(right, batches)
    yield from general.of_reduction(reference, everything)
    yield from general.of_settings(reference, settings)
    yield from general.of_predictions(right, reference)
    yield from general.of_targets(right, reference)
    yield from general.of_order(right, reference)
    yield from general.of_shapes(right)
    yield from general.of_result(right)
    yield from general.of_other_losses(reference)
