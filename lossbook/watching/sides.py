"""Which parameters stand behind which argument of a loss: what is moved that should stand still."""

from __future__ import annotations

from torch import Tensor

from . import contract, graph
from .observation import Call


def target_leaves(call: Call) -> list[int]:
    """The parameters that the target alone depends on, or all of its own where it is no twin of the prediction."""
    if weight := weight_that_moves(call):
        return _leaves_alone(call, weight)
    if call.entry is None or not call.has_target or call.target.grad_fn is None or not call.target.is_floating_point():
        return []
    mine, its = call.ancestry, graph.ancestry(call.target)
    known = {id(leaf) for leaf in mine.leaves}
    alone = [id(leaf) for leaf in its.leaves if id(leaf) not in known]
    if not alone:
        twins = all(mine.names[name] == its.names[name] for name in {*mine.names, *its.names} - _LAST)
        return [] if twins else list(known)
    return [] if call.name in contract.SYMMETRIC else alone


def weight_that_moves(call: Call) -> str:
    """The argument of an own loss that is an advantage, by its name, and multiplies another with its graph."""
    if call.entry is not None or len(call.predictions) < 2 or not isinstance(call.result, Tensor):
        return ""
    for name, given in call.predictions.items():
        if name.lower().strip("_") in _WEIGHTS and given.grad_fn is not None and graph.multiplies(given, call.result):
            return name
    return ""


def _leaves_alone(call: Call, name: str) -> list[int]:
    """The parameters behind one argument of a loss, and no other."""
    others = graph.ancestry(*(t for n, t in call.predictions.items() if n != name))
    known = {id(leaf) for leaf in others.leaves}
    return [id(leaf) for leaf in graph.ancestry(call.predictions[name]).leaves if id(leaf) not in known]


def detached_twin(call: Call) -> bool:
    """Whether one argument is another one, detached."""
    given = [t for t in call.tensors.values() if t.numel() > 1]
    return any(
        a.requires_grad and not b.requires_grad and a.shape == b.shape and a.data_ptr() == b.data_ptr()
        for a in given
        for b in given
    )


def sides(call: Call) -> tuple[set[int], set[int]] | None:
    """The parameters behind each side of a loss to which it makes no difference which is which; None where one learns."""
    if not call.has_target or not call.prediction.requires_grad or not call.target.requires_grad:
        return None
    if not contract.symmetric(call.name, call.settings):
        return None
    one, other = ({id(leaf) for leaf in graph.ancestry(t).leaves} for t in (call.prediction, call.target))
    return one - other, other - one


#: What weighs a loss, and is no part of what is learned from it.
_WEIGHTS = {"adv", "advs", "advantage", "advantages"}
#: Operations in which a prediction and a target from the same model differ.
_LAST = {*graph.SHAPES, "Softmax", "LogSoftmax", "Sigmoid", "LogSigmoid", "Exp", "Log"}
