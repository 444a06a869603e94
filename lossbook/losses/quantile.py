"""Quantile loss: errors to the two sides of the target cost different prices, so that a quantile is learned."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.tensors import can_be_read, check_floating, check_real, check_same_shape, check_tensors
from ..kit.batches.batch import Batch, Settings, normal
from ..kit.batches.by_element import elementwise, error_edges, two_numbers
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Reduction, inside
from ..kit.steps import Step, by_element, error_step
from ..kit.text import given, number, operand
from ..kit.views import OF_ERROR
from ..language import gettext as _
from ..language import message

Quantiles = float | Sequence[float] | Tensor


def quantiles(name: str, value: Any) -> None:
    """The value is a number between 0 and 1, or a row of such numbers."""
    if isinstance(value, Tensor):
        if value.dim() > 1:
            raise ValueError(
                message(
                    "{name} must be a number or one row of numbers, got shape {value_shape}.",
                    name=name,
                    value_shape=tuple(value.shape),
                )
            )
        value = value.reshape(-1).tolist() if can_be_read(value) else []
    for q in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
        inside(0, 1)(name, q)


@loss_function
def quantile_loss(
    input: Tensor,
    target: Tensor,
    *,
    quantile: Annotated[Quantiles, quantiles] = 0.5,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Absolute error with two prices: q where the prediction is too low, 1 − q where it is too high.

    .. math:: \ell(e) = \max(q\,e, (q - 1)\,e), \qquad e = y - \hat y

    The prediction that costs least is the q-quantile of the target: with q = 0.9 nine targets of ten lie below it. For
    q = 0.5 the loss is half of :func:`lossbook.functional.l1_loss`, and learns the median. Also called pinball or check
    loss.

    Args:
        input: the predicted quantile :math:`\hat y`, any shape ``(*)``, floating point; with Q quantiles ``(*, Q)``, one
            prediction for each in the last dimension.
        target: the true value, shape of ``input``, or its shape without the last dimension: the same for all quantiles.
        quantile: which quantile, q, in (0, 1); or a row of Q, such as ``(0.1, 0.5, 0.9)``.
        reduction: ``"mean"`` divides by the number of elements, quantiles among them; ``"sum"``; ``"none"``. With
            several quantiles others add them up and average the samples, Q times as much; PyTorch Forecasting doubles
            every loss, so that q = 0.5 is the absolute error.

    Returns:
        A tensor of shape ``()``, or that of ``input`` with ``reduction="none"``; at least 0, in the unit of the target.
        Its slope is −q, 1 − q, or 0 where prediction and target agree.

    Raises:
        ValueError: shapes differ, there are not as many predictions as quantiles, or a quantile is not in (0, 1).
        TypeError: ``input`` holds no floating-point numbers, or a quantile is no number.

    Source: R. Koenker and G. Bassett, "Regression quantiles", 1978, https://doi.org/10.2307/1913643.

    >>> quantile_loss(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 3.0]), quantile=0.9, reduction="none")
    tensor([1.8000, 0.2000])
    """
    target, q = spread(input, target, quantile)
    error = target - input
    return reduce(q * error.relu() + (1 - q) * (-error).relu(), reduction)


def spread(input: Tensor, target: Tensor, quantile: Quantiles) -> tuple[Tensor, Any]:
    """Check the tensors. Returns the target in the shape of ``input``, and the quantiles as numbers to multiply with."""
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_real(target=target)
    if isinstance(quantile, numbers.Real):
        check_same_shape(input=input, target=target)
        return target, quantile
    q = torch.as_tensor(quantile, dtype=input.dtype, device=input.device).reshape(-1)
    if input.dim() == 0 or input.shape[-1] != len(q):
        raise ValueError(
            message(
                "input must hold a prediction for each quantile in its last dimension, shape (…, {count}), got "
                "{input_shape}: quantile has {count}.",
                count=len(q),
                input_shape=tuple(input.shape),
            )
        )
    if target.shape == input.shape[:-1]:
        target = target.unsqueeze(-1).expand_as(input)
    check_same_shape(input=input, target=target)
    return target, q


class QuantileLoss(Loss):
    """Module form of :func:`lossbook.beyond.quantile_loss`."""

    function = quantile_loss


def definition(prediction: list[float], target: list[float], quantile: float | Sequence[float] = 0.5) -> Iterator[Term]:
    for i, (p, y) in enumerate(zip(prediction, target, strict=True)):
        q = quantile[i] if isinstance(quantile, Sequence) else quantile
        yield Term(q * (y - p) if p < y else (1 - q) * (p - y))


def formula(quantile: Quantiles) -> str:
    known = "" if isinstance(quantile, Tensor | Sequence) else given("q", quantile)
    return r"\ell(e) = \max(q\,e, (q - 1)\,e)" + given("e", r"y - \hat{y}") + known


def term(prediction: float, target: float, quantile: float) -> str:
    if prediction < target:
        return f"{number(quantile)} · ({number(target)} − {operand(prediction)})"
    return f"{number(1 - quantile)} · ({number(prediction)} − {operand(target)})"


def steps(input: Tensor, target: Tensor, quantile: Quantiles, reduction: str) -> Iterator[Step]:
    target, q = spread(input, target, quantile)
    return by_element(quantile_loss, term, first=error_step)(
        input=input, target=target, quantile=q, reduction=reduction
    )


ONE = elementwise(two_numbers, error_edges, trials=({"quantile": 0.875}, {"quantile": 0.25}))


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    """Number with number; with several quantiles a prediction for each of them, never as many samples as quantiles."""
    count = torch.as_tensor(settings.get("quantile", 0.5)).numel()
    if count < 2:
        yield from ONE.batches(settings, g)
        return
    main = _("(N, Q), one target per sample")
    for n in (count + 2, count + 5):
        yield Batch((normal(g, n, count) * 2, normal(g, n) * 2), main)
    several = normal(g, 2, count + 1, count) * 2, normal(g, 2, count + 1) * 2
    yield Batch(several, _("(B, N, Q), one target per sample"))
    yield Batch(two_numbers(g, (count + 2, count), settings), "(N, Q)")
    yield Batch((normal(g, 1, count) * 2, normal(g, 1) * 2), _("one sample"), main)
    for name, (input, target) in error_edges(settings):
        yield Batch((input.unsqueeze(-1).repeat(1, count), target), main, main, edge=True, name=name)


ENTRY = Entry(
    name="quantile",
    also=("pinball", "pinball_loss", "check_loss", "quantile_regression"),
    family="regression",
    module=QuantileLoss,
    page="practice/intervals",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(OF_ERROR,),
    batches=replace(ONE, batches=batches),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
    settings=({}, {"quantile": 0.9}, {"quantile": torch.arange(1.0, 13.0).double() / 13}),
)
