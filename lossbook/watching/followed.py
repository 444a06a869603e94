"""A parameter behind a loss, and what becomes of it."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from .observation import part

SAMPLE = 256  #: numbers of a parameter that are compared from call to call


class Followed:
    """A parameter, and what became of it."""

    def __init__(self, parameter: Tensor) -> None:
        self.parameter = weakref.ref(parameter)
        self.shape = tuple(parameter.shape)
        self.is_parameter = isinstance(parameter, torch.nn.Parameter)
        self.values = sample(parameter)
        self.first = self.values.norm().item()  #: the length of those numbers at first
        self.version = parameter._version
        self.moved = 0  #: how often it had changed at a later call
        self.updates: list[float] = []  #: the size of each change, against its own
        self.gradients = 0  #: backward passes that reached the loss it is behind
        self.zero = 0  #: steps, or calls, that found its gradient to be exactly 0
        self.not_finite = 0
        self.size = 0.0  #: of its last gradient
        self.held = False  #: by an optimizer that stepped
        self.holders: set[int] = set()  #: the identities of such optimizers
        self.waiting = False  #: a call saw it, and no backward pass has followed yet
        self.fresh = False  #: a backward pass reached it since the last step
        self.used = False  #: a step has used the gradient that it holds
        self._stale: weakref.ref[Tensor] | None = None  #: that gradient, where it was added to once more

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

    def go_stale(self) -> None:
        """Its gradient, used already, is about to be added to."""
        parameter = self.parameter()
        self._stale = weakref.ref(parameter.grad) if parameter is not None and parameter.grad is not None else None

    @property
    def stale(self) -> bool:
        """Whether the gradient that it holds was added to after its use, and not replaced since by zero_grad()."""
        parameter, gradient = self.parameter(), self._stale() if self._stale is not None else None
        return parameter is not None and gradient is not None and parameter.grad is gradient

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
