"""Tensors: what they hold, their shapes, their ranges."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch._subclasses.fake_tensor import FakeTensor

from ..language import Phrase, message


def is_half(value: Any) -> bool:
    """True for a tensor in half precision. Losses and softmax compute in float32 where that matters."""
    return isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16)


def is_recorded() -> bool:
    """Whether operations are written down, to run later: by torch.compile or torch.jit.trace."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def can_be_read(value: Tensor) -> bool:
    """True where the numbers of a tensor can be looked at: not under vmap, nor on the meta device.

    Nor where operations are recorded: those are to serve other numbers too.
    """
    if is_recorded() or value.is_meta or isinstance(value, FakeTensor):
        return False
    if functorch.is_legacy_batchedtensor(value):  # is_grads_batched
        return False
    while functorch.is_functorch_wrapped_tensor(value):  # grad may be wrapped around vmap
        if functorch.is_batchedtensor(value):
            return False
        value = functorch.get_unwrapped(value)
    return True


def check_tensors(**named: Any) -> None:
    """Each value is a tensor, all on one device."""
    _check_tensors(named.items())


def check_arguments(*values: Any) -> None:
    """The same of arguments whose names are not known: messages count them."""
    _check_tensors([(Phrase("argument {i}", i=i), value) for i, value in enumerate(values, start=1)])


def _check_tensors(named: Iterable[tuple[str | Phrase, Any]]) -> None:
    for name, value in named:
        if not isinstance(value, Tensor):
            raise TypeError(
                message(
                    "{name} must be a torch.Tensor, got {kind}. Turn numbers into a tensor first: "
                    "torch.tensor([2., 3.]).",
                    name=name,
                    kind=type(value).__name__,
                )
            )
    (first, one), *rest = named
    for name, other in rest:
        if one.device != other.device:
            raise ValueError(
                message(
                    "{first} and {name} must be on one device, got {device} and {other}. Move one of them: "
                    "{name}.to({first}.device).",
                    first=first,
                    name=name,
                    device=one.device,
                    other=other.device,
                )
            )


def check_floating(*, complex_too: bool = False, **named: Tensor) -> None:
    """Each tensor holds floating-point numbers, so that it can carry a gradient."""
    for name, value in named.items():
        if value.is_floating_point() or (complex_too and value.is_complex()):
            continue
        raise TypeError(
            message(
                "{name} must hold floating-point numbers, got {dtype}. Only those carry a gradient. Write "
                "{name}.float(), or numbers with a point: torch.tensor([2., 3.]).",
                name=name,
                dtype=value.dtype,
            )
        )


def check_real(**named: Tensor) -> None:
    """Each tensor holds real numbers: neither truth values nor complex numbers."""
    for name, value in named.items():
        if value.dtype is torch.bool or value.is_complex():
            raise TypeError(
                message(
                    "{name} must hold real numbers, got {dtype}. For truth values write {name}.float().",
                    name=name,
                    dtype=value.dtype,
                )
            )


def check_same_shape(**named: Tensor) -> None:
    """All tensors have one shape. Nothing is broadcast."""
    (first, one), *rest = named.items()
    for name, other in rest:
        if one.shape != other.shape:
            raise ValueError(
                message(
                    "{first} and {name} must have the same shape, got {shape} and {other}. Broadcasting would pair "
                    "numbers that do not belong together: (N, 1) against (N,) gives N×N errors. Use squeeze, "
                    "unsqueeze or reshape on one of them.",
                    first=first,
                    name=name,
                    shape=tuple(one.shape),
                    other=tuple(other.shape),
                )
            )


def check_pair(input: Any, target: Any) -> None:
    """Prediction and target of a loss that compares number with number: one shape, the prediction floating point."""
    check_tensors(input=input, target=target)
    check_same_shape(input=input, target=target)
    check_floating(input=input)
    check_real(target=target)


def check_dimension(dim: Any) -> None:
    """``dim`` is the number of one dimension."""
    if not isinstance(dim, int) or isinstance(dim, bool):
        raise TypeError(message("dim must be the number of one dimension, such as 1 or -1, got {dim!r}.", dim=dim))


def are_probabilities(value: Tensor) -> bool:
    """Whether every number lies in [0, 1]."""
    if value.numel() == 0:
        return True
    low, high = value.detach().aminmax()  # nan if one of the numbers is
    return bool(low >= 0 and high <= 1)


def _outside(value: Tensor) -> float | None:
    """The first number that does not lie in [0, 1], or is nan; None where all do, or cannot be looked at."""
    if not can_be_read(value) or are_probabilities(value):
        return None
    return value[~((value >= 0) & (value <= 1))].flatten()[0].item()


def check_probabilities(**named: Tensor) -> None:
    """Every number lies in [0, 1]. Where numbers cannot be looked at, nothing is checked."""
    for name, value in named.items():
        if (wrong := _outside(value)) is not None:
            raise ValueError(
                message(
                    "{name} must hold probabilities between 0 and 1, got {got:.4g}. If the model returns scores, use "
                    "the loss 'with logits', or apply torch.sigmoid first.",
                    name=name,
                    got=wrong,
                )
            )


def check_soft_labels(**named: Tensor) -> None:
    """Every number lies between 0, which is no, and 1, which is yes. Where numbers cannot be looked at, nothing is checked."""
    for name, value in named.items():
        if (wrong := _outside(value)) is not None:
            raise ValueError(
                message(
                    "{name} must lie between 0, which is no, and 1, which is yes, got {got:.4g}. Divide a mask of 0 "
                    "and 255 by 255; for labels 1 and −1 write ({name} + 1) / 2.",
                    name=name,
                    got=wrong,
                )
            )


def _are_signs(value: Tensor) -> bool:
    if value.numel() == 0:
        return True
    # nan if one of the numbers is; one pass takes half of what a comparison takes
    low, high = value.detach().abs().aminmax()
    return bool(low == 1 and high == 1)


def check_signs(**named: Tensor) -> None:
    """Every number is 1 or −1."""
    for name, value in named.items():
        if can_be_read(value) and not _are_signs(value):
            wrong = value[value.abs() != 1].flatten()[0].item()
            raise ValueError(
                message(
                    "{name} must hold 1 and −1 only, got {got:.4g}. For labels 0 and 1 write 2 * {name} − 1.",
                    name=name,
                    got=wrong,
                )
            )


def _are_zeros_and_ones(value: Tensor) -> bool:
    if value.numel() == 0:
        return True
    value = value.detach()
    low, high = (value * value - value).aminmax()  # as above; 0 of no other number, whole ones that overflow neither
    return bool(low == 0 and high == 0)


def check_binary_labels(**named: Tensor) -> None:
    """Every number is 1 or 0."""
    for name, value in named.items():
        if can_be_read(value) and not _are_zeros_and_ones(value):
            wrong = value[(value != 0) & (value != 1)].flatten()
            raise ValueError(
                message(
                    "{name} must hold 1 and 0 only, got {got:.4g}. For labels 1 and −1 write ({name} + 1) / 2.",
                    name=name,
                    got=wrong[0].item(),
                )
            )


def check_sizes_equal_or_one(input: Tensor, **named: Tensor) -> None:
    """Each tensor is a scalar or has as many dimensions as ``input``, each of its size or 1, as torch documents it."""
    for name, other in named.items():
        pairs = list(zip(input.shape, other.shape, strict=False))
        alike = input.dim() == other.dim() and all(a == b or 1 in (a, b) for a, b in pairs)
        if other.dim() and not alike:
            raise ValueError(
                message(
                    "{name} must have the shape of input, {shape}, but for dimensions of size 1; got {got}. (N, 1) "
                    "against (N,) would pair every number with every other. Use squeeze, unsqueeze or reshape.",
                    name=name,
                    shape=tuple(input.shape),
                    got=tuple(other.shape),
                )
            )


def check_expandable(input: Tensor, **named: Tensor) -> None:
    """Each tensor expands to the shape of ``input``, and ``input`` to none of theirs: weights of its elements."""
    for name, value in named.items():
        try:
            shape = torch.broadcast_shapes(value.shape, input.shape)
        except RuntimeError:
            shape = None
        if shape != input.shape:
            raise ValueError(
                message(
                    "{name} must expand to the shape of input, {shape}, got {got}. Give one number for each class in "
                    "the last dimension, shape ({classes},), or one for each element.",
                    name=name,
                    shape=tuple(input.shape),
                    got=tuple(value.shape),
                    classes=input.shape[-1] if input.dim() else 1,
                )
            )


def as_variance(input: Tensor, var: Any) -> Tensor:
    """Return the variance of each element as a tensor whose shape expands to that of ``input``."""
    if isinstance(var, numbers.Real) and not isinstance(var, bool):
        var = torch.full_like(input.detach(), float(var))
    check_tensors(var=var)
    if var.shape == input.shape[:-1] and var.shape != input.shape:
        var = var.unsqueeze(-1)
    if var.dim() and (
        var.dim() != input.dim() or any(b not in (1, a) for a, b in zip(input.shape, var.shape, strict=True))
    ):
        raise ValueError(
            message(
                "var must hold a variance for each element of input, shape {shape}, with 1 in some dimensions or "
                "without the last one; got {got}. It must not make input larger.",
                shape=tuple(input.shape),
                got=tuple(var.shape),
            )
        )
    if can_be_read(var) and bool((var < 0).any()):
        raise ValueError(
            message(
                "var must not be negative, got {got:.4g}. A model can predict the logarithm of the variance "
                "instead: var=log_variance.exp().",
                got=var.min().item(),
            )
        )
    return var
