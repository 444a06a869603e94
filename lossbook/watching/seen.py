"""What is kept of one call of a loss: numbers."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .observation import Call, part


@dataclass
class Seen:
    """What is kept of one call."""

    index: int  #: counted from 1
    series: Any  #: what makes calls comparable: the place in the code, and the parameters behind the prediction
    value: float  #: the loss
    single: bool  #: whether it is one number; else `value` is the mean
    grad_enabled: bool
    prediction_carries: bool  #: whether the prediction requires a gradient
    carries: bool  #: whether the loss does
    leaf: int | None  #: identity of a prediction that no operation made, but that requires a gradient
    numbers: int  #: how many numbers the prediction has
    whole: bool  #: whether the prediction holds whole numbers only
    spread: float | None  #: by how much the samples' predictions differ, against their size; None for one sample
    dead: float  #: the share of units behind relus that are 0 for the whole batch
    saturated: float  #: the largest share of units at an end of their sigmoid or tanh, within the model
    sizes: tuple[float, float]  #: the mean size of predictions and targets, where numbers are compared
    only_new: bool  #: whether all parameters behind it are seen for the first time
    after_steps: int  #: how many steps came before it
    kept: int  #: how many places of sequences the mean is over; 0 where there are none
    target_leaves: list[int]  #: parameters that move the target
    arguments: list[tuple[weakref.ref[Tensor], int]]  #: what came in, and its version then
    reaches_back: int  #: an earlier call whose graph this one contains, after its gradient was used; 0 for none
    evaluating: bool  #: whether the model was in evaluation mode
    learns: bool  #: whether layers with weights stand behind the prediction
    result: weakref.ref[Tensor] | None
    arrived: list[float] = field(default_factory=list)  #: the mean gradient at the loss, once for each backward pass
    back: list[float] = field(default_factory=list)  #: the size of the gradient at the prediction, likewise
    modified: bool = False  #: whether an argument had been changed in place when the gradient came
    stepped: bool = False  #: whether an optimizer stepped after its backward pass
    weighed: tuple[int, int, bool] | None = (
        None  #: of the gradient at unreduced losses: not 0, all, and whether 1 / all
    )


def new_leaf(call: Call) -> int | None:
    """The identity of a prediction that requires a gradient, though no operation made it, and that is no parameter."""
    t = call.prediction
    if not t.is_leaf or not t.requires_grad or isinstance(t, torch.nn.Parameter):
        return None
    return id(t)


def spread(prediction: Tensor) -> float | None:
    """The largest difference between samples, against the largest number: 0 where all samples get the same.

    None for fewer than three samples, and where every number is 0, as an output that is rounded may be.
    """
    values = part(prediction.detach())
    if values.dim() == 0 or len(values) < 3 or not values.is_floating_point() or not values.numel():
        return None
    values = values.float()
    finite = values.isfinite()
    size = values[finite].abs().max().item() if finite.any() else 0.0
    return (values - values[:1]).nan_to_num(0, 0, 0).abs().max().item() / size if size else None


def dead_units(hidden: list[Tensor]) -> float:
    """The largest share, among layers, of units that are 0 for every sample of the batch."""
    shares = []
    for layer in hidden:
        if layer.dim() < 2 or len(layer) < 4 or layer.shape[1] < 4:
            continue
        units = part(layer).transpose(0, 1).flatten(1) if layer.dim() != 3 else part(layer).flatten(0, 1).T
        shares.append((units == 0).all(1).double().mean().item())
    return max(shares, default=0.0)


def saturated_units(squeezed: list[tuple[str, Tensor]], prediction: Tensor) -> float:
    """The largest share, among hidden layers, of numbers at an end of their sigmoid or tanh, where it has no slope."""
    shares = []
    for name, layer in squeezed:
        if layer.dim() < 2 or layer.numel() < 32 or layer.data_ptr() == prediction.data_ptr():
            continue
        values = part(layer).float()
        ends = (values.abs() > 0.999) if name == "Tanh" else (values < 1e-3) | (values > 0.999)
        shares.append(ends.double().mean().item())
    return max(shares, default=0.0)
