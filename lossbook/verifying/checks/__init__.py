"""The checks, one function each. Each looks at one promise that a loss should keep."""

from __future__ import annotations

from .arguments import other_gradients
from .behavior import inputs, order, repeatable, second_backward, strides, switches, upstream
from .check import Check
from .modules import compiled, device, module
from .parameters import parameters
from .precision import dtype, float32, half
from .values import calls, edge_gradients, edges, forms, gradient, reductions, settings, value

__all__ = ["CHECKS", "calls", "compiled", "module"]

CHECKS: tuple[Check, ...] = (
    calls,
    value,
    gradient,
    other_gradients,
    forms,
    edges,
    edge_gradients,
    reductions,
    settings,
    upstream,
    second_backward,
    repeatable,
    order,
    inputs,
    switches,
    strides,
    float32,
    half,
    dtype,
    device,
    parameters,
    module,
)
