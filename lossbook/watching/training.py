"""What happened since the first call: gradients that came back, steps, parameters that moved. Numbers only.

Parameters are held weakly, and of each a few numbers are kept to see whether it moves. Nothing of a graph is kept.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from . import contract
from .observation import Call, part

SAMPLE = 256  #: numbers of a parameter that are compared from call to call
MOST = 200  #: parameters that are followed


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
    whole: bool  #: whether the prediction holds whole numbers only
    spread: float | None  #: by how much the samples' predictions differ, against their size; None for one sample
    dead: float  #: the share of units behind relus that are 0 for the whole batch
    reaches_back: int  #: an earlier call whose graph this one contains, after its gradient was used; 0 for none
    evaluating: bool  #: whether the model was in evaluation mode
    learns: bool  #: whether layers with weights stand behind the prediction
    result: weakref.ref[Tensor] | None
    arrived: list[float] = field(default_factory=list)  #: the mean gradient at the loss, once for each backward pass
    back: list[float] = field(default_factory=list)  #: the size of the gradient at the prediction, likewise
    stepped: bool = False  #: whether an optimizer stepped after its backward pass
    weighed: tuple[int, int, bool] | None = (
        None  #: of the gradient at unreduced losses: not 0, all, and whether 1 / all
    )


class Followed:
    """A parameter, and what became of it."""

    def __init__(self, parameter: Tensor) -> None:
        self.parameter = weakref.ref(parameter)
        self.shape = tuple(parameter.shape)
        self.is_parameter = isinstance(parameter, torch.nn.Parameter)
        self.values = sample(parameter)
        self.version = parameter._version
        self.moved = 0  #: how often it had changed at a later call
        self.updates: list[float] = []  #: the size of each change, against its own
        self.gradients = 0  #: backward passes that reached the loss it is behind
        self.zero = 0  #: steps, or calls, that found its gradient to be exactly 0
        self.not_finite = 0
        self.size = 0.0  #: of its last gradient
        self.held = False  #: by an optimizer that stepped
        self.waiting = False  #: a call saw it, and no backward pass has followed yet
        self.fresh = False  #: a backward pass reached it since the last step
        self.used = False  #: a step has used the gradient that it holds
        self.stale = False  #: that gradient was added to once more

    def look(self) -> bool:
        """See whether it moved since the last time."""
        parameter = self.parameter()
        if parameter is None:
            return False
        now = sample(parameter)
        if torch.equal(now, self.values):
            return False
        size = self.values.norm().item()
        self.moved += 1
        self.updates.append((now - self.values).norm().item() / size if size else float("inf"))
        self.values = now
        return True

    def gradient(self) -> Tensor | None:
        """The gradient that it holds, unless that is missing or 0 everywhere."""
        parameter = self.parameter()
        if parameter is None or parameter.grad is None or parameter.grad.is_sparse:
            return None
        return parameter.grad.detach() if bool(parameter.grad.any()) else None


def sample(tensor: Tensor) -> Tensor:
    """Some numbers of a tensor, evenly spread, as a copy."""
    flat = tensor.detach()
    flat = flat.flatten() if flat.is_contiguous() else part(flat).flatten()
    return flat[:: max(1, flat.numel() // SAMPLE)].float().clone()


def _nothing() -> None:
    """Stands for a reference to what nobody gave."""


class Training:
    """All that was seen since the first call of one loss."""

    def __init__(self) -> None:
        self.model: Callable[[], torch.nn.Module | None] = _nothing
        self.optimizer: Callable[[], torch.optim.Optimizer | None] = _nothing
        self.calls: list[Seen] = []
        self.followed: dict[int, Followed] = {}
        self._stepped_after = 0  #: calls before the last step that came while a call waited for its backward pass
        self.over = False  #: whether somebody asks now what has been found
        self.loss = ""  #: its name, as it was written
        self.embeds = False  #: whether it compares embeddings
        self.reduction = ""
        self.steps = 0  #: of optimizers that hold parameters behind the loss
        self.foreign_steps = 0  #: of others, though a gradient was there to be used
        self.empty_steps = 0  #: steps that found no gradient, before a backward pass
        self.cleared_steps = 0  #: steps that found no gradient, after one
        self.early_steps = 0  #: steps between a call and its backward pass, with an older gradient
        self.stale_steps = 0  #: steps with a gradient that an earlier step had used
        self.rates: list[float] = []  #: the learning rate of each step
        self.holds_inputs = False  #: an optimizer moves a tensor that is no parameter, such as an image
        self.unused: set[int] | None = None  #: parameters of the optimizer that never held a gradient
        self.optimized = 0  #: how many parameters the optimizer has
        self.again = 0  #: backward passes through the loss of an earlier call
        self.class_counts: list[int] | None = None
        self.class_weight: list[float] | None = None
        self.ignores: int | None = None
        self.sequences = False  #: whether targets have places besides samples
        self.pos_weight: float | None = None
        self.positives = self.negatives = 0

    def given(self, model: torch.nn.Module | None, optimizer: torch.optim.Optimizer | None) -> None:
        """Take the model and its optimizer, where somebody gives them."""
        self.model = weakref.ref(model) if model is not None else _nothing
        self.optimizer = weakref.ref(optimizer) if optimizer is not None else _nothing

    # What the rules ask for

    @property
    def backwards(self) -> int:
        """Calls through whose loss a gradient came back."""
        return sum(bool(seen.arrived) for seen in self.calls)

    def series(self) -> list[list[Seen]]:
        """Calls that can be compared, those of the longest series first."""
        groups: dict[Any, list[Seen]] = {}
        for seen in self.calls:
            groups.setdefault(seen.series, []).append(seen)
        return sorted(groups.values(), key=len, reverse=True)

    def moves(self) -> int:
        """How often any parameter was seen to move."""
        return max((followed.moved for followed in self.followed.values()), default=0)

    def refresh(self) -> None:
        """Look at the parameters once more, after the last call."""
        for followed in self.followed.values():
            followed.look()

    # What happens

    def called(self, call: Call, series: Any) -> Seen:
        """Enter a call; returns what its hooks fill in later."""
        ancestry = call.ancestry
        self.loss, self.reduction = call.spoken, str(call.settings.get("reduction", ""))
        for leaf in ancestry.leaves:
            self._follow(leaf)
        self.embeds = call.name in contract.OF_EMBEDDINGS
        result = call.result if isinstance(call.result, Tensor) else None
        seen = Seen(
            index=len(self.calls) + 1,
            series=(series, tuple(sorted(map(id, ancestry.leaves)))),
            value=result.detach().float().mean().item() if result is not None else float("nan"),
            single=result is not None and result.numel() == 1,
            grad_enabled=call.grad_enabled,
            prediction_carries=any(t.requires_grad for t in call.predictions.values()),
            carries=result is not None and result.requires_grad,
            leaf=_new_leaf(call),
            whole=call.predicted.some.numel() > 0 and call.predicted.whole,
            spread=spread(call.prediction),
            dead=dead_units(ancestry.hidden),
            reaches_back=self._reached(ancestry.marked),
            evaluating=(model := self.model()) is not None and not model.training,
            learns=any(ancestry.names[name] for name in ("Addmm", "Mm", "Convolution", "Bmm", "Linear")),
            result=weakref.ref(result) if result is not None else None,
        )
        self.calls.append(seen)
        return seen

    def _reached(self, marked: set[int]) -> int:
        """The last of the calls whose graphs are part of another, if a step has used its gradient already."""
        done = [i for i in marked if i <= len(self.calls) and self.calls[i - 1].stepped]
        return max(done, default=0)

    def _follow(self, leaf: Tensor) -> None:
        followed = self.followed.get(id(leaf))
        if followed is None or followed.parameter() is not leaf:
            if len(self.followed) >= MOST:
                return
            followed = self.followed[id(leaf)] = Followed(leaf)
        elif followed.look() and followed.gradient() is not None:
            followed.used = True  # moved by hand, without an optimizer
        followed.waiting = True

    def count(self, call: Call) -> None:
        """Count labels, for the rules about weights."""
        if not call.has_target:
            return
        target = call.target
        if call.name in contract.OF_CLASSES and not target.is_floating_point() and target.dim() < call.prediction.dim():
            self.ignores = call.settings.get("ignore_index")
            self.sequences |= target.dim() > 1 or any(len(link.into or ()) > 2 for link in call.chain)
            classes = call.prediction.shape[call.class_dim]
            kept = target[(target != self.ignores) & (target >= 0) & (target < classes)].flatten().long()
            counts = torch.bincount(kept, minlength=classes).tolist()
            self.class_counts = (
                counts if not self.class_counts else [a + b for a, b in zip(self.class_counts, counts, strict=False)]
            )
            weight = call.settings.get("weight")
            self.class_weight = weight.detach().tolist() if isinstance(weight, Tensor) and weight.dim() == 1 else None
        elif call.name == "bce_with_logits":
            weight = call.settings.get("pos_weight")
            self.pos_weight = weight.item() if isinstance(weight, Tensor) and weight.numel() == 1 else None
            self.positives += int((target > 0.5).sum())
            self.negatives += int((target <= 0.5).sum())

    def backward(self, seen: Seen, gradient: Tensor, leaves: Iterable[int]) -> None:
        """A gradient has reached the loss of a call, and has not gone further yet."""
        later = self.calls[seen.index :]
        self.again += bool(seen.arrived) and any(other.series == seen.series for other in later)
        if not seen.arrived and seen.index <= self._stepped_after:
            self.early_steps += 1
        values = gradient.detach()
        seen.arrived.append(values.float().mean().item() if values.numel() else 0.0)
        if values.numel() > 1:
            counted = values != 0
            equal = bool((values[counted] * values.numel() - 1).abs().max() < 1e-3) if counted.any() else False
            seen.weighed = int(counted.sum()), values.numel(), equal
        for key in leaves:
            followed = self.followed.get(key)
            if followed is None:
                continue
            if followed.gradient() is None:
                followed.used = followed.stale = False
            elif followed.used:
                followed.stale = True
            followed.gradients += 1
            followed.fresh, followed.waiting = True, False

    def stepped(self, optimizer: torch.optim.Optimizer) -> None:
        """An optimizer is about to step."""
        held = [p for group in optimizer.param_groups for p in group["params"]]
        mine = [f for p in held if (f := self.followed.get(id(p))) is not None and f.parameter() is p]
        if not mine:
            self.foreign_steps += any(f.fresh for f in self.followed.values())
            return
        self.steps += 1
        for seen in self.calls:
            seen.stepped |= bool(seen.arrived)
        self.rates.append(float(optimizer.param_groups[0].get("lr", float("nan"))))
        self.holds_inputs |= not all(isinstance(p, torch.nn.Parameter) for p in held)
        without = {id(p) for p in held if p.requires_grad and p.grad is None}
        self.unused = without if self.unused is None else self.unused & without
        self.optimized = len(held)
        waiting = any(f.waiting for f in mine)
        gradients = [f.gradient() for f in mine]
        if all(p.grad is None for p in held):
            self.empty_steps += waiting
            self.cleared_steps += not waiting and any(f.fresh for f in mine)
        elif waiting:
            self._stepped_after = len(self.calls)
        self.stale_steps += any(f.stale for f in mine)
        for followed, gradient in zip(mine, gradients, strict=True):
            followed.held, followed.used, followed.fresh = True, True, False
            followed.zero += gradient is None
            if gradient is not None:
                followed.size = gradient.float().norm().item()
                followed.not_finite += not bool(gradient.isfinite().all())


def _new_leaf(call: Call) -> int | None:
    """The identity of a prediction that requires a gradient, though no operation made it, and that is no parameter."""
    t = call.prediction
    if not t.is_leaf or not t.requires_grad or isinstance(t, torch.nn.Parameter):
        return None
    return id(t)


def spread(prediction: Tensor) -> float | None:
    """The largest difference between samples, against the largest number: 0 where all samples get the same."""
    values = part(prediction.detach())
    if values.dim() == 0 or len(values) < 3 or not values.is_floating_point() or not values.numel():
        return None
    values = values.float()
    size = values.abs().max().item()
    return ((values - values[:1]).abs().max().item() / size) if size else 0.0


def dead_units(hidden: list[Tensor]) -> float:
    """The largest share, among layers, of units that are 0 for every sample of the batch."""
    shares = []
    for layer in hidden:
        if layer.dim() < 2 or len(layer) < 4 or layer.shape[1] < 4:
            continue
        units = part(layer).transpose(0, 1).flatten(1) if layer.dim() != 3 else part(layer).flatten(0, 1).T
        shares.append((units == 0).all(1).double().mean().item())
    return max(shares, default=0.0)
