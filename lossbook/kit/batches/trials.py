"""Settings to try on a loss that takes them, made from its signature: ordinary values, boundaries, pairs."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any

from torch import Tensor

from ..loss import rules_of, settings_of
from ..settings import OneOf, Rule, callable_or_none, tensor_or_none
from .batch import Kind, Settings

#: Values of numbers, of shares, of switches and of class numbers: an ordinary one first, then the boundaries. A setting
#: is tried with those of the first row of which its rule takes the last. All are exact in float16.
VALUES: tuple[tuple[Any, ...], ...] = ((0.25, 0.0, 8.0), (0.25, 0.0, 1.0), (0.25, 0.75), (True, False), (1, 0, -1))
PAIRS = 24  #: a loss of many settings has hundreds of pairs; the first ones are tried


def _city_block(one: Tensor, other: Tensor) -> Tensor:
    """A distance that is not the default one."""
    return (one - other).abs().sum(-1)


def values_of(function: Callable, kind: Kind) -> dict[str, list[Any]]:
    """For each setting of a loss the values to try, an ordinary one first; without the default and the reductions."""
    parameters, rules = inspect.signature(function).parameters, rules_of(function)
    found: dict[str, list[Any]] = {}
    for trial in kind.trials:
        if len(trial) == 1:
            (name,) = trial
            found.setdefault(name, []).append(trial[name])
    for name in settings_of(function):
        if name == "reduction":
            continue
        known = [parameters[name].default, *found.get(name, [])]
        more = [v for v in _allowed(name, rules[name], kind) if isinstance(v, Tensor) or v not in known]
        if more or name in found:
            found[name] = found.get(name, []) + more
    return found


def _allowed(name: str, rule: Rule, kind: Kind) -> list[Any]:
    if isinstance(rule, OneOf):
        return list(rule.allowed)
    if rule is tensor_or_none:
        return list(kind.tensors)
    if rule is callable_or_none:
        return [_city_block]
    row = next((values for values in VALUES if _keeps(rule, name, values[-1])), ())
    return [value for value in row if _keeps(rule, name, value)]


def _keeps(rule: Rule, name: str, value: Any) -> bool:
    try:
        rule(name, value)
    except (TypeError, ValueError):
        return False
    return True


def alone(function: Callable, kind: Kind, accepted: Collection[str]) -> Iterator[Settings]:
    """Each value of each setting that is accepted; then those that an entry wants together."""
    for name, values in values_of(function, kind).items():
        if name in accepted:
            yield from ({name: value} for value in values)
    yield from (trial for trial in kind.trials if len(trial) > 1 and trial.keys() <= set(accepted))


def in_pairs(function: Callable, kind: Kind, accepted: Collection[str]) -> Iterator[Settings]:
    """An ordinary value of each setting, with each reduction and with one of each other setting."""
    ordinary = {name: values[0] for name, values in values_of(function, kind).items() if name in accepted}
    default = inspect.signature(function).parameters["reduction"].default
    if "reduction" in accepted:
        others = [reduction for reduction in kind.reductions if reduction != default]
        yield from ({name: v, "reduction": r} for name, v in ordinary.items() for r in others)
    yield from (dict(pair) for pair in itertools.islice(itertools.combinations(ordinary.items(), 2), PAIRS))
