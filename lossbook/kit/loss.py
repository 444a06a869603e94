"""Shared by all losses: the decorator of their functions, `reduce`, and the base class of their modules."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Never, TypeVar, cast

import torch
from torch import Tensor

from ..guards.names import enumerate_names, suggest
from ..guards.tensors import is_half
from ..language import Phrase, message
from .settings import Rule, tensor_or_none

#: The type of a loss's function: `loss_function` hands it on, so that editors show the whole signature.
F = TypeVar("F", bound=Callable[..., Tensor])

DEPRECATED = ("size_average", "reduce")  #: torch still takes them; ``reduction`` says the same


def total(values: Tensor, *dim: int) -> Tensor:
    """Their sum; of half precision in float32, since it may be more than float16 holds."""
    return values.sum(*dim, dtype=torch.float32 if is_half(values) else None)


def reduce(losses: Tensor, reduction: str, *, divisor: Tensor | int | None = None) -> Tensor:
    """Turn the losses of all elements into what the caller asked for.

    Args:
        losses: one loss for each element or sample, already weighted, any shape.
        reduction: ``"none"`` keeps them, ``"sum"`` adds them up, ``"mean"`` divides the sum.
        divisor: what the mean divides by, if not the number of losses; a weighted mean divides by the weights' sum.

    Returns:
        ``losses`` itself, or a tensor of shape ``()``. The mean of nothing is ``nan``, as in torch.
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    # Divided last, so that on the way back the gradient stays one number: that of `mean` is written out for each element.
    return (total(losses) / (losses.numel() if divisor is None else divisor)).to(losses.dtype)


def settings_of(function: Callable) -> dict[str, inspect.Parameter]:
    """The keyword-only parameters of a loss, by name."""
    parameters = inspect.signature(function).parameters
    return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


def pick(function: Callable, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the arguments that a function names."""
    return {name: arguments[name] for name in inspect.signature(function).parameters if name in arguments}


def rules_of(function: Callable) -> dict[str, Rule]:
    """The rule that each setting's annotation names."""
    hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    return {name: hints[name].__metadata__[0] for name in settings_of(function)}


def check_names(caller: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse a setting that the loss does not have, with the nearest one it has."""
    for name in given:
        if name in known or (name in DEPRECATED and given[name] is None):  # torch's default, spelled out
            continue
        if name in DEPRECATED:
            raise TypeError(
                message(
                    "{caller} does not take {name}: PyTorch deprecated it. Write reduction='mean', reduction='sum' "
                    "or reduction='none'.",
                    caller=caller,
                    name=name,
                )
            )
        raise TypeError(
            message(
                "{caller} has no setting {name!r}. {help}",
                caller=caller,
                name=name,
                help=suggest(name, known, Phrase("It takes")),
            )
        )


def loss_function(function: F) -> F:
    """Check the settings of a loss, by the rules in its signature, before it runs."""
    parameters = dict(
        inspect.signature(function).parameters
    )  # torch.compile of torch 2.6 cannot look into a mappingproxy
    settings = settings_of(function)
    inputs = [name for name in parameters if name not in settings]
    required = [name for name in inputs if parameters[name].default is inspect.Parameter.empty]
    rules = rules_of(function)
    caller = function.__name__

    @functools.wraps(function)
    def checked(*tensors: Tensor, **given: Any) -> Tensor:
        if len(tensors) > len(inputs):
            raise TypeError(
                message(
                    "{caller} takes {count} tensors by position ({inputs}), got {got} arguments. Name the settings: "
                    "{caller}({inputs}, {setting}=…).",
                    caller=caller,
                    count=len(inputs),
                    inputs=", ".join(inputs),
                    got=len(tensors),
                    setting=next(iter(rules)),
                )
            )
        check_names(caller, given, parameters)
        if missing := [name for name in required[len(tensors) :] if name not in given]:
            raise TypeError(
                message(
                    "{caller} needs {required}; missing: {missing}.",
                    caller=caller,
                    required=enumerate_names(required),
                    missing=enumerate_names(missing),
                )
            )
        given = {name: value for name, value in given.items() if name not in DEPRECATED}
        for name, value in given.items():
            if name in rules:
                rules[name](name, value)
        if _autocast(tensors):
            tensors = tuple(t.float() if is_half(t) else t for t in tensors)
        return function(*tensors, **given)

    # torch.compile allows eight recompilations per code object, so each loss gets its own.
    checked.__code__ = checked.__code__.replace(co_name=caller)  # type: ignore[attr-defined]  # functools.wraps hides it
    return cast(F, checked)


def _autocast(tensors: Sequence[Any]) -> bool:
    """True for half-precision tensors under autocast: a loss is then computed in float32, as in torch."""
    return any(is_half(t) and not t.is_meta and torch.is_autocast_enabled(t.device.type) for t in tensors)


class Loss(torch.nn.Module):
    """A loss as a module, derived from its function: ``class L1Loss(Loss): function = l1_loss``.

    The module takes the function's settings by keyword and checks them when it is built. Tensors among them become
    buffers: they move with ``.to(device)`` and stand in ``state_dict``. Calling the module calls the function.
    """

    function: Callable[..., Tensor]
    __call__: Callable[..., Tensor]  # torch.nn.Module's, which says Any
    __signature__: ClassVar[inspect.Signature]  #: the settings and their defaults, for help() and notebooks

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "function" in cls.__dict__:
            function = cls.__dict__["function"]
            cls.function = staticmethod(function)
            cls.__signature__ = inspect.Signature(list(settings_of(function).values()))
            cls.__doc__ = cls.__doc__ or f"Module form of :func:`lossbook.functional.{function.__name__}`."

    def __init__(self, *positional: Never, **given: Any) -> None:
        super().__init__()
        name = type(self).__name__
        settings, rules = settings_of(self.function), rules_of(self.function)
        if positional:
            raise TypeError(
                message(
                    "{name} takes its settings by name: {name}({settings}).",
                    name=name,
                    settings=", ".join(f"{s}=…" for s in settings),
                )
            )
        check_names(name, given, settings)
        given = {setting: value for setting, value in given.items() if setting in settings}
        self.settings = tuple(settings)
        for setting, parameter in settings.items():
            value = given.get(setting, parameter.default)
            rules[setting](setting, value)
            if rules[setting] is tensor_or_none:
                self.register_buffer(setting, value)
            else:
                setattr(self, setting, value)

    def with_parameters(self, *tensors: Any) -> tuple[Any, ...]:
        """The tensors of the function, from those of the module. A module that owns parameters puts them in here."""
        return tensors

    def forward(self, *tensors: Any, **named: Any) -> Tensor:
        if late := named.keys() & set(self.settings):
            raise TypeError(
                message(
                    "{module} takes {late} when it is built, not when it is called: {module}({settings})(…).",
                    module=type(self).__name__,
                    late=", ".join(sorted(late)),
                    settings=", ".join(f"{name}=…" for name in sorted(late)),
                )
            )
        return self.function(*tensors, **named, **{name: getattr(self, name) for name in self.settings})

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.settings)
