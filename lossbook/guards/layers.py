"""Linear layers that belong to a loss, and clusters of classes."""

from __future__ import annotations

import numbers
from typing import Any

from ..language import message
from .tensors import check_floating, check_tensors


def logits_shape(input: Any, linear_weight: Any, linear_bias: Any) -> tuple[int, ...]:
    """Check the last linear layer of a classifier and its input. Returns the shape of the logits."""
    check_tensors(input=input, linear_weight=linear_weight)
    check_floating(input=input, linear_weight=linear_weight)
    if input.dim() not in (1, 2):
        raise ValueError(
            message(
                "input must have shape (D,) or (N, D), got {shape}. For a batch of sequences, (B, T, D), write "
                "input.flatten(0, 1) and target.flatten().",
                shape=tuple(input.shape),
            )
        )
    if linear_weight.dim() < 2:
        raise ValueError(
            message(
                "linear_weight must have shape (C, D) or (C, d1, …, D), like the weight of torch.nn.Linear, got "
                "{shape}.",
                shape=tuple(linear_weight.shape),
            )
        )
    if input.shape[-1] != linear_weight.shape[-1]:
        raise ValueError(
            message(
                "input must hold {expected} numbers for each sample, in its last dimension, as many as the "
                "linear layer takes, got {got}. The weight of the layer has shape (C, D), one row for each class.",
                expected=linear_weight.shape[-1],
                got=input.shape[-1],
            )
        )
    if linear_weight.dim() > 2 and input.dim() == 1:
        raise ValueError(
            message(
                "linear_weight of shape {shape} needs a batch, input of shape (N, D), got {got}. Write "
                "input.unsqueeze(0).",
                shape=tuple(linear_weight.shape),
                got=tuple(input.shape),
            )
        )
    if linear_bias is not None:
        check_tensors(linear_bias=linear_bias)
        if linear_bias.shape != linear_weight.shape[:-1]:
            raise ValueError(
                message(
                    "linear_bias must hold one number for each logit, shape {expected}, got {got}.",
                    expected=tuple(linear_weight.shape[:-1]),
                    got=tuple(linear_bias.shape),
                )
            )
    return (*input.shape[:-1], *linear_weight.shape[:-1])


def check_cutoffs(given: Any, classes: int, features: int, div_value: float) -> None:
    """The clusters of an adaptive softmax begin at increasing class numbers, and each keeps at least one feature."""
    values = list(given)
    whole = all(isinstance(c, numbers.Integral) for c in values)
    if not values or not whole or values != sorted(set(values)) or values[0] < 1 or values[-1] >= classes:
        raise ValueError(
            message(
                "cutoffs must be integers that increase, from 1 to n_classes − 1 = {last}, got {got}. Each "
                "begins a cluster: [10, 100] makes classes 0 to 9 the head, 10 to 99 a cluster, the others "
                "another.",
                last=classes - 1,
                got=values,
            )
        )
    if features < div_value ** len(values):
        raise ValueError(
            message(
                "in_features={features} leaves no feature for cluster {cluster}, which gets in_features // "
                "div_value**{cluster} with div_value={div_value}. It could learn nothing: use fewer cutoffs or a "
                "smaller div_value.",
                features=features,
                cluster=len(values),
                div_value=div_value,
            )
        )
