"""Slips in CTC, whose mean is one of its own."""

from __future__ import annotations

from collections.abc import Iterator

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Slip, slips_of


@slips_of("ctc")
def ctc(reference: Reference, settings: Settings) -> Iterator[Slip]:
    each = reference.bound({**settings, "reduction": "none"})[0]
    if settings["reduction"] == "mean":
        says = _("the mean does not divide each loss by the length of its target first")
        yield Slip(says, lambda *t: each(*t).mean(), operations=("mean",))
