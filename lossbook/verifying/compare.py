"""Whether a loss gave what the right one gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..kit.batches.batch import Batch
from .subject.call import Outcome, call
from .subject.state import TakesTooLong

DOUBLE, SINGLE = 1e-6, 2e-5  #: how exact a loss must be that computes in float64, and one that computes in float32
STEP = 1e-5  #: how far to look beside a point for other slopes
STEEP = 1e5  #: a slope that stands for an infinite one: any finite number will do


@dataclass
class Trial:
    """One batch, what the loss under test made of it, and what is right."""

    batch: Batch
    settings: dict[str, Any]
    got: Outcome
    right: list[Outcome]  #: each is right; none where the batch means nothing to the reference

    @property
    def best(self) -> Outcome:
        return self.right[0]


def try_on(
    loss: Callable, losses: Sequence[Callable], batch: Batch, wrt: Sequence[int], settings: dict[str, Any] | None = None
) -> Trial:
    """Call a loss and the right ones on a batch."""
    # On ordinary input lossbook and torch agree, as lossbook's tests show; where losses break, they may not.
    right = [call(reference, batch.tensors, wrt) for reference in (losses if batch.edge else losses[:1])]
    # Where one of them fails, torch's own has a flaw of its own there, and nobody can say what is right.
    if not all(r.works and r.backward_error is None and bool(r.value.isfinite().all()) for r in right):
        right = []
    return Trial(batch, settings or {}, call(loss, batch.tensors, wrt), right)


def fault_of(trial: Trial, losses: Sequence[Callable], wrt: Sequence[int], tolerance: float) -> str | None:
    """What is wrong, in a word; None where the loss is right or the reference says nothing."""
    got = trial.got
    if not trial.right:
        return None
    if isinstance(got.error, TakesTooLong) or isinstance(got.backward_error, TakesTooLong):
        return "hang"
    if got.error is not None:
        return "error"
    if got.value is None:
        return "no tensor"
    if got.value.numel() != trial.best.value.numel() or got.value.is_complex() or got.value.dtype is torch.bool:
        return "shape"
    if got.value.dim() > 1 and got.value.shape != trial.best.value.shape:
        return "shape"
    if not any(close(got.value.reshape(r.value.shape), r.value, tolerance) for r in trial.right):
        near = any(close(got.value.reshape(r.value.shape), r.value, 1e-2) for r in trial.right)
        if near and gradient_fault(trial, losses, wrt, tolerance) == "gradient not finite":
            return "gradient not finite"  # a root without the small number under it: the value is off by that number
        return "value" if bool(got.value.isfinite().all()) else "not finite"
    return gradient_fault(trial, losses, wrt, tolerance)


def gradient_fault(trial: Trial, losses: Sequence[Callable], wrt: Sequence[int], tolerance: float) -> str | None:
    """The same for the gradients alone."""
    got, spared = trial.got, len(losses) == 1  # of a person's own reference nobody knows what is a target
    if got.backward_error is not None:
        return "backward error"
    wanted = [r for r in trial.right if r.carries_gradient]
    if not wanted:
        return None
    if not got.carries_gradient:
        return "graph cut"
    for k, i in enumerate(wrt):
        rights = [r.gradients[k] for r in wanted if r.gradients[k] is not None]
        rights = [r for r in rights if bool(r.isfinite().all())]
        if not rights:
            continue
        mine = got.gradients[k]
        if k and spared and (mine is None or bool((mine == 0).all())):
            continue  # it may be a target, and detached
        if mine is None:
            if all(bool((r == 0).all()) for r in rights):
                continue
            return "graph cut"
        if not bool(mine.isfinite().all()):
            return "gradient not finite"
        if any(close(mine, r, tolerance, steep=True) for r in rights):
            continue
        if not _subgradient(mine, rights, trial, losses, i, k, tolerance):
            return "gradient"
    return None


def close(got: Tensor, want: Tensor, tolerance: float, steep: bool = False) -> bool:
    """Equal to within the tolerance, relative for numbers beyond 1."""
    got, want = got.double(), want.double()
    apart = (got - want).abs() <= tolerance * want.abs().clamp(min=1)
    return bool((apart | (want.abs() > STEEP)).all() if steep else apart.all())


def _subgradient(
    mine: Tensor, rights: list[Tensor], trial: Trial, losses: Sequence[Callable], i: int, k: int, tolerance: float
) -> bool:
    """Whether each number lies between slopes found right beside the point: at a kink all of these are right."""
    seen = [r.double() for r in rights]
    generator = torch.Generator().manual_seed(1)
    batch = trial.batch
    wrt = (i,)
    low_end, high_end = (0.0, 1.0) if _chances(batch.tensors[i]) else (-float("inf"), float("inf"))
    for _ in range(4):
        way = torch.randint(2, batch.tensors[i].shape, generator=generator).double() * 2 - 1
        for side in (STEP, -STEP):
            moved = list(batch.tensors)
            moved[i] = (moved[i] + side * way).clamp(low_end, high_end)
            beside = call(losses[0], moved, wrt)
            if beside.gradients and beside.gradients[0] is not None and bool(beside.gradients[0].isfinite().all()):
                seen.append(beside.gradients[0].double())
    slopes = torch.stack(seen)
    low, high = slopes.amin(0), slopes.amax(0)
    slack = tolerance * high.abs().clamp(min=1) + 1e-3 * (high - low)
    inside = (mine >= low - slack) & (mine <= high + slack)
    return bool((inside | (high.abs() > STEEP) | (low.abs() > STEEP)).all())


def _chances(tensor: Tensor) -> bool:
    return bool((tensor >= 0).all() and (tensor <= 1).all())
