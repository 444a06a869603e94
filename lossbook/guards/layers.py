"""Linear layers that belong to a loss, and clusters of classes."""

from __future__ import annotations

import numbers
from typing import Any

from .tensors import check_floating, check_tensors


def logits_shape(input: Any, linear_weight: Any, linear_bias: Any) -> tuple[int, ...]:
    """Check the last linear layer of a classifier and its input. Returns the shape of the logits."""
    check_tensors(input=input, linear_weight=linear_weight)
    check_floating(input=input, linear_weight=linear_weight)
    if input.dim() not in (1, 2):
        raise ValueError(
            f"input must have shape (D,) or (N, D), got {tuple(input.shape)}. "
            f"For a batch of sequences, (B, T, D), write input.flatten(0, 1) and target.flatten()."
        )
    if linear_weight.dim() < 2:
        raise ValueError(
            f"linear_weight must have shape (C, D) or (C, d1, …, D), like the weight of torch.nn.Linear, got "
            f"{tuple(linear_weight.shape)}."
        )
    if input.shape[-1] != linear_weight.shape[-1]:
        raise ValueError(
            f"input must hold {linear_weight.shape[-1]} numbers for each sample, in its last dimension, as many as the "
            f"linear layer takes, got {input.shape[-1]}. The weight of the layer has shape (C, D), one row for each class."
        )
    if linear_weight.dim() > 2 and input.dim() == 1:
        raise ValueError(
            f"linear_weight of shape {tuple(linear_weight.shape)} needs a batch, input of shape (N, D), got "
            f"{tuple(input.shape)}. Write input.unsqueeze(0)."
        )
    if linear_bias is not None:
        check_tensors(linear_bias=linear_bias)
        if linear_bias.shape != linear_weight.shape[:-1]:
            raise ValueError(
                f"linear_bias must hold one number for each logit, shape {tuple(linear_weight.shape[:-1])}, got "
                f"{tuple(linear_bias.shape)}."
            )
    return (*input.shape[:-1], *linear_weight.shape[:-1])


def check_cutoffs(given: Any, classes: int, features: int, div_value: float) -> None:
    """The clusters of an adaptive softmax begin at increasing class numbers, and each keeps at least one feature."""
    values = list(given)
    whole = all(isinstance(c, numbers.Integral) for c in values)
    if not values or not whole or values != sorted(set(values)) or values[0] < 1 or values[-1] >= classes:
        raise ValueError(
            f"cutoffs must be integers that increase, from 1 to n_classes − 1 = {classes - 1}, got {values}. "
            f"Each begins a cluster: [10, 100] makes classes 0 to 9 the head, 10 to 99 a cluster, the others another."
        )
    if features < div_value ** len(values):
        raise ValueError(
            f"in_features={features} leaves no feature for cluster {len(values)}, which gets in_features // div_value**"
            f"{len(values)} with div_value={div_value}. It could learn nothing: use fewer cutoffs or a smaller div_value."
        )
