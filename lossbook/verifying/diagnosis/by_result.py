"""Says for which intermediate results a loss differs from the right one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from ...language import gettext as _
from ..repairs import Calls, Spot
from ..subject.outcome import call
from .diagnosis import Diagnosis

CHANCE = 1e-3  #: how likely a limit between right and wrong may be that means nothing


class Part(NamedTuple):
    """A single element, or a single sample, of a batch, and whether the loss is right on it."""

    tensors: tuple[Tensor, ...]
    right: bool
    size: float = 1.0  #: of the right value
    apart: float = 0.0  #: how far the loss is from it


def by_result(loss: Callable, parts: Sequence[Part]) -> Diagnosis | None:
    """The first result on the way that is above a limit where the loss is wrong, and below it where it is right."""
    wrong = [_results(loss, part) for part in parts if not part.right]
    right = [_results(loss, part) for part in parts if part.right]
    spots = [spot for spot in wrong[0] if all(spot in results for results in (*wrong, *right))]
    if 2 * len(spots) > CHANCE * math.comb(len(parts), len(wrong)):
        return None
    for spot in spots:
        bad, good = [results[spot] for results in wrong], [results[spot] for results in right]
        for says, low, high in (
            (_("it differs only where {what} is above about {limit:.3g}"), good, bad),
            (_("it differs only where {what} is below about {limit:.3g}"), bad, good),
        ):
            if max(low) < min(high):
                limit = (max(low) + min(high)) / 2
                says = says.format(what=f"`{spot.text}`", limit=limit)
                return Diagnosis(says, line=spot.line, page="guide/custom-losses")
    return None


def _results(loss: Callable, part: Part) -> dict[Spot, float]:
    """The single numbers that are computed on the way."""
    tensors = [t.clone() for t in part.tensors]
    with Calls(tensors) as calls:
        call(lambda: loss(*tensors), ())
    return {spot: t.item() for spot, t in calls.latest.items() if t.numel() == 1 and t.is_floating_point()}
