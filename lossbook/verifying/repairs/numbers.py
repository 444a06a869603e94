"""Numbers that stand in a call, or could: each is a knob, and the value that makes the loss right is computed."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import DIVIDING, Call, Run, written
from .change import Change, is_real, of_result

STEPS = 9  #: of the secant method
NAMED = {
    "eps", "margin", "min", "max", "beta", "delta", "alpha", "label_smoothing", "p", "value", "negative_slope", "weight",
    "threshold", "exponent", "other", "min_val", "max_val",
}  # fmt: skip
WITH_NUMBERS = {
    "add", "sub", "rsub", "mul", "div", "truediv", "rdiv", "pow", "rpow", "clamp", "clamp_min", "clamp_max", "clip",
    "maximum", "minimum", "smooth_l1_loss", "huber_loss", "masked_fill", "full_like", "where", "softplus", "addcmul",
}  # fmt: skip
COUNTING = {"arange", "argsort", "cumsum", "sum", "count_nonzero", "bincount", "add", "sub", "rsub"}
COMMON = {0.5, 1.0, 2.0}  #: numbers that stand in many places: equal to one of them says nothing
DIGITS = 4  #: of a number that somebody writes
LARGEST_PART = 12  #: the largest number below the line in one that is a ratio
#: What people write the multiples of: with what is added for logarithms to another base, and of a normal density.
UNITS = (1.0, math.pi, math.e, math.log(2), math.log(10), math.sqrt(2), math.sqrt(math.pi), math.log(2 * math.pi))
COMPARING = {"gt", "ge", "lt", "le"}


@dataclass(frozen=True)
class Knob:
    """A number that can be turned."""

    says: str  #: with {old}, {now} and {number}
    start: float  #: where it stands
    at: Callable[[float], Run]  #: the change that sets it
    written: str = ""  #: the name under which it stands in the source; empty for digits


def knobs(call: Call) -> Iterator[Knob]:
    """The numbers that a call holds."""
    says = _("a number is wrong: right with {number} in the place of {now} in {old}")
    if call.spot.name in WITH_NUMBERS | COMPARING:
        for i, arg in enumerate(call.args):
            if _is_number(arg):
                run = partial(lambda i, v: lambda c: c.again(*c.args[:i], v, *c.args[i + 1 :]), i)
                yield Knob(says, float(arg), run, _named(call, i))
            elif is_real(arg) and arg.dim() == 0 and not arg.requires_grad and id(arg) not in call.made:
                yield Knob(says, arg.item(), partial(lambda i, v: lambda c: _with(c, i, v), i), _named(call, i))
    for name, value in call.kwargs.items():
        if name in NAMED and _is_number(value):
            yield Knob(says, float(value), partial(lambda name, v: lambda c: c.again(**{name: v}), name))


def divisors(call: Call) -> Iterator[Knob]:
    """The numbers below the line."""
    if call.spot.name in DIVIDING:
        yield from knobs(call)


def of_size_below(call: Call) -> Iterator[Change]:
    """A size below the line: one less, one more, half, twice."""
    if call.spot.name in DIVIDING:
        yield from of_sizes(call)


def _named(call: Call, i: int) -> str:
    text = written(call, i)
    return text if any(c.isalpha() for c in text) else ""


def in_words(value: float, start: float, name: str, settings: Mapping[str, tuple[float, float]]) -> str | None:
    """A number in terms of that which stands there by a name, or of a setting; None where it is neither.

    Of a setting the value and the default are given: with the default the number that stands there is right.
    """
    if name and start:
        return either(_relative(value, start, name))
    for setting, (now, default) in settings.items():
        if now and default and math.isclose(value / now, start / default, rel_tol=1e-5):
            factor = start / default
            return setting if factor == 1 else f"{factor:.4g} * {setting}"
        if math.isclose(value - now, start - default, rel_tol=1e-5, abs_tol=1e-9):
            return f"{setting} {'+' if start > default else '-'} {abs(start - default):.4g}"
    return None


def _relative(value: float, start: float, name: str) -> Iterator[str]:
    """All that a number may be of the one that stands there: of 1 and 2 nobody can tell twice from one more."""
    ratio, step = value / start, value - start
    for divisor in (2, 3, 4):
        if math.isclose(ratio, 1 / divisor, rel_tol=1e-5):
            yield f"{name} / {divisor}"
    if math.isclose(ratio, -1, rel_tol=1e-5):
        yield f"-{name}"
    if math.isclose(ratio, round(ratio), rel_tol=1e-5) and 2 <= ratio <= 4:
        yield f"{round(ratio)} * {name}"
    if abs(step) in (1.0, 2.0):
        yield f"{name} {'+' if step > 0 else '-'} {abs(step):g}"
    if math.isclose(value, start**2, rel_tol=1e-5):
        yield f"{name}**2"


def factor_in_words(value: float, named: Mapping[str, float]) -> str | None:
    """What a factor is of the numbers that the loss has names for, such as a temperature that a term was not divided by."""
    return either(
        new
        for name, number in named.items()
        if number > 0 and number not in COMMON
        for new, power in ((name, 1), (f"1 / {name}", -1), (f"{name}**2", 2), (f"1 / {name}**2", -2))
        if math.isclose(value, number**power, rel_tol=1e-5)
    )


#: What people make of a setting, as they write it.
FORMS: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("{}", lambda n: n),
    ("{}**2", lambda n: n**2),
    ("1 / {}", lambda n: 1 / n),
    ("{} / 2", lambda n: n / 2),
    ("2 * {}", lambda n: 2 * n),
    ("{}**2 / 2", lambda n: n**2 / 2),
    ("1 / (2 * {})", lambda n: 1 / (2 * n)),
    ("1 / {}**2", lambda n: n**-2),
    ("2 * {}**2", lambda n: 2 * n**2),
    ("1 / (2 * {}**2)", lambda n: 0.5 * n**-2),
    ("1 - {}", lambda n: 1 - n),
    ("1 + {}", lambda n: 1 + n),
    ("1 / (1 - {})", lambda n: 1 / (1 - n)),
    ("-{}", lambda n: -n),
    ("{}**0.5", lambda n: n**0.5),
    ("log({})", math.log),
)


def readings(value: float, start: float, written: str, name: str, now: float) -> Iterator[tuple[str, Callable]]:
    """What a number may be of a setting, by itself or times what stands there: as text, and as a function of the setting."""
    for times in (1.0, start) if start not in (0.0, 1.0) else (1.0,):
        for text, made in FORMS:
            try:
                fits = math.isclose(value, times * made(now), rel_tol=2e-5)
            except (ValueError, ZeroDivisionError, OverflowError, TypeError):
                continue
            new = text.format(name)
            if times != 1.0:
                new = (
                    f"{written or f'{times:g}'} * {new}"
                    if not new.startswith("1 / ")
                    else f"{written or f'{times:g}'}{new[1:]}"
                )
            if fits:
                yield new, partial(lambda times, made, n: times * made(n), times, made)


def either(readings: Iterable[str]) -> str | None:
    """Several readings of one number, none of which is certain."""
    found = list(readings)
    return functools.reduce(lambda a, b: _("{a} or {b}").format(a=a, b=b), found) if found else None


def of_sizes(call: Call) -> Iterator[Change]:
    """A number with a name, such as a size, which is another one in each batch: one less, one more, half, twice."""
    if call.spot.name not in WITH_NUMBERS:
        return
    for i, arg in enumerate(call.args):
        name = _named(call, i) if _is_number(arg) else ""
        for new, made in RELATIVE if name else ():
            says = _("a number is wrong: right with {new} in the place of {now} in {old}").replace("{now}", f"`{name}`")
            run = partial(lambda i, made, c: c.again(*c.args[:i], made(c.args[i]), *c.args[i + 1 :]), i, made)
            yield Change(says, _written_as(new, name), run)


def _written_as(new: str, name: str) -> str:
    """A change of a number as people write it: of `n - 1` one more is `n`."""
    for other, back in (("{} + 1", " - 1"), ("{} - 1", " + 1")):
        if new == other and name.endswith(back):
            return name.removesuffix(back)
    return new.format(f"({name})" if " " in name and new not in ("{} + 1", "{} - 1") else name)


RELATIVE: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("{} - 1", lambda n: n - 1),
    ("{} + 1", lambda n: n + 1),
    ("2 * {}", lambda n: 2 * n),
    ("{} / 2", lambda n: n / 2),
)


def of_counts(call: Call) -> Iterator[Change]:
    """What counts from 0 where it should from 1, and the other way round."""
    counts = call.spot.name in COUNTING and isinstance(call.result, Tensor)
    if counts and not call.result.is_floating_point() and call.result.dtype is not torch.bool:
        for step in (1, -1):
            says = _("what is counted is off by one: right with {new} in the place of {old}")
            yield Change(
                says, f"{call.spot.text} {'+' if step > 0 else '-'} 1", of_result(partial(lambda s, x: x + s, step))
            )


def of_factors(call: Call) -> Iterator[Change]:
    """Half of the result, or twice that: the factors that are forgotten most."""
    if is_real(call.result):
        for value in (0.5, 2.0):
            says = _("a factor is wrong or missing: right with {old} times {number}").replace("{number}", f"{value:g}")
            yield Change(says, "", of_result(partial(lambda value, x: x * value, value)))


def hidden_knobs(call: Call) -> Iterator[Knob]:
    """A factor and a summand that the result could have."""
    if is_real(call.result):
        says = _("a factor is wrong or missing: right with {old} times {number}")
        yield Knob(says, 1.0, lambda v: lambda c: c.again() * v)
        says = _("a constant is wrong or missing: right with {number} added to {old}")
        yield Knob(says, 0.0, lambda v: lambda c: c.again() + v)


def _with(call: Call, i: int, value: float) -> Any:
    return call.again(*call.args[:i], call.args[i].new_tensor(value), *call.args[i + 1 :])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def others(knob: Knob) -> Iterator[float]:
    """Values that people write instead, where a small change of the number changes nothing."""
    now = knob.start
    for value in (2 * now, now / 2, -now, 1 - now, now + 1, now - 1, 0.0, 1.0, now**2, abs(now) ** 0.5, 0.5):
        if value != now:
            yield value


def solved(off: Callable[[float], float], start: float, exact: float) -> float | None:
    """The number at which a function is 0, by the secant method; None where it is not found."""
    low, high = start, start * 1.25 + (0.25 if abs(start) < 1e-3 else 0.0)
    at_low, at_high = off(low), off(high)
    for _step in range(STEPS):
        if not (math.isfinite(at_low) and math.isfinite(at_high)) or at_high == at_low:
            return None
        low, high = high, high - at_high * (high - low) / (at_high - at_low)
        if not abs(high) < 1e9:
            return None
        at_low, at_high = at_high, off(high)
        if abs(at_high) <= exact:
            return rounded(high)
    return None


def rounded(value: float) -> float:
    """A number as people write it: with few digits where that is near enough."""
    for digits in (1, 2, 3, 4, 5):
        short = float(f"{value:.{digits}g}")
        if math.isclose(short, value, rel_tol=2e-6, abs_tol=1e-9):
            return short
    return value


def is_simple(number: float, digits: int = 2) -> bool:
    """True for what a person writes: so many digits, the ratio of two small numbers, or such a part of π, e, log 2 or √2."""
    for unit in UNITS:
        for part in (number / unit, number * unit):
            short = float(f"{part:.{digits if unit == 1.0 else 2}g}")
            ratio = Fraction(part).limit_denominator(LARGEST_PART)
            if any(math.isclose(part, simple, rel_tol=1e-5) for simple in (short, float(ratio))):
                return True
    return False


def share(value: float, now: float) -> str:
    """In words, where a number is half of another one, twice it, or that with the other sign."""
    if now in (0.0, 1.0):
        return ""
    return {0.5: _(" (half of it)"), 2.0: _(" (twice that)"), -1.0: _(" (the sign)")}.get(value / now, "")
