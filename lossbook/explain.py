"""Show the working of a loss with the reader's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import _guards as guards
from ._steps import SIDE_BY_SIDE, Step, latex, number, softmax_working
from ._trace import own_working
from .catalogue import find, settings_of_module
from .language import gettext as _

SOFTMAX_FORMULA = r"p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}"


@dataclass(frozen=True)
class Explanation:
    """The working of a loss: prints as text in a terminal, as formulas in a notebook."""

    name: str
    formula: str  #: LaTeX; empty for a loss that is not in the catalogue
    steps: tuple[Step, ...]
    value: Tensor
    gradient: Tensor | None  #: of the value with respect to the first tensor; of its sum where it is not a number

    def __str__(self) -> str:
        lines = [self.name]
        for i, step in enumerate(self.steps, start=1):
            lines += [f"{i}. {step.say}", *(f"     {line}" for line in step.text), *(f"   ! {m}" for m in step.marks)]
        if self.gradient is not None:
            lines += [_("Gradient"), *(f"     {line}" for line in _grid(self.gradient, number))]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        parts = [f"$${self.formula}$$"] if self.formula else []
        for i, step in enumerate(self.steps, start=1):
            equations = [equation for line in step.text for equation in line.split(SIDE_BY_SIDE)]  # narrow, for phones
            lines = r" \\ ".join(f"&{latex(equation)}" for equation in equations)
            title = _("{title}:").format(title=step.say if self.formula else f"`{step.say}`")
            parts.append(f"{i}. {title}\n\n$$\\begin{{aligned}} {lines} \\end{{aligned}}$$")
            parts += [f"**{mark}**" for mark in step.marks]
        if self.gradient is not None:
            rows = r" \\ ".join(_grid(self.gradient, lambda x: latex(number(x)), " & "))
            columns = "r" * (self.gradient.shape[-1] if self.gradient.dim() else 1)
            matrix = rf"\left[\begin{{array}}{{{columns}}} {rows} \end{{array}}\right]"
            title = _("{title}:").format(title=_("Gradient, the change of the loss for each unit of input"))
            parts.append(f"{title}\n\n$${matrix}$$")
        return "\n\n".join(parts)


def explain(loss: str | Callable, *tensors: Tensor, **settings: Any) -> Explanation:
    """Show the working of a loss step by step, with these numbers.

    Args:
        loss: a name of the catalogue (``"mse"``), the loss's function or module from lossbook or torch, ``"softmax"``,
            or a loss of your own, a function or module that takes tensors and returns one.
        *tensors: what the loss takes, e.g. prediction and target.
        **settings: its settings, e.g. ``reduction="sum"``. A module brings its own.

    Returns:
        An :class:`Explanation`: ``.steps``, ``.value`` and ``.gradient``; its last step gives ``.value``. For a loss of
        your own the steps are its lines with the values they got, from its source; where there is no source, the
        operations as they ran. A step is marked whose result is not finite, loses the gradient or was broadcast.

    Raises:
        ValueError: a name is not in the catalogue; or what the loss itself raises on wrong input.

    >>> explain("l1", torch.tensor([2.0, 3.0]), torch.tensor([4.0, 7.0]))
    l1
    1. Error of each element, prediction minus target
         [−2, −4]
    2. Loss of each element
         |2 − 4| = 2
         |3 − 7| = 4
    3. Mean: the sum divided by the number of losses, 2
         (|2 − 4| + |3 − 7|) / 2 = 6 / 2 = 3
    Gradient
         [−0.5, −0.5]
    """
    guards.tensors(**{f"argument {i}": t for i, t in enumerate(tensors, start=1)})
    if loss == "softmax":
        steps = tuple(softmax_working(*tensors, **settings))
        return Explanation("softmax", SOFTMAX_FORMULA, steps, steps[-1].value, None)
    try:
        entry = find(loss)
    except ValueError:
        if not callable(loss):
            raise
        return _explain_own(loss, tensors, settings)
    if isinstance(loss, torch.nn.Module):
        settings = {**settings_of_module(loss), **settings}
    value = entry.function(*tensors, **settings)  # first, so that wrong input meets the loss's own words
    # In float64, so that the digits shown are those of the mathematics.
    exact = [t.detach().double() if t.is_floating_point() else t for t in tensors]
    precise = {k: v.double() if isinstance(v, Tensor) else v for k, v in settings.items()}
    steps = tuple(entry.working(*exact, **precise))
    variable = exact[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(entry.function(variable, *exact[1:], **precise).sum(), variable)
    return Explanation(entry.name, entry.formula, steps, value.detach(), gradient)


def _explain_own(loss: Callable, tensors: tuple[Tensor, ...], settings: dict[str, Any]) -> Explanation:
    variables = [t.detach().clone().requires_grad_(i == 0 and t.is_floating_point()) for i, t in enumerate(tensors)]
    value, steps = own_working(loss, tuple(variables), settings)
    gradient = torch.autograd.grad(value.sum(), variables[0])[0] if value.requires_grad else None
    name = getattr(loss, "__name__", type(loss).__name__)
    return Explanation(name, "", tuple(steps), value.detach(), gradient)


def _grid(tensor: Tensor, write: Callable[[Tensor], str], between: str = ", ") -> list[str]:
    """A tensor of up to two dimensions, one line for each row; more dimensions are flattened into rows."""
    rows = tensor.reshape(-1, tensor.shape[-1]) if tensor.dim() else tensor.reshape(1, 1)
    lines = [between.join(write(x) for x in line) for line in rows]
    return [f"[{line}]" for line in lines] if between == ", " else lines
