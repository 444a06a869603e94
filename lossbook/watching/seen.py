"""What is kept of one call of a loss: numbers."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from . import contract, graph
from .distances import Pairs, Triplets
from .observation import Call, part


class Weighed(NamedTuple):
    """How the losses of a batch counted, as the gradient that came back to them tells."""

    kept: int  #: how many counted at all
    total: int
    equal: bool  #: whether each that counted did so as in the mean over all
    first: bool  #: whether the first one counted


class Standing(NamedTuple):
    """A parameter that had not moved."""

    parameter: weakref.ref[Tensor]
    version: int

    @property
    def stands(self) -> bool:
        """Whether it has not been changed since, as far as is known."""
        parameter = self.parameter()
        return parameter is None or parameter._version == self.version


class InVain(NamedTuple):
    """The steps of an optimizer that had no gradient to use."""

    optimizer: weakref.ref[torch.optim.Optimizer]
    steps: int
    held: list[Standing]
    had_gradient: bool = False  #: at one of them after all; then it is left alone for good


@dataclass
class Seen:
    """What is kept of one call."""

    index: int  #: counted from 1
    series: Any  #: what makes calls comparable: the place in the code, and the parameters behind the prediction
    value: float  #: the loss
    single: bool  #: whether it is one number; else `value` is the mean
    grad_enabled: bool
    prediction_carries: bool  #: whether what is to learn, mostly the prediction, requires a gradient
    all_carry: bool  #: whether everything that is to learn does
    carries: bool  #: whether the loss does
    leaf: int | None  #: identity of a prediction that no operation made, but that requires a gradient
    numbers: int  #: how many numbers the prediction has
    samples: int  #: and how many samples
    fits: bool  #: whether the prediction is its target, to the last digit
    echoes: bool  #: whether two of the tensors that are compared hold the same numbers
    shares: bool  #: whether an own loss compares one with itself, detached
    traveled: float  #: how far a parameter had moved before it, against its size
    whole: bool  #: whether the prediction holds whole numbers only
    spread: float | None  #: by how much the samples' predictions differ, against their size; None for one sample
    dead: float  #: the share of units behind relus that are 0 for the whole batch
    saturated: float  #: the largest share of units at an end of their sigmoid or tanh, within the model
    sizes: tuple[float, float]  #: the mean size of predictions and targets, where numbers are compared
    only_new: bool  #: whether all parameters behind it are seen for the first time
    after_steps: int  #: how many steps came before it
    kept: int  #: how many places of sequences the mean is over; 0 where there are none
    target_leaves: list[int]  #: parameters that move the target, or a weight that should stand still too
    weight: str  #: the name of that weight, where it is one
    normalizes: bool | None  #: whether batch normalization takes the statistics of the batch; None where there is none
    sides: tuple[set[int], set[int]] | None  #: parameters behind either of two sides that both carry a gradient
    arguments: list[tuple[weakref.ref[Tensor], int]]  #: what came in, and its version then
    reaches_back: int  #: an earlier call whose graph this one contains, after its gradient was used; 0 for none
    evaluating: bool  #: whether the model was in evaluation mode
    learns: bool  #: whether layers with weights stand behind the prediction
    picked: int | None  #: which sample of the batch the prediction is, where it is one of several
    ahead: (
        int | None
    )  #: by how many places targets stand behind the tokens that the model read; None where they are none
    classes: tuple[int, int] | None  #: the lowest and the highest class of a batch
    whole_target: float | None  #: the number that a target of integers holds everywhere
    triplets: Triplets | None
    pairs: Pairs | None
    result: weakref.ref[Tensor] | None
    arrived: list[float] = field(default_factory=list)  #: the mean gradient at the loss, once for each backward pass
    away: list[bool] = field(default_factory=list)  #: whether the gradient drives each answer from its label, likewise
    back: list[float] = field(default_factory=list)  #: the size of the gradient at the prediction, likewise
    modified: bool = False  #: whether an argument had been changed in place when the gradient came
    stepped: bool = False  #: whether an optimizer stepped after its backward pass
    weighed: Weighed | None = None  #: the gradient at losses that were not reduced


def some(tensor: Tensor) -> Tensor:
    """About a thousand numbers, evenly spread, as a copy: the same places in each tensor of one shape."""
    flat = tensor.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // 1024)].clone()


def pushes_away(gradient: Tensor, yes: Tensor) -> bool:
    """Whether a step against the gradient lowers the scores of what is labeled as true, and raises the others."""
    pushed = gradient != 0
    up, down = (yes & pushed), (~yes & pushed)
    if int(up.sum()) < 4:
        return False
    lowered, raised = gradient[up] > 0, gradient[down] < 0  # where there is none of these, they were divided out before
    return bool(lowered.double().mean() > 0.99) and (not raised.numel() or bool(raised.double().mean() > 0.99))


def echoes(call: Call) -> bool:
    """Whether two of the tensors that are compared hold the same numbers, and not just one number."""
    compared = [t for t in call.tensors.values() if t.is_floating_point() and t.numel() >= 8]
    said = call.name in ("kl_div", "js_div") and not call.settings.get("log_target")
    for place, one in enumerate(compared):
        for other in compared[place + 1 :]:
            if one.shape != other.shape or not (one.requires_grad or other.requires_grad):
                continue
            a, b = part(one.detach()).float(), part(other.detach()).float()
            same = torch.allclose(a.exp(), b, rtol=1e-5, atol=1e-7) if said else torch.equal(a, b)
            if same and len(b.unique()) >= 4:
                return True
    return False


def new_leaf(call: Call) -> int | None:
    """The identity of a prediction that requires a gradient, though no operation made it, and that is no parameter."""
    t = call.prediction
    if not t.is_leaf or not t.requires_grad or isinstance(t, torch.nn.Parameter):
        return None
    return id(t)


def spread(call: Call) -> float | None:
    """The largest difference between samples, against the largest number: 0 where all samples get the same.

    None for fewer than three samples, and where every number is 0, as an output that is rounded may be.
    """
    values = part(call.prediction.detach())
    if values.dim() == 0 or len(values) < 3 or not values.is_floating_point() or not values.numel():
        return None
    values = values.float()
    if call.name in contract.OF_DIRECTIONS:
        values = normalize(values, dim=-1)
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


def saturated_units(squeezed: list[tuple[str, Tensor]]) -> float:
    """The largest share, among hidden layers, of numbers at an end of their sigmoid or tanh, where it has no slope."""
    shares = []
    for name, layer in squeezed:
        if layer.dim() < 2 or layer.numel() < 32:
            continue
        values = part(layer).float()
        ends = (values.abs() > 0.999) if name == "Tanh" else (values < 1e-3) | (values > 0.999)
        shares.append(ends.double().mean().item())
    return max(shares, default=0.0)


def picked(call: Call) -> int | None:
    """Which sample of a batch the prediction is, where the batch went through the model and one was taken out of it."""
    for place, link in enumerate(call.chain):
        index = _row(link) if link.name in ("Select", "Slice") and link.into and link.into[0] >= 4 else None
        if index is None or link.into is None:
            continue
        base = call.target._base if call.has_target and not call.target.is_inference() else None
        same_row = base is not None and base.dim() > 0 and base.shape[0] == link.into[0]
        made_by = call.chain[place + 1].name if place + 1 < len(call.chain) else ""
        if same_row or (len(link.into) <= 2 and (made_by in graph.LAYERS or made_by in graph.ELEMENTWISE)):
            return index
    return None


def _row(link: graph.Link) -> int | None:
    """The one row that an operation leaves of a batch."""
    if link.node._saved_dim != 0:
        return None
    if link.name == "Select":
        return int(link.node._saved_index)
    start, end = int(link.node._saved_start), int(link.node._saved_end)
    return start if end - start == 1 else None


def ahead(call: Call) -> int | None:
    """By how many places the targets of a language model stand behind the tokens that it read at their places."""
    if call.name not in ("cross_entropy", "nll", "token_cross_entropy") or call.target.is_floating_point():
        return None
    target = call.target.detach()
    for tokens in call.ancestry.tokens:
        if tokens.dim() != 2 or len(tokens) < 1 or tokens.shape[1] < 5:
            continue
        rows = target.reshape(len(tokens), -1) if target.numel() and target.numel() % len(tokens) == 0 else None
        if rows is None or not tokens.shape[1] - 3 <= rows.shape[1] <= tokens.shape[1]:
            continue
        for places in range(4):
            length = min(rows.shape[1], tokens.shape[1] - places)
            one, other = rows[:, :length], tokens[:, places : places + length]
            if one.numel() >= 8 and len(one.unique()) > 2 and torch.equal(one, other.to(one)):
                return places
    return None


def classes(call: Call) -> tuple[int, int] | None:
    """The lowest and the highest class of a batch of eight samples or more, each with one class."""
    one_each = call.name in contract.OF_CLASSES and call.has_target and not call.target.is_floating_point()
    if not one_each and not (call.name in contract.YES_OR_NO and call.targeted.whole):
        return None
    target = call.target
    if target.dim() not in (1, 2) or len(target) < 8 or target.numel() != len(target):
        return None
    return int(call.targeted.low), int(call.targeted.high)


def whole_target(call: Call) -> float | None:
    """The number that a target holds everywhere, where it is of integers, though the loss compares numbers of any size."""
    if not call.has_target or (call.takes != contract.NUMBERS and not _masked(call)):
        return None
    if call.target.is_floating_point() or call.target.numel() < 8:
        return None
    return call.targeted.low if call.targeted.low == call.targeted.high else None


def _masked(call: Call) -> bool:
    """Whether the target gives a class for each place of pictures."""
    return call.name in contract.OF_CLASSES and call.prediction.dim() == 4 and call.target.dim() == 3
