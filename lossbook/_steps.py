"""The working of a loss as text and as LaTeX: what `explain` is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from . import _guards as guards
from ._core import reduce
from .language import gettext as _
from .softmax import softmax_steps

SHOWN = 6  #: longer rows are elided in the middle


@dataclass(frozen=True)
class Step:
    """One line of the working.

    ``text`` is arithmetic that a reader (and a test) can evaluate: ``(2 − 4)² = 4``. ``latex`` is the same for a page.
    """

    say: str
    text: tuple[str, ...]
    latex: tuple[str, ...]
    value: Tensor


def number(x: Tensor | float) -> str:
    """A number as the book prints it: four decimals, a small one with three digits that count, a true minus sign."""
    x = float(x)
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if math.isnan(x):
        return "nan"
    if x == 0 or abs(x) >= 0.1:
        digits = f"{x + 0.0:.4f}".rstrip("0").rstrip(".")
    elif abs(x) >= 1e-4:  # 0.00674: three digits that count
        digits = f"{x:.3g}"
    else:
        mantissa, exponent = f"{x:.2e}".split("e")
        digits = f"{mantissa}e{int(exponent)}"
    return digits.replace("-", "−")


def operand(x: Tensor | float) -> str:
    """A number inside a formula: a negative one in parentheses."""
    digits = number(x)
    return f"({digits})" if digits.startswith("−") else digits


def latex_number(digits: str) -> str:
    """LaTeX for what :func:`number` or :func:`operand` wrote."""
    mantissa, e, exponent = (
        digits.replace("−", "-").replace("∞", r"\infty").replace("nan", r"\text{nan}").partition("e")
    )
    close = ")" if exponent.endswith(")") else ""
    return mantissa if not e else rf"{mantissa} \cdot 10^{{{exponent.removesuffix(')')}}}{close}"


def equals(left: str, digits: str, value: Tensor | float, equal: str = "=", about: str = "≈") -> str:
    """``left = digits``, or ``≈`` where the digits are rounded."""
    exact = digits.replace("−", "-") == f"{float(value):.10g}"
    return f"{left} {equal if exact else about} {digits}"


def elided(items: Sequence[str], gap: str = "…") -> list[str]:
    """The items, or the first few and the last one around a gap."""
    return list(items) if len(items) <= SHOWN else [*items[: SHOWN - 2], gap, items[-1]]


def row(values: Iterable[Tensor | float]) -> str:
    """``[1, 2, …, 9]``"""
    return f"[{', '.join(elided([number(v) for v in values]))}]"


def latex_row(values: Iterable[Tensor | float]) -> str:
    return rf"[{', '.join(elided([latex_number(number(v)) for v in values], chr(92) + 'dots'))}]"


def elementwise_working(
    input: Tensor,
    target: Tensor,
    losses: Tensor,
    share: Tensor | None,
    reduction: str,
    text: Callable[[str, str], str],
    latex: Callable[[str, str], str],
) -> Iterator[Step]:
    """Steps of a loss that compares number with number: errors, each element, the reduction.

    ``text`` and ``latex`` write one element, given the two numbers; ``share`` is the weight, if there is one.
    """
    x, y, each = input.detach().flatten(), target.detach().flatten(), losses.detach().flatten()
    weights = None if share is None else share.detach().flatten()
    yield Step(
        _("Error of each element, prediction minus target"),
        (row(x - y),),
        (rf"\hat{{y}} - y = {latex_row(x - y)}",),
        input.detach() - target.detach(),
    )
    left, latex_left = [], []
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        first, second = number(a), operand(b)
        plain, tex = text(first, second), latex(latex_number(first), latex_number(second))
        if weights is not None:
            plain = f"{operand(weights[i])} · {plain}"
            tex = rf"{latex_number(operand(weights[i]))} \cdot {tex}"
        left.append(plain)
        latex_left.append(tex)
    yield Step(
        _("Loss of each element"),
        tuple(elided([equals(t, number(v), v) for t, v in zip(left, each, strict=True)])),
        tuple(
            elided(
                [equals(t, latex_number(number(v)), v, "=", r"\approx") for t, v in zip(latex_left, each, strict=True)],
                r"\dots",
            )
        ),
        losses.detach(),
    )
    yield from reduction_steps(losses.detach(), weights, reduction, left, latex_left)


def reduction_steps(
    losses: Tensor, share: Tensor | None, reduction: str, left: Sequence[str], latex_left: Sequence[str]
) -> Iterator[Step]:
    """The last step: what happens to the losses of all elements. ``share`` is what each adds to the divisor."""
    if reduction == "none":
        return
    total = losses.sum()
    value = reduce(losses, reduction, divisor=None if share is None else share.sum())
    shown, latex_shown = " + ".join(elided(left)), " + ".join(elided(latex_left, r"\dots"))
    if reduction == "sum":
        say = _("Sum of all losses")
        text, latex = shown, latex_shown
    else:
        if share is None:
            say = _("Mean: the sum divided by the number of losses, {count}").format(count=losses.numel())
            divisor, latex_divisor, amount = str(losses.numel()), str(losses.numel()), number(losses.numel())
        else:
            say = _("Mean: the sum divided by the sum of the weights")
            weights = [number(w) for w in share.flatten()]
            divisor = f"({' + '.join(elided(weights))})"
            latex_divisor = " + ".join(elided([latex_number(w) for w in weights], r"\dots"))
            amount = number(share.sum())
        text = f"({shown}) / {divisor} = {number(total)} / {amount}"
        latex = rf"\frac{{{latex_shown}}}{{{latex_divisor}}} = \frac{{{latex_number(number(total))}}}{{{latex_number(amount)}}}"
    yield Step(
        say,
        (equals(text, number(value), value),),
        (equals(latex, latex_number(number(value)), value, "=", r"\approx"),),
        value,
    )


def softmax_working(input: Tensor, dim: int | None = None) -> Iterator[Step]:
    """Steps of the softmax, one line for each sample."""
    dim = guards.class_dim(input) if dim is None else dim
    steps = softmax_steps(input.detach().double(), dim)
    rows = [tensor.movedim(dim, -1).flatten(0, -2) if tensor.dim() > 1 else tensor[None] for tensor in steps]
    logits = [shifted + shift for shifted, shift in zip(rows[1], rows[0], strict=True)]

    def step(say: str, lines: list[tuple[str, str]], value: Tensor) -> Step:
        text, latex = zip(*lines, strict=True)
        return Step(say, tuple(elided(text)), tuple(elided(latex, r"\dots")), value)

    yield step(
        _("Shift: subtract the largest logit; it cancels, and no exponential can overflow"),
        [
            (
                f"{row(z)} − {operand(m)} = {row(s)}",
                rf"z - m = {latex_row(z)} - {latex_number(operand(m))} = {latex_row(s)}",
            )
            for z, m, s in zip(logits, rows[0], rows[1], strict=True)
        ],
        steps.shifted,
    )
    yield step(
        _("Numerators: the exponential of each"),
        [
            (
                ", ".join(
                    elided([equals(f"e^{operand(s)}", number(e), e) for s, e in zip(shifted, exps, strict=True)])
                ),
                rf"e^{{z - m}} \approx {latex_row(exps)}",
            )
            for shifted, exps in zip(rows[1], rows[2], strict=True)
        ],
        steps.numerator,
    )
    yield step(
        _("Normalizer: their sum"),
        [
            (
                equals(" + ".join(elided([number(e) for e in exps])), number(total), total),
                equals(
                    " + ".join(elided([latex_number(number(e)) for e in exps], r"\dots")),
                    latex_number(number(total)),
                    total,
                    "=",
                    r"\approx",
                ),
            )
            for exps, total in zip(rows[2], rows[3], strict=True)
        ],
        steps.normalizer,
    )
    yield step(
        _("Probabilities: each numerator divided by the sum"),
        [
            (
                ", ".join(
                    elided(
                        [
                            equals(f"{number(e)} / {number(total)}", number(p), p)
                            for e, p in zip(exps, probabilities, strict=True)
                        ]
                    )
                ),
                rf"p \approx {latex_row(probabilities)}",
            )
            for exps, total, probabilities in zip(rows[2], rows[3], rows[4], strict=True)
        ],
        steps.probabilities,
    )


def class_working(
    loss: Callable[..., Tensor],
    input: Tensor,
    target: Tensor,
    *,
    log_probabilities: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Iterator[Step]:
    """Steps of a loss that picks log-probabilities: one line for each sample, then the reduction."""
    settings = {"weight": weight, "ignore_index": ignore_index}
    if label_smoothing:
        settings["label_smoothing"] = label_smoothing
    losses = loss(input, target, reduction="none", **settings).detach()
    dim = guards.class_dim(input)
    rows = log_probabilities.movedim(dim, -1).reshape(-1, input.shape[dim])
    by_probability = target.is_floating_point()
    targets = target.movedim(dim, -1).reshape(rows.shape) if by_probability else target.flatten()
    weights = [1.0] * rows.shape[1] if weight is None else weight.tolist()
    left, latex_left, shares = [], [], []
    for log_p, t in zip(rows, targets, strict=True):
        if not by_probability and t == ignore_index:
            left.append("0")
            latex_left.append("0")
            shares.append(0.0)
            continue
        asked = t if by_probability else torch.eye(len(log_p), dtype=log_p.dtype)[t.long()]
        asked = (1 - label_smoothing) * asked + label_smoothing / len(log_p)
        parts, latex_parts = [], []
        for q, w, lp in zip(asked.tolist(), weights, log_p.tolist(), strict=True):
            if q == 0:
                continue
            factors = [number(f) for f in (w, q) if f != 1]
            parts.append(" · ".join([*factors, f"(−ln {number(math.exp(lp))})"]))
            latex_parts.append(r" \cdot ".join([*factors, rf"(-\ln {latex_number(number(math.exp(lp)))})"]))
        # A single term needs no parentheses: −ln 0.25.
        left.append(" + ".join(parts) if len(parts) > 1 or " · " in parts[0] else parts[0].strip("()"))
        latex_left.append(
            " + ".join(latex_parts) if len(parts) > 1 or " · " in parts[0] else latex_parts[0].strip("()")
        )
        shares.append(1.0 if by_probability else weights[t])
    each = losses.flatten()
    yield Step(
        _("Loss of each sample: minus the logarithm of the probability of its class"),
        tuple(elided([equals(t, number(v), v) for t, v in zip(left, each, strict=True)])),
        tuple(
            elided(
                [equals(t, latex_number(number(v)), v, "=", r"\approx") for t, v in zip(latex_left, each, strict=True)],
                r"\dots",
            )
        ),
        losses,
    )
    if losses.dim():
        share = None if all(s == 1 for s in shares) else torch.tensor(shares, dtype=losses.dtype)
        shown = [number(v) for v in each]
        yield from reduction_steps(losses, share, reduction, shown, [latex_number(s) for s in shown])
