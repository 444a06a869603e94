"""Compare what a loss gave with what the right one gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..kit.batches.batch import Batch
from .subject.outcome import Answered, Failed, NoTensor, Outcome, call
from .subject.state import TakesTooLong

DOUBLE, SINGLE = 1e-6, 2e-5  #: how exact a loss must be that computes in float64, and one that computes in float32
STEP = 1e-5  #: how far to look beside a point for other slopes
STEEP = 1e5  #: a slope that stands for an infinite one: any finite number will do


@dataclass(frozen=True)
class Standard:
    """The right losses and the tolerance that a loss is compared with."""

    losses: Sequence[Callable]  #: each is right
    wrt: tuple[int, ...]  #: which arguments are predictions
    guessed: bool  #: whether these were guessed, as with a user's reference
    tolerance: float = DOUBLE


@dataclass(frozen=True, eq=False)
class Sample:
    """A batch on which both gave a tensor: the loss under test and the right one."""

    batch: Batch
    got: Answered
    best: Answered


@dataclass(frozen=True, eq=False)
class Trial:
    """One batch, what the loss under test made of it, and what is right."""

    batch: Batch
    got: Outcome
    right: list[Answered]  #: each is right; none where the batch means nothing to the reference

    @property
    def best(self) -> Answered:
        return self.right[0]

    @property
    def sample(self) -> Sample | None:
        return Sample(self.batch, self.got, self.best) if self.right and isinstance(self.got, Answered) else None


def try_on(loss: Callable, standard: Standard, batch: Batch) -> Trial:
    """Call a loss and the right ones on a batch."""
    # On ordinary input lossbook and torch agree, as lossbook's tests show; where losses break, they may not.
    losses = standard.losses if batch.edge else standard.losses[:1]
    outcomes = [call(right, batch.tensors, standard.wrt) for right in losses]
    right = [o for o in outcomes if isinstance(o, Answered) and o.backward_error is None and o.is_finite]
    # If torch or lossbook fails here, there is no reference value: skip.
    return Trial(batch, call(loss, batch.tensors, standard.wrt), right if len(right) == len(outcomes) else [])


def fault_of(trial: Trial, standard: Standard) -> str | None:
    """Name the fault; None if the loss is right or there is no reference value."""
    got = trial.got
    if not trial.right:
        return None
    if isinstance(got, Failed):
        return "hang" if isinstance(got.error, TakesTooLong) else "error"
    if isinstance(got, NoTensor):
        return "no tensor"
    if isinstance(got.backward_error, TakesTooLong):
        return "hang"
    fault = _value_fault(trial, got, standard) or _gradient_fault(trial, got, standard)
    return None if trial.batch.open and fault in ("value", "gradient") else fault


def _value_fault(trial: Trial, got: Answered, standard: Standard) -> str | None:
    value, want = got.value, trial.best.value
    if value.numel() != want.numel() or value.is_complex() or value.dtype is torch.bool:
        return "shape"
    # A mean of shape (1) is taken for one of shape (); one loss for each element has the documented shape.
    if value.shape != want.shape and (value.dim() > 1 or (want.dim() and not standard.guessed)):
        return "shape"

    def agrees(tolerance: float) -> bool:
        return any(close(value.reshape(r.value.shape), r.value, tolerance) for r in trial.right)

    if agrees(standard.tolerance):
        return None
    if agrees(1e-2) and _gradient_fault(trial, got, standard) == "gradient not finite":
        return "gradient not finite"  # a root without the small number under it: the value is off by that number
    return "value" if got.is_finite else "not finite"


def _gradient_fault(trial: Trial, got: Answered, standard: Standard) -> str | None:
    if got.backward_error is not None:
        return "backward error"
    wanted = [r for r in trial.right if r.carries_gradient]
    if not wanted:
        return None
    if not got.carries_gradient:
        return "graph cut"
    for k, i in enumerate(standard.wrt):
        rights = [g for r in wanted if (g := r.gradients[k]) is not None and bool(g.isfinite().all())]
        mine = got.gradients[k]
        if not rights or (k and standard.guessed and (mine is None or bool((mine == 0).all()))):
            continue  # with a user's reference we cannot tell predictions from targets, which may be detached
        if mine is None:
            if all(bool((r == 0).all()) for r in rights):
                continue
            return "graph cut"
        if not bool(mine.isfinite().all()):
            return "gradient not finite"
        if any(close(mine, r, standard.tolerance, steep=True) for r in rights):
            continue
        if not is_subgradient(mine, rights, trial.batch, standard.losses[0], i, standard.tolerance):
            return "gradient"
    return None


def close(got: Tensor, want: Tensor, tolerance: float, *, steep: bool = False) -> bool:
    """Equal to within the tolerance, relative for numbers beyond 1; NaN equals NaN, and infinity itself.

    If ``steep``, a slope beyond STEEP equals any.
    """
    got, want = got.double(), want.double()
    equal = (got - want).abs() <= tolerance * want.abs().clamp(min=1)
    equal = equal | (got == want) | (got.isnan() & want.isnan())
    return bool((equal | (want.abs() > STEEP)).all() if steep else equal.all())


def is_subgradient(
    mine: Tensor, rights: list[Tensor], batch: Batch, right: Callable, argument: int, tolerance: float
) -> bool:
    """Check each number against the slopes right beside the point: at a kink all between them are right."""
    seen = [r.double() for r in rights]
    generator = torch.Generator().manual_seed(1)
    point = batch.tensors[argument]
    ends = (0.0, 1.0) if _are_probabilities(point) else (-float("inf"), float("inf"))
    for _ in range(4):
        way = torch.randint(2, point.shape, generator=generator).double() * 2 - 1
        for side in (STEP, -STEP):
            moved = list(batch.tensors)
            moved[argument] = (point + side * way).clamp(*ends)
            beside = call(right, moved, (argument,))
            slope = beside.gradients[0] if isinstance(beside, Answered) else None
            if slope is not None and bool(slope.isfinite().all()):
                seen.append(slope.double())
    slopes = torch.stack(seen)
    low, high = slopes.amin(0), slopes.amax(0)
    slack = tolerance * high.abs().clamp(min=1) + 1e-3 * (high - low)
    inside = (mine >= low - slack) & (mine <= high + slack)
    return bool((inside | (high.abs() > STEEP) | (low.abs() > STEEP)).all())


def _are_probabilities(tensor: Tensor) -> bool:
    return bool(((tensor >= 0) & (tensor <= 1)).all())
