"""Tensors of floats in another precision; labels, numbers and names stay as they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..guards.tensors import can_be_read


def cast(value: Any, dtype: torch.dtype) -> Any:
    """A tensor of floats in this dtype, still in its graph; anything else unchanged."""
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def at_least_float32(x: Tensor) -> torch.dtype:
    """The type that half precision is computed with, where sums would overflow or lose digits; any other stays itself."""
    return torch.promote_types(x.dtype, torch.float32)


def keep_digits(squares: Tensor, dtype: torch.dtype) -> bool:
    """Whether it can be seen that sums or means of squares of this type lie where none over- or underflows."""
    limits = torch.finfo(dtype)
    return can_be_read(squares) and bool(((squares > limits.tiny / limits.eps) & (squares <= limits.max)).all())


def precise(value: Any) -> Any:
    """A tensor of floats as a constant in float64; anything else unchanged."""
    return cast(value.detach(), torch.float64) if isinstance(value, Tensor) else value
