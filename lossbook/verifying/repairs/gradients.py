"""Changes that leave the value as it is and change its gradient: a detach less, a detach more."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from ...language import gettext as _
from .call import Call
from .change import Change, is_real, of_result


def of_gradient(call: Call) -> Iterator[Change]:
    """What is cut from the graph is let in, or the other way round."""
    name = call.spot.name
    if name in ("detach", "data"):
        says = _("{old} cuts off a part of the gradient that the right loss has: right without the detach")
        yield Change(says, "", lambda c: c.args[0] + 0)
    if name == "set_grad_enabled" and call.args == (False,):
        says = _("a part of the gradient is cut off by no_grad: right without {old}")
        yield Change(says, "", lambda c: None)
    if name == "grad" and not call.kwargs.get("create_graph"):
        says = _("a part of the gradient is cut off by {old}: right with {new}")
        yield Change(says, "create_graph=True", lambda c: c.again(create_graph=True))
    if is_real(call.result) and call.result.requires_grad:
        says = _("a detach is missing: {old} should be a constant for the gradient")
        yield Change(says, "", of_result(lambda x: x.detach()))
    for i, used in enumerate(call.args):
        if is_real(used) and used.requires_grad and len(call.tensors) > 1:
            says = _("a detach is missing: right if {new} in {old} is a constant for the gradient")
            which = call.number_of(used)
            new = _("operand {n}").format(n=i + 1) if which is None else call.name_of(which)
            yield Change(says, new, partial(lambda i, c: c.again(*_detached(c.args, i)), i))


def _detached(args: tuple, i: int) -> list:
    return [a.detach() if j == i and isinstance(a, Tensor) else a for j, a in enumerate(args)]
