"""Changes of sums over all, where only the others belong: not the own class, not what is compared with itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import Call
from .change import Change, is_real

NOTHING = -1e30  #: so little that its exp is 0, and yet 0 times as much is
OF_ROWS = {"sum": 0.0, "logsumexp": NOTHING, "softmax": NOTHING, "log_softmax": NOTHING, "cross_entropy": NOTHING}


def of_others(call: Call) -> Iterator[Change]:
    """Without the own class; without the diagonal of a matrix of all pairs."""
    name = call.spot.name
    if name not in OF_ROWS or not call.args or not is_real(call.args[0]) or call.args[0].dim() < 2:
        return
    x: Tensor = call.args[0]
    if name == "cross_entropy" and len(call.args) > 1 and _are_classes(x, call.args[1]):
        says = _(
            "the sample's own class is in the sum too, where only the others belong: right with {new} in the place of "
            "{old}"
        )
        yield Change(says, "-z[t] + logsumexp(z[others])", _over_other_classes)
    over_rows = name != "sum" or len(call.args) > 1 or "dim" in call.kwargs
    if x.shape[-1] == x.shape[-2] > 1 and over_rows:
        says = _("each is compared with itself too: right without the diagonal in {old}")
        yield Change(says, "", partial(_without_diagonal, OF_ROWS[name]))


def _are_classes(scores: Tensor, target: Any) -> bool:
    return isinstance(target, Tensor) and not target.is_floating_point() and scores.dim() == 2 and target.dim() == 1


def _over_other_classes(call: Call) -> Tensor:
    scores, target = call.args[:2]
    own = torch.nn.functional.one_hot(target, scores.shape[1]).bool()
    losses = scores.masked_fill(own, NOTHING).logsumexp(1) - scores[own]
    reduction = call.kwargs.get("reduction", "mean")
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def _without_diagonal(value: float, call: Call) -> Any:
    x = call.args[0]
    diagonal = torch.eye(x.shape[-1], dtype=torch.bool, device=x.device)
    return call.again(torch.where(diagonal, value, x), *call.args[1:])
