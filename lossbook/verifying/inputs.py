"""The batches on which a loss is tried: of every shape that its reference documents, and the values where losses break.

All numbers are exact in float32, so that a loss may compute in float32 inside.
"""

from __future__ import annotations

import torch

from ..kit.batches.batch import Batch, Kind, Settings
from ..kit.batches.by_class import (
    class_batches,
    distributions,
    multilabel_margins,
    multilabel_scores,
    probability_targets,
)
from ..kit.batches.by_element import (
    chance_edges,
    chances,
    elementwise,
    error_edges,
    measurement_edges,
    measurements,
    pair_edges,
    pairs,
    rate_edges,
    rates,
    score_edges,
    scores_and_labels,
    signed,
    signed_edges,
    two_numbers,
)
from ..kit.batches.by_vector import ctc_batches, linear_batches, vectors

__all__ = ["KINDS", "Batch", "Kind", "Settings"]

WEIGHT = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
REGRESSION = elementwise(two_numbers, error_edges)

KINDS: dict[str, Kind] = {
    "l1": Kind(REGRESSION),
    "mse": Kind(REGRESSION),
    "smooth_l1": Kind(REGRESSION, trials=({"beta": 0.5}, {"beta": 2.0})),
    "huber": Kind(REGRESSION, trials=({"delta": 0.5}, {"delta": 2.0})),
    "poisson_nll": Kind(elementwise(rates, rate_edges), trials=({"full": True}, {"log_input": False})),
    "gaussian_nll": Kind(elementwise(measurements, measurement_edges), wrt=(0, 2), trials=({"full": True},)),
    "kl_div": Kind(distributions, trials=({"log_target": True},), reductions=("batchmean", "mean", "sum", "none")),
    "bce": Kind(elementwise(chances, chance_edges)),
    "bce_with_logits": Kind(elementwise(scores_and_labels, score_edges), trials=({"pos_weight": torch.tensor(3.0).double()},)),
    "nll": Kind(class_batches(log_probabilities=True), trials=({"weight": WEIGHT}, {"ignore_index": 1})),
    "cross_entropy": Kind(
        class_batches(more=probability_targets),
        trials=(
            {"weight": WEIGHT}, {"ignore_index": 1}, {"label_smoothing": 0.25},
            {"weight": WEIGHT, "label_smoothing": 0.25}, {"weight": WEIGHT, "ignore_index": 1},
            {"label_smoothing": 0.25, "ignore_index": 1},
        ),
    ),
    "multi_margin": Kind(class_batches(trailing=False), trials=({"p": 2}, {"margin": 0.5}, {"weight": WEIGHT})),
    "multilabel_margin": Kind(multilabel_margins),
    "multilabel_soft_margin": Kind(multilabel_scores, trials=({"weight": WEIGHT},)),
    "hinge_embedding": Kind(elementwise(signed, signed_edges), trials=({"margin": 2.0},)),
    "soft_margin": Kind(elementwise(signed, signed_edges)),
    "margin_ranking": Kind(elementwise(pairs, pair_edges), wrt=(0, 1), trials=({"margin": 0.5},)),
    "cosine_embedding": Kind(vectors(2), wrt=(0, 1), trials=({"margin": 0.25},)),
    "triplet_margin": Kind(vectors(3), wrt=(0, 1, 2), trials=({"margin": 2.0}, {"p": 1.0}, {"swap": True})),
    "triplet_margin_with_distance": Kind(vectors(3), wrt=(0, 1, 2), trials=({"margin": 2.0}, {"swap": True})),
    "linear_cross_entropy": Kind(linear_batches, wrt=(0, 1), trials=({"label_smoothing": 0.25},)),
    "ctc": Kind(
        ctc_batches,
        trials=({"blank": 3},),
        around=lambda loss: lambda logits, *rest, **settings: loss(logits.log_softmax(-1), *rest, **settings),
    ),
}  # fmt: skip
