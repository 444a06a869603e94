"""The working of a loss, step by step, as text that a reader (and a test) can evaluate: what `explain` is made of."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from . import _guards as guards
from .language import gettext as _
from .softmax import softmax_steps

SHOWN = 6  #: longer rows are elided in the middle
SIDE_BY_SIDE = ",  "  #: between equations on one line of text


@dataclass(frozen=True)
class Step:
    """One step of the working: what is done, the arithmetic, e.g. ``(2 − 4)² = 4``, and what it gives."""

    say: str
    text: tuple[str, ...]
    value: Tensor
    marks: tuple[str, ...] = ()  #: what is suspicious about it


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
    """LaTeX for a line of the working.

    >>> latex("(|2 − 4| + |3 − 6|) / 2 = 5 / 2 = 2.5")
    '\\\\frac{|2 - 4| + |3 - 6|}{2} = \\\\frac{5}{2} = 2.5'
    """
    text = re.sub(r"^\((.*)\) / (\([^()]*\)|\S+) = (\S+) / (\S+)", r"\\frac{\1}{\2} = \\frac{\3}{\4}", text)
    text = re.sub(r"(\\frac{.*}){\((.*?)\)}", r"\1{\2}", text)
    text = re.sub(r"(?<=\d)e(−?\d+)", r" \\cdot 10^{\1}", text)
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


def error_step(input: Tensor, target: Tensor) -> Step:
    errors = input.detach() - target.detach()
    return Step(_("Error of each element, prediction minus target"), (row(errors.flatten()),), errors)


def elementwise_working(
    losses: Tensor,
    tensors: Sequence[Tensor],
    write: Callable[..., str],
    reduction: str,
    *,
    share: Tensor | None = None,
    batch: int | None = None,
    first: Sequence[Step] = (),
) -> Iterator[Step]:
    """Steps of a loss that treats every element alone: what comes first, each element, the reduction.

    ``write`` writes one element, given its numbers in ``tensors``; ``share`` is the weight of each, if there is one;
    ``batch`` is what ``batchmean`` divides by.
    """
    losses = losses.detach()
    terms = [write(*numbers) for numbers in zip(*(t.detach().flatten().tolist() for t in tensors), strict=True)]
    if share is not None:
        terms = [f"{operand(w)} · {term}" for w, term in zip(share.flatten(), terms, strict=True)]
    lines = [equals(term, value) for term, value in zip(terms, losses.flatten(), strict=True)]
    yield from first
    yield Step(_("Loss of each element"), tuple(elided(lines)), losses)
    yield from reduction_steps(losses, None if share is None else share.flatten(), reduction, terms, batch)


def sample_working(
    losses: Tensor, tensors: Sequence[Tensor], write: Callable[..., str], reduction: str
) -> Iterator[Step]:
    """Steps of a loss that treats every sample alone: one line for each, then the reduction.

    ``write`` writes one sample, given its rows in ``tensors``.
    """
    losses = losses.detach()
    rows = [t.detach().reshape(losses.numel(), *t.shape[losses.dim() :]).tolist() for t in tensors]
    terms = [write(*numbers) for numbers in zip(*rows, strict=True)]
    lines = [equals(term, value) for term, value in zip(terms, losses.flatten(), strict=True)]
    yield Step(_("Loss of each sample"), tuple(elided(lines)), losses)
    if losses.dim():
        yield from reduction_steps(losses, None, reduction, [number(v) for v in losses.flatten()])


def reduction_steps(
    losses: Tensor, share: Tensor | None, reduction: str, terms: Sequence[str], batch: int | None = None
) -> Iterator[Step]:
    """The last step: what happens to the losses of all elements.

    ``share`` is what each adds to the divisor, if that is not their number; ``batch`` is what ``batchmean`` divides by.
    """
    if reduction == "none":
        return
    total, added = losses.sum(), " + ".join(elided(terms))
    if reduction == "sum":
        yield Step(_("Sum of all losses"), (equals(added, total),), total)
        return
    if reduction == "batchmean":
        say = _("Mean over the batch, the sum divided by the number of samples, {count}").format(count=batch)
        count, divisor = batch, str(batch)
    elif share is None:
        say = _("Mean, the sum divided by the number of losses, {count}").format(count=losses.numel())
        count, divisor = losses.numel(), str(losses.numel())
    else:
        say = _("Mean, the sum divided by the sum of the weights")
        count, divisor = share.sum(), f"({' + '.join(elided([number(w) for w in share]))})"
    value = total / count
    yield Step(say, (equals(f"({added}) / {divisor} = {number(total)} / {number(count)}", value),), value)


def side_by_side(lefts: Iterable[str], values: Iterable[Tensor]) -> str:
    """Several equations on one line."""
    return SIDE_BY_SIDE.join(elided([equals(left, value) for left, value in zip(lefts, values, strict=True)]))


def softmax_working(input: Tensor, dim: int | None = None) -> Iterator[Step]:
    """Steps of the softmax, one line for each sample."""
    dim = guards.class_dim(input) if dim is None else dim
    steps = softmax_steps(input.detach().double(), dim)
    rows = [tensor.movedim(dim, -1).reshape(-1, tensor.shape[dim]) for tensor in (input.detach(), *steps)]
    shifts, exponentials, sums, divisions = [], [], [], []
    for logits, shift, shifted, numerator, normalizer, probabilities in zip(*rows, strict=True):
        shifts.append(f"{row(logits)} − {operand(shift)} = {row(shifted)}")
        exponentials.append(side_by_side((f"e^{operand(s)}" for s in shifted), numerator))
        sums.append(equals(" + ".join(elided([number(n) for n in numerator])), normalizer))
        divisions.append(side_by_side((f"{number(n)} / {number(normalizer)}" for n in numerator), probabilities))
    say = _("Shift by the largest logit; it cancels, and no exponential can overflow")
    yield Step(say, tuple(elided(shifts)), steps.shifted)
    yield Step(_("Numerators, the exponential of each"), tuple(elided(exponentials)), steps.numerator)
    yield Step(_("Normalizer, their sum"), tuple(elided(sums)), steps.normalizer)
    yield Step(_("Probabilities, each numerator divided by the sum"), tuple(elided(divisions)), steps.probabilities)


def class_working(
    loss: Callable[..., Tensor],
    input: Tensor,
    target: Tensor,
    *,
    log_probabilities: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    **smoothing: float,
) -> Iterator[Step]:
    """Steps of a loss that picks log-probabilities: one line for each sample, then the reduction."""
    losses = loss(input, target, reduction="none", weight=weight, ignore_index=ignore_index, **smoothing).detach()
    epsilon = smoothing.get("label_smoothing", 0.0)
    dim = guards.class_dim(input)
    classes = input.shape[dim]
    log_p = log_probabilities.movedim(dim, -1).reshape(-1, classes)
    weights = torch.ones(classes).double() if weight is None else weight
    if target.is_floating_point():
        asked, share = target.movedim(dim, -1).reshape(-1, classes), torch.ones(len(log_p)).double()
    else:
        kept = target.flatten().long() != ignore_index
        index = torch.where(kept, target.flatten().long(), 0)
        asked, share = torch.eye(classes).double()[index] * kept[:, None], weights[index] * kept
    counted = asked.sum(dim=1, keepdim=True) > 0  # smoothing does not wake an ignored sample
    asked = torch.where(counted, (1 - epsilon) * asked + epsilon / classes, 0)

    def term(q: Tensor, lp: Tensor) -> str:
        parts = []
        for wanted, w, log in zip(q.tolist(), weights.tolist(), lp.tolist(), strict=True):
            factors = [number(factor) for factor in (w, wanted) if factor != 1]
            if wanted:
                parts.append(" · ".join([*factors, f"(−ln {number(math.exp(log))})"]))
        alone = len(parts) == 1 and "·" not in parts[0]
        return parts[0].strip("()") if alone else " + ".join(parts) or "0"

    each = losses.flatten()
    lines = [equals(term(q, lp), v) for q, lp, v in zip(asked, log_p, each, strict=True)]
    yield Step(
        _("Loss of each sample, minus the logarithm of the probability of its class"), tuple(elided(lines)), losses
    )
    if losses.dim() or (reduction == "mean" and share != 1):
        weighted = None if bool((share == 1).all()) else share
        yield from reduction_steps(each, weighted, reduction, [number(v) for v in each])
