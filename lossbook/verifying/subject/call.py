"""One call of a loss, and all that can be seen of it from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .state import TakesTooLong, limited, quiet


@dataclass
class Outcome:
    """What a call gave."""

    value: Tensor | None = None
    gradients: tuple[Tensor | None, ...] = ()  #: for each prediction; None where none arrived
    error: BaseException | None = None  #: what the call raised
    backward_error: BaseException | None = None  #: what the backward pass raised
    printed: str = ""
    overwritten: tuple[int, ...] = ()  #: which arguments no longer hold what they held
    result: Any = field(default=None, repr=False)  #: as it was returned

    @property
    def carries_gradient(self) -> bool:
        return isinstance(self.result, Tensor) and self.result.requires_grad

    @property
    def works(self) -> bool:
        return self.value is not None and self.error is None


def call(
    loss: Callable,
    tensors: Sequence[Tensor],
    wrt: Sequence[int] = (),
    settings: dict[str, Any] | None = None,
    upstream: float = 1.0,
    passes: int = 1,
) -> Outcome:
    """Call a loss on copies of the tensors and ask for its gradients.

    Args:
        loss: what is called.
        tensors: its arguments; they are copied, so that nothing happens to them.
        wrt: which of them are predictions.
        settings: keywords.
        upstream: what the gradient that comes from above is multiplied by.
        passes: how many times the backward pass goes through the same graph; the last one counts.
    """
    leaves = [t.detach().clone() for t in tensors]
    for i in wrt:
        leaves[i].requires_grad_()
    # Not the leaves themselves: a model's output is none either, and may be overwritten in place.
    given = [leaf.clone() if leaf.requires_grad else leaf for leaf in leaves]
    outcome = Outcome()
    with quiet() as printed:
        try:
            with limited():
                outcome.result = loss(*given, **(settings or {}))
        except (Exception, SystemExit, TakesTooLong) as error:
            outcome.error = error
    outcome.overwritten = tuple(
        i for i, (now, was) in enumerate(zip(given, tensors, strict=True)) if not same(now.detach(), was)
    )
    if outcome.error is None and isinstance(outcome.result, Tensor):
        outcome.value = outcome.result.detach().clone()
        if outcome.result.requires_grad and wrt:
            _backward(outcome, [leaves[i] for i in wrt], upstream, passes)
        else:
            outcome.gradients = (None,) * len(wrt)
    outcome.printed = printed.getvalue()
    return outcome


def _backward(outcome: Outcome, leaves: list[Tensor], upstream: float, passes: int) -> None:
    result = outcome.result
    weights = torch.full_like(result, upstream)
    if result.numel() > 1:  # each loss its own, so that none hides behind another
        weights = (weights * torch.linspace(0.5, 1.5, result.numel()).reshape(result.shape)).to(result.dtype)
    try:
        with limited():
            # A sum of its own instead of torch's grad_outputs: for these torch imports its compiler, which takes seconds.
            with torch.enable_grad():  # which the loss under test may have switched off
                weighted = (result * weights).sum()
            for left in reversed(range(passes)):
                outcome.gradients = torch.autograd.grad(weighted, leaves, allow_unused=True, retain_graph=left > 0)
    except (Exception, SystemExit, TakesTooLong) as error:
        outcome.backward_error = error
        outcome.gradients = (None,) * len(leaves)


def same(one: Tensor, other: Tensor) -> bool:
    """Equal bit for bit; NaN equals NaN."""
    return (
        one.shape == other.shape
        and one.dtype == other.dtype
        and torch.equal(one.nan_to_num(7.5), other.nan_to_num(7.5))
    )
