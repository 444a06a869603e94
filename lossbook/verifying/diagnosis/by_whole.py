"""Finds a number that stands where a count belongs that is another one in each batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ...language import gettext as _
from ..compare import Sample
from ..repairs import Call, Knob
from .search import Repair, Search, told

BELIEVED = 4  #: on so many batches it must be a whole number
SHOWN = 4  #: of these
LARGEST = 1e6


def of_whole_numbers(search: Search, of: Callable[[Call], Iterator[Knob]]) -> Iterator[Repair]:
    """A number with a whole one in its place on every batch, that differs between them: what they hold is counted."""
    batches = [sample for sample in search.samples if not sample.batch.edge]
    for made in search.calls if len(batches) >= BELIEVED else ():
        for knob in of(made):
            found = [whole for sample in batches if (whole := _whole(search, made, knob, sample))]
            if len(found) == len(batches) and len({*found}) > 2:
                says = _("{now} in {old} is no count of what a batch holds: right with {numbers}, another one for each")
                numbers = ", ".join(map(str, [*dict.fromkeys(found)][:SHOWN]))
                now = f"`{knob.written}`" if knob.written else f"{knob.start:.6g}"
                yield told(made, knob.at(knob.start), says, now=now, numbers=numbers)


def _whole(search: Search, made: Call, knob: Knob, sample: Sample) -> int | None:
    """The whole number with which the loss is right on a batch, where it is divided by it last."""
    spots, want = frozenset({made.spot}), sample.best.value.sum().item()
    got = search.value(spots, knob.at(knob.start), sample.batch)
    number = got.sum().item() / want * knob.start if got is not None and want else math.nan
    whole = round(number) if 0.5 < number < LARGEST else 0
    return whole if whole and search.fits_on(sample, spots, knob.at(float(whole))) else None
