"""Changes of logarithms that are taken of numbers which were squeezed between 0 and 1, or overflow, before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...language import gettext as _
from .call import Call
from .change import Change

GUARDS = {"add", "clamp", "clamp_min", "clamp_max", "clip", "maximum", "minimum"}
#: Operations that pick or move numbers: the logarithm may be taken before them as well.
MOVING = {"getitem", "gather", "squeeze", "unsqueeze", "view", "reshape", "transpose", "movedim", "permute", "flatten"}


def of_stable(call: Call) -> Iterator[Change]:
    """The logarithm computed from what went into the sigmoid, softmax or exp before it."""
    if call.spot.name != "log" or not call.args:
        return
    found = _log_of(call, call.args[0])
    if found is not None:
        says = _(
            "digits are lost before the logarithm, and its slope with them: right with {new} in the place of {old}"
        )
        yield Change(says, found[0], lambda c: (_log_of(c, c.args[0]) or ("", c.again()))[1])


def _log_of(call: Call, value: Any) -> tuple[str, Tensor] | None:
    """The logarithm of a value, by the function that computes both at once: its name, and what it gives."""
    made = call.made.get(id(value))
    if made is None or not made.args:
        return None
    name, x = made.spot.name, made.args[0]
    if name in GUARDS:
        return _log_of(call, x)
    if name == "sigmoid":
        return "logsigmoid", F.logsigmoid(x)
    if name == "softmax":
        return "log_softmax", F.log_softmax(x, *made.args[1:], **made.kwargs)
    if name == "exp":
        return "x", x
    before = call.made.get(id(x))
    if before is None:
        return None
    from_one = name == "rsub" and any(isinstance(a, (int, float)) and a == 1 for a in made.args[1:])
    if from_one and before.spot.name == "sigmoid":
        return "logsigmoid(-x)", F.logsigmoid(-before.args[0])
    if name == "sum" and before.spot.name == "exp" and len(made.args) + len(made.kwargs) > 1:
        return "logsumexp", torch.logsumexp(before.args[0], *made.args[1:], **made.kwargs)
    if name in MOVING:
        inner = _log_of(call, x)
        return None if inner is None else (inner[0], made.again(inner[1], *made.args[1:]))
    return None
