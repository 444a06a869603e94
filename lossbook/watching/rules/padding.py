"""Padding that counts: ends of rows that hold one number only and are no data."""

from __future__ import annotations

import torch
from torch import Tensor

from ...kit.text import number
from ...language import Phrase
from .. import contract, graph
from ..finding import Told
from ..observation import Call
from .rule import in_call


def padded_ends(rows: Tensor) -> tuple[float, int] | None:
    """The number that rows (N, T) end with, in runs of different lengths and nowhere else, and how often it stands there.

    >>> padded_ends(torch.tensor([[3, 4, 0, 0, 0], [5, 0, 0, 0, 0], [2, 1, 6, 7, 3], [9, 8, 7, 4, 0]]))
    (0, 8)
    """
    if rows.dim() != 2 or rows.shape[0] < 3 or rows.shape[1] < 3:
        return None
    ends = rows[:, -1]
    values, counts = ends.unique(return_counts=True)
    value = values[counts.argmax()]
    same = rows == value
    run = same.flip(1).long().cumprod(1).sum(1)  # how long the run at the end of each row is
    padded = int((run > 0).sum())
    inside = int(same.sum() - run.sum())
    if padded < 2 or padded < len(rows) / 3 or inside or len(run.unique()) < 3 or int(run.max()) < 2:
        return None
    # Could data do that by chance? Each number as likely as any other, this one at all those ends and nowhere else.
    count, kinds = int(run.sum()), len(rows.unique())
    chance = kinds * (1 / kinds) ** count * (1 - 1 / kinds) ** (rows.numel() - count) if kinds > 1 else 1.0
    return (value.item(), count) if chance < 1e-7 else None


def _rows(call: Call) -> Tensor | None:
    """The targets as rows (N, T); those that were flattened as they were before, if the graph tells."""
    target = call.target
    if target is None:
        return None
    if target.dim() == 2:
        return target.detach()
    if target.dim() == 3 and target.shape[-1] == 1:
        return target.detach().squeeze(-1)
    if target.dim() == 1:
        for link in call.chain:
            into = link.into or ()
            if link.name in graph.VIEWS and len(into) == 3 and into[0] * into[1] == target.numel() and into[1] > 1:
                return target.detach().reshape(into[0], into[1])
    return None


@in_call("padding-counted", Phrase("padding that counts as a class"), page="guide/cross-entropy", likely=True)
def padding_counted(call: Call) -> Told | None:
    if call.name not in ("cross_entropy", "nll", "softmax_focal", "token_cross_entropy"):
        return None
    if call.target.is_floating_point() or call.target.shape == call.prediction.shape:
        return None
    rows = _rows(call)
    if rows is None:
        return None
    found = padded_ends(rows)
    weight = call.settings.get("weight")
    if found is None or found[0] == call.settings.get("ignore_index"):
        return None
    value, count = found
    if isinstance(weight, Tensor) and 0 <= value < weight.numel() and weight[int(value)] == 0:
        return None
    if call.settings.get("reduction") == "none":
        return None  # a mask may follow; the gradient that comes back says so
    return Told(
        Phrase(
            "The rows of the target end in runs of {value}, {count} of {total} numbers, and {value} stands nowhere "
            "else: that is padding, and it counts as a class. The model learns to predict padding.",
            value=value,
            count=count,
            total=rows.numel(),
        ),
        Phrase("Write ignore_index={value}.", value=value),
    )


@in_call(
    "padded-numbers-counted", Phrase("padded places in the mean of a regression loss"), page="guide/mse", likely=True
)
def padded_numbers_counted(call: Call) -> Told | None:
    if call.takes not in (contract.NUMBERS, contract.SCORES) or not call.per_element:
        return None
    if call.settings.get("reduction") == "none" or call.settings.get("weight") is not None:
        return None
    if (
        call.target.dim() not in (2, 3)
        or not call.target.is_floating_point()
        or call.target.shape != call.prediction.shape
    ):
        return None
    rows = call.target.detach()
    rows = rows if rows.dim() == 2 else torch.where((rows == 0).all(-1), 0.0, 1.0)
    found = padded_ends(rows)
    if found is None or (call.target.dim() == 2 and rows.unique().numel() < 4):
        return None
    masked = bool((call.prediction.detach().reshape(rows.shape + (-1,))[rows == found[0]] == found[0]).all())
    values = {"count": found[1], "total": rows.numel(), "value": number(found[0])}
    if masked and call.settings.get("reduction") == "sum":
        return None
    if masked:
        return Told(
            Phrase(
                "{count} of {total} places are masked to {value} in prediction and target, but the mean divides by "
                "all {total}: the loss depends on how much padding a batch has.",
                **values,
            ),
            Phrase("Take reduction='none', and write (loss * mask).sum() / mask.sum()."),
        )
    return Told(
        Phrase(
            "The rows of the target end in runs of {value}, {count} of {total} places, and it stands nowhere else: "
            "that is padding, and its errors count. The model learns to predict padding.",
            **values,
        ),
        Phrase("Leave those places out: prediction[mask] and target[mask], or (loss * mask).sum() / mask.sum()."),
    )
