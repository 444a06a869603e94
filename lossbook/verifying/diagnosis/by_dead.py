"""Finds what a loss computes and never uses, where it is right with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from ...language import gettext as _
from ..compare import Sample
from ..examination import Examination
from ..repairs import Call
from ..subject.state import quiet
from .search import Repair, Search

JOINING: dict[str, Callable[..., Tensor]] = {"+": torch.add, "-": torch.sub, "*": torch.mul, "/": torch.div}


def by_dead(examination: Examination, samples: Sequence[Sample], loss: Callable) -> Repair | None:
    """The intermediate result that goes into nothing, and what to do with it and the loss."""
    with quiet():
        search = Search(loss, samples, examination.wrt, examination.tolerance)
        for made, last in _dead(search.calls):
            for sign, two in JOINING.items():
                run = partial(_joined, two, made)
                spots = frozenset({last.spot})
                if search.fits(spots, run):
                    says = _("`{part}` is computed and never used: right with {new}, where x is {old}")
                    name = _name(made, last)
                    says = says.format(part=name, new=f"`x {sign} {name}`", old=f"`{last.spot.text}`")
                    return Repair(says, spots=spots, run=run, line=made.spot.line)
    return None


def _dead(calls: Sequence[Call]) -> Iterator[tuple[Call, Call]]:
    """Results of numbers that go into no later call, with the last call, which gives the loss."""
    used = {id(leaf) for c in calls for leaf in tree_leaves((c.args, c.kwargs)) if isinstance(leaf, Tensor)}
    for made in calls[:-1]:
        last, result = calls[-1], made.result
        both = isinstance(result, Tensor) and isinstance(last.result, Tensor) and id(result) not in used
        if both and result.is_floating_point() and result.shape == last.result.shape:
            yield made, last


def _joined(two: Callable[..., Tensor], made: Call, call: Call) -> Tensor:
    return two(call.again(), call.latest[made.spot])


def _name(made: Call, last: Call) -> str:
    """The variable that holds it, else the expression."""
    return next((n for n, t in last.variables.items() if t is made.result), made.spot.text)
