"""What happened since the first call: gradients that came back, steps, parameters that moved. Numbers only.

Parameters are held weakly, and of each a few numbers are kept to see whether it moves. Nothing of a graph is kept.
"""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from . import contract, graph
from .distances import pairs, triplets
from .followed import Followed
from .observation import Call
from .seen import (
    InVain,
    Seen,
    Standing,
    Weighed,
    ahead,
    classes,
    dead_units,
    echoes,
    new_leaf,
    picked,
    saturated_units,
    spread,
    whole_target,
)
from .sides import detached_twin, sides, target_leaves, weight_that_moves

MOST = 200  #: parameters that are followed


def _nothing() -> None:
    """Stands for a reference to what nobody gave."""


class Training:
    """All that was seen since the first call of one loss."""

    _numbers = itertools.count(1)

    def __init__(self) -> None:
        self.number = next(self._numbers)  #: one for each training, never used again
        self.model: Callable[[], torch.nn.Module | None] = _nothing
        self.optimizer: Callable[[], torch.optim.Optimizer | None] = _nothing
        self.beside: list[Training] = []  #: those of the other lines of a loop that call a loss, and this one
        self.calls: list[Seen] = []
        self.followed: dict[int, Followed] = {}
        self._stepped_after = 0  #: calls before the last step that came while a call waited for its backward pass
        self.over = False  #: whether somebody asks now what has been found
        self.late = (
            False  #: whether that is so, or many calls have passed: what waited for a gradient has had it by now
        )
        self.arrived_late = False  #: whether a gradient came back after the first calls, where none had before
        self.loss = ""  #: its name, as it was written
        self.own = False  #: whether it is one of the reader's own
        self.embeds = False  #: whether it compares embeddings
        self.reduction = ""
        self.all_steps = 0  #: of any optimizer, since the first call
        self.steps = 0  #: of optimizers that hold parameters behind the loss
        self.foreign_steps = 0  #: of others, though a gradient was there to be used
        self.empty_steps = 0  #: steps that found no gradient, before a backward pass
        self.cleared_steps = 0  #: steps that found no gradient, after one
        self.early_steps = 0  #: steps between a call and its backward pass, with an older gradient
        self.stale_steps = 0  #: steps with a gradient that an earlier step had used
        self.rates: list[float] = []  #: the learning rate of each step
        self.holds_inputs = False  #: an optimizer moves a tensor that is no parameter, such as an image
        self.unused: dict[int, Standing] | None = None  #: parameters of the optimizer that never held a gradient
        self.optimized = 0  #: how many parameters the optimizer has
        self.new_optimizers = 0  #: steps of optimizers that had not stepped before
        self._in_vain: dict[int, InVain] = {}  #: by the identity of the optimizer
        self._known_optimizers: weakref.WeakSet[torch.optim.Optimizer] = weakref.WeakSet()
        self.keeps_state = False  #: whether the optimizer remembers earlier gradients
        self.half_eps: float | None = None  #: the eps of Adam, where it divides in float16
        self.maximizes = False  #: whether the optimizer was told to make the loss larger
        self.norms: list[float] = []  #: of all gradients, at each step
        self.decay = 0.0  #: learning rate times weight decay, summed over the steps
        self.pulls: list[
            float
        ] = []  #: the length of what weight decay adds, against that of the gradient, at each step
        self.twice = 0  #: second backward passes through one loss, that added to the gradients of the first
        self.added = 0  #: backward passes that added to gradients of earlier ones, whether a step had used them or not
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

    @property
    def learned_beside(self) -> bool:
        """Whether a gradient came back to another line that calls a loss: this one may be a metric, or a validation."""
        return any(other.backwards for other in self.beside)

    def series(self) -> list[list[Seen]]:
        """Calls that can be compared, those of the longest series first."""
        groups: dict[Any, list[Seen]] = {}
        for seen in self.calls:
            groups.setdefault(seen.series, []).append(seen)
        return sorted(groups.values(), key=len, reverse=True)

    def held_together(self) -> bool:
        """Whether one optimizer holds all parameters behind the loss."""
        holders = [followed.holders for followed in self.followed.values()]
        return bool(holders) and bool(set.intersection(*holders))

    def layers(self) -> int:
        """How many parameters with rows and columns stand behind the loss."""
        return sum(len(followed.shape) > 1 for followed in self.followed.values())

    def moves(self) -> int:
        """How often any parameter was seen to move."""
        return max((followed.moved for followed in self.followed.values()), default=0)

    def _traveled(self) -> float:
        """The length of the way of the parameter that moved most, against its size."""
        ways = [sum(update for update in f.updates if math.isfinite(update)) for f in self.followed.values()]
        return max(ways, default=0.0)

    def refresh(self) -> None:
        """Look at the parameters once more, after the last call."""
        for followed in self.followed.values():
            followed.look()

    # What happens

    def called(self, call: Call, series: Any) -> Seen:
        """Enter a call; returns what its hooks fill in later."""
        ancestry = call.ancestry
        self.loss, self.reduction = call.spoken, str(call.settings.get("reduction", ""))
        only_new = bool(ancestry.leaves) and not any(self._knows(leaf) for leaf in ancestry.leaves)
        for leaf in ancestry.leaves:
            self._follow(leaf)
        for leaf in graph.ancestry(call.target).leaves if call.has_target and call.target.requires_grad else []:
            self._follow(leaf)
        self.own = call.entry is None
        self.embeds = call.name in contract.OF_EMBEDDINGS
        result = call.result if isinstance(call.result, Tensor) else None
        seen = Seen(
            index=len(self.calls) + 1,
            series=(series, tuple(sorted(map(id, ancestry.leaves)))),
            value=result.detach().float().mean().item() if result is not None else float("nan"),
            single=result is not None and result.numel() == 1,
            grad_enabled=call.grad_enabled,
            prediction_carries=bool(call.learning),
            all_carry=all(t.requires_grad for t in call.predictions.values()),
            carries=result is not None and result.requires_grad,
            leaf=new_leaf(call),
            numbers=call.prediction.numel(),
            samples=len(call.prediction) if call.prediction.dim() else 1,
            fits=call.has_target and torch.equal(call.predicted.some, call.targeted.some.to(call.predicted.some)),
            echoes=echoes(call),
            shares=call.entry is None and detached_twin(call),
            traveled=self._traveled(),
            whole=call.predicted.some.numel() > 0 and call.predicted.whole,
            spread=spread(call),
            dead=dead_units(ancestry.hidden),
            saturated=saturated_units(ancestry.squeezed),
            sizes=_sizes(call),
            only_new=only_new and all(isinstance(leaf, torch.nn.Parameter) for leaf in ancestry.leaves),
            after_steps=self.steps,
            kept=_kept(call),
            target_leaves=target_leaves(call),
            weight=weight_that_moves(call),
            normalizes=any(ancestry.normalizing) if ancestry.normalizing else None,
            sides=sides(call),
            arguments=[(weakref.ref(t), t._version) for t in call.tensors.values() if not t.is_inference()],
            reaches_back=self._reached(ancestry.marked),
            evaluating=(model := self.model()) is not None and not model.training,
            learns=any(ancestry.names[name] for name in ("Addmm", "Mm", "Convolution", "Bmm", "Linear")),
            picked=picked(call),
            ahead=ahead(call),
            classes=classes(call),
            whole_target=whole_target(call),
            triplets=triplets(call),
            pairs=pairs(call),
            result=weakref.ref(result) if result is not None else None,
        )
        self.calls.append(seen)
        return seen

    def _reached(self, marked: set[int]) -> int:
        """The last of the calls whose graphs are part of another, if a step has used its gradient already."""
        done = [i for i in marked if i <= len(self.calls) and self.calls[i - 1].stepped]
        return max(done, default=0)

    def _knows(self, leaf: Tensor) -> bool:
        followed = self.followed.get(id(leaf))
        return followed is not None and followed.parameter() is leaf

    def _follow(self, leaf: Tensor) -> None:
        followed = self.followed.get(id(leaf))
        if followed is None or not self._knows(leaf):
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
        seen.modified = any((t := ref()) is not None and t._version != version for ref, version in seen.arguments)
        if not seen.arrived and seen.index <= self._stepped_after:
            self.early_steps += 1
        held = [f for key in leaves if (f := self.followed.get(key)) is not None]
        self.twice += (
            bool(seen.arrived) and not seen.stepped and any(f.fresh and f.gradient() is not None for f in held)
        )
        there = [f.gradient() for f in held]
        self.added += bool(there) and all(g is not None and bool(g.any()) for g in there)
        values = gradient.detach()
        seen.arrived.append(values.float().mean().item() if values.numel() else 0.0)
        if values.numel() > 1:
            counted = values != 0
            equal = bool((values[counted] * values.numel() - 1).abs().max() < 1e-3) if counted.any() else False
            seen.weighed = Weighed(int(counted.sum()), values.numel(), equal, bool(counted.flatten()[0]))
        for followed in held:
            if followed.gradient() is None:
                followed.used = False
            elif followed.used:
                followed.go_stale()
            followed.gradients += 1
            followed.fresh, followed.waiting = True, False

    def stepped(self, optimizer: torch.optim.Optimizer, closure: Any = None) -> None:
        """An optimizer is about to step."""
        self.all_steps += 1
        held = _held(optimizer)
        mine = [f for p in held if (f := self.followed.get(id(p))) is not None and f.parameter() is p]
        if not mine:
            self.foreign_steps += any(f.fresh for f in self.followed.values())
            if closure is None:  # which may compute the gradient
                self._count_in_vain(optimizer, held)
            return
        self._in_vain.pop(id(optimizer), None)  # it waited until another part was warm
        self.steps += 1
        for seen in self.calls:
            seen.stepped |= bool(seen.arrived)
        self.rates.append(float(optimizer.param_groups[0].get("lr", float("nan"))))
        self.new_optimizers += optimizer not in self._known_optimizers
        self._known_optimizers.add(optimizer)
        settings = optimizer.param_groups[0]
        if "betas" in settings and not settings.get("fused") and any(p.dtype == torch.float16 for p in held):
            self.half_eps = settings.get("eps")
        self.keeps_state |= "betas" in settings or bool(settings.get("momentum"))
        self.maximizes |= bool(settings.get("maximize"))
        self.decay += self.rates[-1] * float(settings.get("weight_decay", 0))
        self.holds_inputs |= not all(isinstance(p, torch.nn.Parameter) for p in held)
        without = {id(p): Standing(weakref.ref(p), p._version) for p in held if p.requires_grad and p.grad is None}
        self.unused = without if self.unused is None else {k: v for k, v in self.unused.items() if k in without}
        self.optimized = len(held)
        waiting = any(f.waiting for f in mine)
        gradients = [f.gradient() for f in mine]
        if all(p.grad is None for p in held):
            self.empty_steps += waiting
            self.cleared_steps += not waiting and any(f.fresh for f in mine)
        elif waiting:
            self._stepped_after = len(self.calls)
        self.stale_steps += any(f.stale for f in mine)
        self.norms.append(math.sqrt(sum(g.float().square().sum().item() for g in gradients if g is not None)))
        weights = math.sqrt(sum(p.detach().float().square().sum().item() for p in held)) if self.decay else 0.0
        self.pulls.append(float(settings.get("weight_decay", 0)) * weights / max(self.norms[-1], 1e-12))
        for followed, gradient in zip(mine, gradients, strict=True):
            followed.held, followed.used, followed.fresh = True, True, False
            followed.holders.add(id(optimizer))
            followed.zero += gradient is None
            if gradient is not None:
                followed.size = gradient.float().norm().item()
                followed.not_finite += not bool(gradient.isfinite().all())

    def _count_in_vain(self, optimizer: torch.optim.Optimizer, held: list[Tensor]) -> None:
        """Count the steps of an optimizer that has no gradient to use; one that ever had one is left alone for good."""
        if not any(p.requires_grad for p in held):
            return  # frozen for now
        before = self._in_vain.get(id(optimizer))
        if before is None or before.optimizer() is not optimizer:
            before = InVain(weakref.ref(optimizer), 0, [Standing(weakref.ref(p), p._version) for p in held])
        had = before.had_gradient or any(p.grad is not None for p in held)
        self._in_vain[id(optimizer)] = before._replace(steps=before.steps + 1, had_gradient=had)

    def let_go(self) -> None:
        """Forget of what waited for a gradient that which has moved meanwhile: later it may exist no more."""
        self._in_vain = {k: vain for k, vain in self._in_vain.items() if all(one.stands for one in vain.held)}
        self.unused = {k: one for k, one in (self.unused or {}).items() if one.stands}

    def steps_in_vain(self) -> tuple[int, int]:
        """The most steps of an optimizer that has never moved what it holds, and how many parameters that are."""
        counted = [
            (vain.steps, len(vain.held))
            for vain in self._in_vain.values()
            if not vain.had_gradient and all(one.stands for one in vain.held)
        ]
        return max(counted, default=(0, 0))

    def untouched(self) -> int:
        """How many parameters of optimizers never held a gradient at a step, and have not been changed since."""
        return sum(one.stands for one in (self.unused or {}).values())


def _held(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The parameters that an optimizer holds."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _sizes(call: Call) -> tuple[float, float]:
    """The mean size of predictions and of targets; nan where they are not compared number by number."""
    if call.takes != contract.NUMBERS or not call.has_target or not call.target.numel():
        return math.nan, math.nan
    return call.predicted.some.abs().double().mean().item(), call.targeted.some.abs().double().mean().item()


def _kept(call: Call) -> int:
    """How many places of sequences count; 0 where a call has no sequences, or does not divide by their number."""
    if call.settings.get("reduction") != "mean" or call.name not in ("cross_entropy", "nll") or not call.has_target:
        return 0
    if call.target.is_floating_point() or not call.target.dim():
        return 0
    ignored = int(call.settings["ignore_index"])
    return int(call.target.ne(ignored).sum())
