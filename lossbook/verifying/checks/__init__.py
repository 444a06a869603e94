"""The checks, one function each. Each looks at one promise that a loss should keep."""

from __future__ import annotations

from collections.abc import Callable

from ...report import CheckResult
from ..examination import Examination
from .behavior import inputs, order, repeatable, second_backward, strides, upstream
from .modules import compiled, device, module
from .precision import dtype, float32, half
from .values import calls, edge_gradients, edges, forms, gradient, reductions, settings, value

__all__ = ["CHECKS", "calls", "compiled", "module"]

CHECKS: tuple[Callable[[Examination], CheckResult], ...] = (
    calls, value, gradient, forms, edges, edge_gradients, reductions, settings, upstream, second_backward, repeatable,
    order, inputs, strides, float32, half, dtype, device, module,
)  # fmt: skip
