"""Tensors of floats in another precision; labels, numbers and names stay as they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def cast(value: Any, dtype: torch.dtype) -> Any:
    """A tensor of floats in this dtype, still in its graph; anything else unchanged."""
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def precise(value: Any) -> Any:
    """A tensor of floats as a constant in float64; anything else unchanged."""
    return cast(value.detach(), torch.float64) if isinstance(value, Tensor) else value
