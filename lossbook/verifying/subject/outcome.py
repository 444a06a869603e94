"""One call of a loss and its outcome: failed, no tensor, or answered."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .state import TakesTooLong, check_time, limited, quiet, unswitched


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The effects of a call besides its result."""

    printed: str = ""
    overwritten: tuple[int, ...] = ()  #: which arguments no longer hold what they held
    switched: tuple[str, ...] = ()  #: settings of torch that the call left changed


@dataclass(frozen=True, kw_only=True)
class Failed(Observed):
    """The call raised an error."""

    error: BaseException


@dataclass(frozen=True, kw_only=True)
class NoTensor(Observed):
    """The call returned something that is no tensor."""

    kind: str  #: the type of what was returned


@dataclass(frozen=True, kw_only=True)
class Answered(Observed):
    """The call returned a tensor."""

    value: Tensor  #: a copy without its graph
    gradients: tuple[Tensor | None, ...]  #: for each prediction, then each parameter; None where none arrived
    result: Tensor = field(repr=False)  #: as it was returned
    backward_error: BaseException | None = None  #: what the backward pass raised

    @property
    def carries_gradient(self) -> bool:
        return self.result.requires_grad

    @property
    def is_finite(self) -> bool:
        return bool(self.value.isfinite().all())


Outcome = Failed | NoTensor | Answered


def error_of(outcome: Outcome) -> BaseException | None:
    """The error that the call or its backward pass raised."""
    if isinstance(outcome, Answered):
        return outcome.backward_error
    return outcome.error if isinstance(outcome, Failed) else None


def call(
    loss: Callable,
    tensors: Sequence[Tensor],
    wrt: Sequence[int] = (),
    *,
    parameters: Sequence[Tensor] = (),
    upstream: float = 1.0,
    passes: int = 1,
) -> Outcome:
    """Call a loss on copies of the tensors and ask for its gradients.

    Args:
        loss: what is called.
        tensors: its arguments; they are copied, so that nothing happens to them.
        wrt: which of them are predictions.
        parameters: tensors of the loss itself whose gradients are wanted, too.
        upstream: what the gradient that comes from above is multiplied by.
        passes: how many times the backward pass goes through the same graph; the last one counts.

    Raises:
        TimeIsUp: all calls together have had their time.
    """
    check_time()
    leaves = [t.detach().clone() for t in tensors]
    for i in wrt:
        leaves[i].requires_grad_()
    # Not the leaves themselves: a model's output is none either, and may be overwritten in place.
    given = [leaf.clone() if leaf.requires_grad else leaf for leaf in leaves]
    result, error = None, None
    with quiet() as output, unswitched() as switched:
        try:
            with limited():
                result = loss(*given)
        except (Exception, SystemExit, TakesTooLong) as raised:
            error = _without_tensors(raised)
    printed = output.getvalue()
    overwritten = tuple(
        i for i, (now, was) in enumerate(zip(given, tensors, strict=True)) if not same(now.detach(), was)
    )
    if error is not None:
        return Failed(error=error, printed=printed, overwritten=overwritten, switched=tuple(switched))
    if not isinstance(result, Tensor):
        kind = type(result).__name__
        return NoTensor(kind=kind, printed=printed, overwritten=overwritten, switched=tuple(switched))
    value = result.detach().clone()
    gradients, backward_error = _backward(result, [*(leaves[i] for i in wrt), *parameters], upstream, passes)
    return Answered(
        value=value,
        gradients=gradients,
        result=result,
        backward_error=backward_error,
        printed=printed,
        overwritten=overwritten,
        switched=tuple(switched),
    )


def _without_tensors(error: BaseException) -> BaseException:
    """The error without what its frames hold: whole batches, in a circle that only the garbage collector would break."""
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
    own = error.__traceback__
    return error.with_traceback(own and own.tb_next)  # the first frame is the caller's, which holds the error


def _backward(
    result: Tensor, leaves: list[Tensor], upstream: float, passes: int
) -> tuple[tuple[Tensor | None, ...], BaseException | None]:
    """The gradients of the leaves, and what the backward pass raised."""
    gradients: tuple[Tensor | None, ...] = (None,) * len(leaves)
    if not result.requires_grad or not leaves:
        return gradients, None
    weights = torch.full_like(result, upstream)
    if result.numel() > 1:  # a different upstream gradient per element, so that errors cannot cancel
        weights = (weights * torch.linspace(0.5, 1.5, result.numel()).reshape(result.shape)).to(result.dtype)
    try:
        with limited():
            # A sum of its own instead of torch's grad_outputs: for these torch imports its compiler, which takes seconds.
            with torch.enable_grad():  # which the loss under test may have switched off
                weighted = (result * weights).sum()
            for left in reversed(range(passes)):
                gradients = torch.autograd.grad(weighted, leaves, allow_unused=True, retain_graph=left > 0)
    except (Exception, SystemExit, TakesTooLong) as error:
        return (None,) * len(leaves), _without_tensors(error)
    return gradients, None


def same(one: Tensor, other: Tensor) -> bool:
    """Equal bit for bit; NaN equals NaN."""
    return (
        one.shape == other.shape
        and one.dtype == other.dtype
        and torch.equal(one.nan_to_num(7.5), other.nan_to_num(7.5))
    )
