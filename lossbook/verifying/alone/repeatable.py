"""A check of memory and chance: whether the same input gives the same result."""

from __future__ import annotations

import torch

from ...language import gettext as _
from ..checks.check import Result, check, passed
from ..examination import Examination
from .subject import differs, first_answered, is_steady, told, value_of


@check(lambda: _("the same result each time"), name="repeatable")
def repeatable(examination: Examination) -> Result:
    batch, _got = first_answered(examination)
    if is_steady(examination):
        return passed()
    torch.manual_seed(1)
    one = value_of(examination, batch.tensors)
    torch.manual_seed(1)
    two = value_of(examination, batch.tensors)
    if one is not None and not differs(one, two, 0):
        return told(
            _(
                "The same input gives a different result each time: it draws random numbers. With seed=0 it can be "
                "checked."
            )
        )
    return told(
        _(
            "The same input gives a different result each time: it remembers something. With fresh=True it can be "
            "checked."
        )
    )
