"""Show the steps of a loss with the reader's own numbers."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..catalogue import find, lookup, settings_of_module
from ..guards.losses import check_not_class
from ..guards.names import enumerate_names
from ..guards.tensors import check_floating, check_tensors
from ..kit.class_steps import steps_of_softmax
from ..kit.entry import Entry
from ..kit.loss import pick
from ..kit.precision import precise
from ..kit.steps import Step
from ..kit.text import SHOWN, SIDE_BY_SIDE, elided, latex, number
from ..language import gettext as _
from ..language import message
from .arguments import Arguments
from .own import own_steps

SOFTMAX_FORMULA = r"p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}"


@dataclass(frozen=True)
class Explanation:
    """The steps of a loss: prints as text in a terminal, as formulas in a notebook."""

    name: str
    formula: str  #: LaTeX; empty for a loss that is not in the catalogue
    steps: tuple[Step, ...]
    value: Tensor
    gradient: Tensor | None  #: of the value with respect to the first tensor; of its sum where it is not a number
    #: For a loss of your own the gradient with respect to each tensor that a model predicts, such as mean and log_var,
    #: by the name of the argument. These are the first tensor, those that require a gradient, and those whose name or
    #: numbers say so.
    gradients: dict[str, Tensor] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [self.name]
        for i, step in enumerate(self.steps, start=1):
            lines += [f"{i}. {step.say}", *(f"     {line}" for line in step.text), *(f"   ! {m}" for m in step.marks)]
        for title, gradient in self._titled(_("Gradient")):
            lines += [title, *(f"     {line}" for line in _grid(gradient, number))]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        formula, *meanings = self.formula.split(r" \qquad ")
        if meanings:  # in a second row: narrow, for phones
            formula = r"\begin{gathered} " + formula + r" \\ " + r", \quad ".join(meanings) + r" \end{gathered}"
        parts = [f"$${formula}$$"] if formula else []
        for i, step in enumerate(self.steps, start=1):
            equations = [equation for line in step.text for equation in line.split(SIDE_BY_SIDE)]  # narrow, for phones
            lines = r" \\ ".join(f"&{latex(equation)}" for equation in equations)
            title = _("{title}:").format(title=step.say if self.formula else f"`{step.say}`")
            parts.append(f"{i}. {title}\n\n$$\\begin{{aligned}} {lines} \\end{{aligned}}$$")
            parts += [f"**{mark}**" for mark in step.marks]
        for says, gradient in self._titled(_("Gradient, the rate at which the loss changes with each input")):
            rows = r" \\ ".join([latex(line) for line in _grid(gradient, number, " & ")])
            columns = "r" * (rows.split(r" \\")[0].count("&") + 1)
            matrix = rf"\left[\begin{{array}}{{{columns}}} {rows} \end{{array}}\right]"
            title = _("{title}:").format(title=says)
            parts.append(f"{title}\n\n$${matrix}$$")
        return "\n\n".join(parts)

    def _titled(self, title: str) -> list[tuple[str, Tensor]]:
        """The gradients with their titles: with names, where there are several."""
        if len(self.gradients) > 1 or (self.gradients and self.gradient is None):
            return [(_("Gradient of {name}").format(name=name), g) for name, g in self.gradients.items()]
        return [(title, g) for g in self.gradients.values() or [self.gradient] if g is not None]


def explain(loss: str | Callable, *tensors: Any, **settings: Any) -> Explanation:
    """Show a loss step by step, with these numbers.

    Args:
        loss: a name of the catalogue (``"mse"``), the loss's function or module from lossbook or torch, ``"softmax"``,
            or a loss of your own, a function, a module or its class, that takes tensors and returns one.
        *tensors: what the loss takes, e.g. prediction and target. A loss of your own may take numbers, and lists or
            dicts of tensors, too.
        **settings: its settings, e.g. ``reduction="sum"``. A module brings its own, a class is built with them.

    Returns:
        An :class:`Explanation`: ``.steps``, ``.value`` and ``.gradient``; its last step gives ``.value``. For a loss of
        your own the steps are its lines with the values they got, and those of the functions that it calls in its own
        file, folder or package. A loss of one line is shown part by part; where there is no source, the steps are
        the operations as they ran. ``.gradients`` holds one for each tensor that a model predicts. A step is marked
        whose result or slope is not finite, which loses the gradient on the way to the result, or was broadcast.

    Raises:
        ValueError: a name is not in the catalogue; or what the loss itself raises on wrong input.

    >>> explain("l1", torch.tensor([2.0, 3.0]), torch.tensor([4.0, 7.0]))
    l1
    1. Error of each element, prediction minus target
         [−2, −4]
    2. Loss of each element
         |2 − 4| = 2
         |3 − 7| = 4
    3. Mean, the sum divided by the number of losses, 2
         (|2 − 4| + |3 − 7|) / 2 = 6 / 2 = 3
    Gradient
         [−0.5, −0.5]
    """
    if isinstance(loss, str) and loss == "softmax":
        return _explain_softmax(tensors, settings)
    with torch.enable_grad(), torch.inference_mode(False):
        if callable(loss) and lookup(loss) is None:
            return _explain_own(loss, tensors, settings)
        return _explain_entry(find(loss), loss, tensors, settings)


def _explain_softmax(tensors: tuple[Any, ...], settings: dict[str, Any]) -> Explanation:
    try:
        given = inspect.signature(steps_of_softmax).bind(*tensors, **settings)
    except TypeError:
        raise TypeError(
            message(
                "softmax takes a tensor of logits, and dim, the dimension of the classes, where it is not the "
                'usual one: explain("softmax", torch.tensor([1.0, 2.0]), dim=0).'
            )
        ) from None
    input = given.arguments["input"]
    check_tensors(input=input)
    check_floating(input=input)
    steps = tuple(steps_of_softmax(*given.args))
    return Explanation("softmax", SOFTMAX_FORMULA, steps, steps[-1].value, None)


def _explain_entry(entry: Entry, loss: Any, tensors: tuple[Any, ...], settings: dict[str, Any]) -> Explanation:
    if entry.function is None:  # a module that owns parameters: only the module itself can be explained
        return _explain_module(entry, loss, tensors, settings)
    if isinstance(loss, torch.nn.Module):
        settings = {**settings_of_module(loss), **settings}
        tensors = _with_parameters(entry, loss, tensors)
    value = entry.function(*tensors, **settings)  # first, so that the loss itself refuses wrong input
    arguments = entry.arguments(tensors, settings)
    if any(isinstance(t, Tensor) and t.is_complex() for t in arguments.values()):
        raise TypeError(
            message("explain writes real numbers, got a complex tensor. The loss itself takes it: call the loss.")
        )
    # In float64, so that the digits shown are those of the mathematics.
    exact = {name: precise(value) for name, value in arguments.items()}
    steps = tuple(entry.steps(**exact))
    formula = entry.formula(**pick(entry.formula, exact))
    prediction = next(iter(exact))
    variable = exact[prediction].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(entry.function(**{**exact, prediction: variable}).sum(), variable)
    return Explanation(entry.name, formula, steps, value.detach(), gradient)


def _with_parameters(entry: Entry, loss: torch.nn.Module, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn the tensors of a module, ours or torch's, into those of its function: a module may own some of them."""
    ours: Any = entry.module
    signature = inspect.signature(ours.with_parameters)
    try:
        signature.bind(loss, *tensors)
    except TypeError:
        names = enumerate_names([*signature.parameters][1:])
        raise TypeError(
            message(
                "{type} takes {names}, got {count} arguments.",
                type=type(loss).__name__,
                names=names,
                count=len(tensors),
            )
        ) from None
    return tuple(t.detach() if isinstance(t, Tensor) else t for t in ours.with_parameters(loss, *tensors))


def _input_and_target(loss: torch.nn.Module, tensors: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
    if len(tensors) != 2:
        raise TypeError(
            message(
                "{module} takes input and target, got {got} arguments.", module=type(loss).__name__, got=len(tensors)
            )
        )
    input, target = tensors
    check_tensors(input=input, target=target)
    return input, target


def _explain_module(entry: Entry, loss: Any, tensors: tuple[Any, ...], settings: dict[str, Any]) -> Explanation:
    if not isinstance(loss, torch.nn.Module):
        raise TypeError(
            message(
                "{loss} has parameters of its own: give a module that holds them, explain(module, input, target).",
                loss=entry.name,
            )
        )
    if settings:
        raise TypeError(
            message(
                "{module} got its settings when it was built. With it explain takes input and target, and no "
                "{settings}.",
                module=type(loss).__name__,
                settings=", ".join(settings),
            )
        )
    input, target = _input_and_target(loss, tensors)
    module = copy.deepcopy(loss).double()
    variable = input.detach().double().requires_grad_()
    value = module(variable, target).loss
    (gradient,) = torch.autograd.grad(value, variable)
    steps = tuple(entry.steps(module, variable.detach(), target))
    return Explanation(entry.name, entry.formula(), steps, value.detach(), gradient)


def _explain_own(loss: Callable, tensors: tuple[Any, ...], settings: dict[str, Any]) -> Explanation:
    if inspect.isclass(loss):
        loss, settings = _built(loss, settings)
    named = loss
    while isinstance(named, functools.partial):
        named = named.func
    name = getattr(named, "__name__", type(named).__name__)
    if not tensors and not any(isinstance(value, Tensor) for value in settings.values()):
        raise TypeError(
            message(
                "explain shows the working with your numbers, got none. Write explain({name}, input, target).",
                name=name,
            )
        )
    given = Arguments(loss, tensors, settings)
    value, steps = own_steps(loss, given.values, given.settings)
    gradients = {}
    if value.requires_grad and given.variables:
        ones = torch.ones_like(value)  # a loss may have switched gradients off
        found = torch.autograd.grad(value, list(given.variables.values()), ones, allow_unused=True)
        gradients = {name: g for name, g in zip(given.variables, found, strict=True) if g is not None}
    gradient = gradients.get(next(iter(given.variables), ""))
    return Explanation(name, "", tuple(steps), value.detach(), gradient, gradients)


def _built(kind: type, settings: dict[str, Any]) -> tuple[Callable, dict[str, Any]]:
    """Make a loss of its class, with the settings that the class takes; return it and the others."""
    parameters = inspect.signature(kind).parameters.values()
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    own = {name: value for name, value in settings.items() if takes_all or name in {p.name for p in parameters}}
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(p.default is p.empty and p.kind not in variadic and p.name not in own for p in parameters):
        check_not_class(kind, "explain")
    return kind(**own), {name: value for name, value in settings.items() if name not in own}


def _grid(tensor: Tensor, write: Callable[[Tensor], str], between: str = ", ") -> list[str]:
    """Write a tensor, one line for each row; long rows are elided, dimensions before the last are flattened."""
    rows = tensor.reshape(-1, tensor.shape[-1]) if tensor.dim() and tensor.numel() else tensor.reshape(1, -1)
    lines = [between.join(elided([write(x) for x in line])) for line in _few(rows)]
    return elided([f"[{line}]" for line in lines]) if between == ", " else elided(lines)


def _few(rows: Tensor) -> list[Tensor]:
    """The first rows and the last one, so that rows that are elided anyway are not written."""
    return list(rows) if len(rows) <= SHOWN else [*rows[:SHOWN], rows[-1]]
