"""The change of a mean of means into one mean over all: the parts are added up first, and divided by the count of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...language import gettext as _
from .call import DIVIDING, Call, Spot
from .change import Change, is_real


@dataclass
class _Pooled:
    """Adds up what one expression gives in each turn of a loop, and divides by the count of all in another one."""

    part: Spot
    inputs: Sequence[Tensor] | None = None
    count: float = 0.0

    def __call__(self, call: Call) -> Any:
        if self.inputs is not call.inputs:
            self.inputs, self.count = call.inputs, 0.0
        x: Tensor = call.args[0]
        if call.spot != self.part:
            return x.sum() / self.count
        is_mean = call.spot.name == "mean"
        self.count += x.numel() if is_mean else float(call.args[1])
        return x.sum() if is_mean else x


def of_pooled(calls: Sequence[Call]) -> Iterator[tuple[Call, Call, Change]]:
    """Each pair of means or ratios that may be those of a loop, and of what it gives."""
    means = [c for c in calls if c.args and is_real(c.args[0]) and _is_mean(c)]
    for i, part in enumerate(means):
        for whole in means[i + 1 :]:
            if not isinstance(part.result, Tensor) or part.result.dim() or whole.result.dim():
                continue
            says = _(
                "a mean of means, where all belong into one: right with the sums in the place of {old}, and the count "
                "of all under {new}"
            )
            yield part, whole, Change(says, whole.spot.text, _Pooled(part.spot))


def _is_mean(call: Call) -> bool:
    if call.spot.name == "mean":
        return not call.kwargs and len(call.args) == 1
    divides = call.spot.name in DIVIDING and len(call.args) == 2
    return divides and (isinstance(call.args[1], (int, float)) or _is_count(call.args[1]))


def _is_count(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.dim() and not value.requires_grad
