"""RMSE: the root of the mean squared error, with a slope at zero too."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair
from ..kit.batches.by_element import elementwise, small_error_edges, two_numbers
from ..kit.curve import curve_of_rows, total_of_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.precision import keep_digits
from ..kit.settings import NotNegative, Reduction, Switch
from ..kit.steps import Step, error_step, reduction_steps
from ..kit.text import elided, equals, given, number, operand
from ..language import gettext as _


@loss_function
def rmse_loss(
    input: Tensor,
    target: Tensor,
    *,
    batch: Switch = True,
    eps: NotNegative = 0.0,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The root of the mean of the squared errors.

    .. math:: \ell = \sqrt{\frac{1}{n} \sum_i (\hat y_i - y_i)^2}

    It has the unit of the target, and the minimum of :func:`lossbook.functional.mse_loss`. Its gradient has one length
    however small the errors are, so a step does not get shorter near the goal.

    Args:
        input: the prediction :math:`\hat y`, any shape ``(*)`` or ``(N, *)``, floating point.
        target: the true value, shape of ``input``, any real number type.
        batch: whether all elements of the batch share one root; if not, each sample, that is each entry of the first
            dimension, has a root of its own. The mean of those is another number, and it is never larger.
        eps: added to the mean square; people write ``torch.sqrt(mse + 1e-8)`` to escape from the ``nan`` at 0. Here 0 is
            safe without it.
        reduction: what becomes of the roots: ``"mean"``, ``"sum"`` or ``"none"``. One root stays as it is.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"`` and ``batch=False``; at least 0, in the unit of
        the target. Where all errors are 0, value and gradient are 0; ``torch.sqrt(mse)`` has the gradient ``nan`` there.
        Errors whose squares over- or underflow do no harm.

    Raises:
        ValueError: shapes differ, or ``eps`` is negative.
        TypeError: ``input`` holds no floating-point numbers.

    Source: :class:`torch.nn.MSELoss`, of which it is the root; torchmetrics has it as
    ``MeanSquaredError(squared=False)``.

    >>> rmse_loss(torch.tensor([1.0, 7.0]), torch.zeros(2))  # the root of (1 + 49) / 2
    tensor(5.)
    """
    check_pair(input, target)
    dtype, one = torch.promote_types(input.dtype, target.dtype), batch or not input.dim()
    x, y = (t.flatten() if one else t.reshape(len(t), math.prod(t.shape[1:])) for t in (input, target))
    sums = (
        total_of_curve(x, squared, slope, y) if one else curve_of_rows(x, lambda *xy: total(squared(*xy), -1), slope, y)
    )
    means = sums / x.shape[-1] + eps
    if not x.shape[-1]:
        return reduce(means.to(dtype), reduction)  # nan, the mean of nothing
    if keep_digits(means, dtype):
        return reduce(means.sqrt().to(dtype), reduction)  # the usual case, in a third of the time
    rows = x - y
    # In the unit of the largest error no square overflows.
    largest = rows.detach().abs().amax(-1).clamp(math.sqrt(eps), torch.finfo(dtype).max)
    scale = torch.where(largest == 0, 1, largest)
    mean = (rows / scale.unsqueeze(-1)).square().mean(-1) + (math.sqrt(eps) / scale).square()
    root = torch.where(mean == 0, 1, mean).sqrt()  # kept off 0, where a root has no slope
    return reduce(torch.where(mean == 0, 0, scale * root), reduction)


def squared(x: Tensor, y: Tensor) -> Tensor:
    return torch.nn.functional.mse_loss(x, y, reduction="none")  # the error is not stored


def slope(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).mul_(2)


class RMSELoss(Loss):
    """Module form of :func:`lossbook.beyond.rmse_loss`."""

    function = rmse_loss


def definition(
    prediction: list[list[float]], target: list[list[float]], batch: bool = True, eps: float = 0.0
) -> Iterator[Term]:
    rows = [[(a - b) ** 2 for a, b in zip(p, y, strict=True)] for p, y in zip(prediction, target, strict=True)]
    for squares in [[s for row in rows for s in row]] if batch else rows:
        yield Term(math.sqrt(sum(squares) / len(squares) + eps))


def formula(batch: bool, eps: float) -> str:
    mean = r"\frac{1}{n} \sum_i (\hat{y}_i - y_i)^2" if batch else r"\frac{1}{D} \sum_j (\hat{y}_{ij} - y_{ij})^2"
    text = (r"\ell" if batch else r"\ell_i") + r" = \sqrt{" + mean + (r" + \epsilon}" if eps else "}")
    return text + (given(r"\epsilon", eps) if eps else "")


def steps(input: Tensor, target: Tensor, batch: bool, eps: float, reduction: str) -> Iterator[Step]:
    losses = rmse_loss(input, target, batch=batch, eps=eps, reduction="none").detach()
    yield error_step(input, target)
    squares = (input - target).detach().square()
    pairs = zip(input.detach().flatten(), target.flatten(), squares.flatten(), strict=True)
    lines = [equals(f"({number(p)} − {operand(y)})²", square) for p, y, square in pairs]
    yield Step(_("Square of each error"), tuple(elided(lines)), squares)
    rows = squares.reshape(losses.numel(), -1)
    means, n = rows.mean(1), rows.shape[1]
    sums = [f"({' + '.join(elided([number(s) for s in row]))}) / {n} = {number(row.sum())} / {n}" for row in rows]
    lines = [equals(text, mean) for text, mean in zip(sums, means, strict=True)]
    yield Step(_("Mean of the squares"), tuple(elided(lines)), means)
    added = f" + {number(eps)}" if eps else ""
    roots = [f"√({number(mean)}{added})" for mean in means]
    lines = [equals(root, loss) for root, loss in zip(roots, losses.flatten(), strict=True)]
    yield Step(_("Its square root"), tuple(elided(lines)), losses)
    if losses.dim():
        yield from reduction_steps(losses, None, reduction, [number(loss) for loss in losses])


ENTRY = Entry(
    name="rmse",
    also=("root_mean_squared_error", "rms"),
    family="regression",
    module=RMSELoss,
    definition=definition,
    formula=formula,
    steps=steps,
    not_drawn="plot draws no RMSELoss: all elements share one root, so none has a curve of its own. Of one element it is "
    "the absolute error, as plot('l1') shows.",
    batches=elementwise(two_numbers, small_error_edges, trials=({"batch": False}, {"eps": 0.25})),
    sample=lambda g: (uniform(g, 4, 3), uniform(g, 4, 3)),
    settings=({}, {"batch": False}, {"eps": 0.5}, {"batch": False, "eps": 0.5}),
    coupled=True,
)
