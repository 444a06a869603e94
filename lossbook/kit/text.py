"""Numbers and equations as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from torch import Tensor

from .number import number

SHOWN = 6  #: longer rows are elided in the middle


SIDE_BY_SIDE = ",  "  #: between equations on one line of text


def operand(x: Tensor | float) -> str:
    """A number inside a formula: a negative one in parentheses."""
    digits = number(x)
    return f"({digits})" if digits.startswith("−") else digits


def scaled(weight: Tensor | float, text: str) -> str:
    """A term with its weight in front; a sum in parentheses.

    >>> scaled(2, "3 − 1"), scaled(2, "|3 − 1|")
    ('2 · (3 − 1)', '2 · |3 − 1|')
    """
    outermost, before = re.sub(r"\|[^|]*\|", "", text), ""
    while outermost != before:
        outermost, before = re.sub(r"\([^()]*\)", "", outermost), outermost
    return f"{operand(weight)} · " + (f"({text})" if re.search(" [+−] ", outermost) else text)


def power(exponent: float) -> str:
    """A power behind its base: ``²``, or ``^1.5``; nothing for 1."""
    return {1.0: "", 2.0: "²"}.get(exponent, f"^{number(exponent)}")


def symbol(name: str, value: Tensor | None) -> str:
    """The symbol of a weight in a formula, in LaTeX; nothing where there is no weight."""
    return "" if value is None else rf"{name}\, "


def given(name: str, value: Tensor | float | str) -> str:
    """What a symbol stands for, in LaTeX, to be written after a formula.

    >>> print("d > m" + given("m", 0.5))
    d > m \\qquad m = 0.5
    """
    if not isinstance(value, str):
        value = latex(number(value)).removeprefix(r"1.00 \cdot ")
    return rf" \qquad {name} = {value}"


def equals(left: str, value: Tensor | float) -> str:
    """``left = value``, or ``≈`` where the digits shown are rounded."""
    digits = number(value)
    exact = digits.replace("−", "-") == f"{float(value):.10g}"
    return f"{left} {'=' if exact else '≈'} {digits}"


def elided(items: Sequence[str]) -> list[str]:
    """The items, or the first few and the last one around a gap."""
    return list(items) if len(items) <= SHOWN else [*items[: SHOWN - 2], "…", items[-1]]


def row(values: Iterable[Tensor | float]) -> str:
    """``[1, 2, …, 9]``"""
    return f"[{', '.join(elided([number(v) for v in values]))}]"


def latex(text: str) -> str:
    """LaTeX for a line of the steps.

    >>> latex("(|2 − 4| + |3 − 6|) / 2 = 5 / 2 = 2.5")
    '\\\\frac{|2 - 4| + |3 - 6|}{2} = \\\\frac{5}{2} = 2.5'
    >>> print(latex("√((2 − 4)² + 1)"))
    \\sqrt{(2 - 4)^2 + 1}
    """
    text = re.sub(r"^\((.*)\) / (\([^()]*\)|\S+) = (\S+) / (\S+)", r"\\frac{\1}{\2} = \\frac{\3}{\4}", text)
    text = re.sub(r"(\\frac{.*}){\((.*?)\)}", r"\1{\2}", text)
    text = re.sub(r"√\(((?:[^()]|\([^()]*\))*)\)", r"\\sqrt{\1}", text)
    text = re.sub(r"(?<=\d)e(−?\d+)", r" \\cdot 10^{\1}", text)
    text = re.sub(r"\)\^([\d.]+)", r")^{\1}", text)
    text = re.sub(r"e\^(?:\(([^()]*)\)|([^\s()]+))", r"e^{\1\2}", text)
    for plain, tex in {
        "−": "-",
        "·": r"\cdot",
        "²": "^2",
        "ln ": r"\ln ",
        "max(": r"\max(",
        "…": r"\dots",
        "≈": r"\approx",
        "∞": r"\infty",
        "nan": r"\text{nan}",
    }.items():
        text = text.replace(plain, tex)
    return text


def side_by_side(lefts: Iterable[str], values: Iterable[Tensor]) -> str:
    """Several equations on one line."""
    return SIDE_BY_SIDE.join(elided([equals(left, value) for left, value in zip(lefts, values, strict=True)]))
