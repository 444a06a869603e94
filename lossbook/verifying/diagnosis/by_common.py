"""Finds where a loss parts from the right one that a person wrote: what both compute alike, and the first thing not alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves

from ...language import gettext as _
from ..compare import Sample
from ..examination import Examination
from ..repairs import Calls, Spot
from ..repairs.call import Call
from ..subject.outcome import call
from ..subject.state import part_of_time
from .diagnosis import Diagnosis
from .search import Repair, Search

CUSTOM = "guide/custom-losses"
RUNS = 3  #: of both losses, whose results are compared
ATTEMPTS = 250  #: how many results of the right loss are put into the other one
LONGEST = 140  #: characters of an expression that are shown: what differs may stand at its end
PARTS = 2  #: so many of its intermediate results are shown
ALIKE = 1e-9  #: how far the same number may differ, computed in two ways


class _Kept(Calls):
    """Keeps every result of each expression, and which one made it."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__(inputs)
        self.results: dict[Spot, list[Tensor]] = {}
        self.origin: dict[int, Spot] = {}

    def done(self, call: Call) -> Any:
        result = call.again()
        several = tuple(result) if isinstance(result, Iterator) else result  # as a loop over rows gets them
        if tensors := [leaf for leaf in tree_leaves(several) if isinstance(leaf, Tensor)]:
            self.results.setdefault(call.spot, []).extend(tensors)
            self.first.setdefault(call.spot, replace(call, result=several))
            self.origin.update({id(tensor): call.spot for tensor in tensors})
        return iter(several) if isinstance(result, Iterator) else result

    def stands_for(self, tensor: Tensor, other: Tensor) -> None:
        if id(other) in self.origin:
            self.origin[id(tensor)] = self.origin[id(other)]
            self.held.append(tensor)


def _kept(loss: Callable, tensors: Sequence[Tensor]) -> _Run:
    result: list[Any] = []
    tensors = [t.clone() for t in tensors]
    with _Kept(tensors) as kept:
        call(lambda: result.append(loss(*tensors)), ())
    flat = {spot: _flat(results) for spot, results in kept.results.items()}
    return _Run(kept, flat, kept.origin.get(id(result[0])) if result else None)


def _flat(results: Sequence[Tensor]) -> Tensor:
    return torch.cat([r.detach().flatten() for r in results])


@dataclass(frozen=True)
class _Run:
    kept: _Kept
    flat: dict[Spot, Tensor]  #: all results of an expression in one row
    last: Spot | None  #: the expression that gives the loss

    def single(self, spot: Spot) -> bool:
        """Whether an expression gives one tensor, in whose place another one can be put; and not several, as max(1) does."""
        return isinstance(self.kept.first[spot].result, Tensor)

    def made_of(self, spot: Spot) -> Iterator[Spot | None]:
        """The expressions whose results go into this one; None for what comes from elsewhere, as arguments do."""
        first = self.kept.first[spot]
        for leaf in tree_flatten((first.args, first.kwargs))[0]:
            if isinstance(leaf, Tensor):
                yield self.kept.origin.get(id(leaf))


@dataclass
class _Put:
    """The change that puts what an expression of the right loss gives in the place of a result."""

    right: Callable
    spot: Spot
    inputs: Sequence[Tensor] | None = None
    left: Tensor = field(default_factory=lambda: torch.empty(0))

    def __call__(self, call: Call) -> Tensor:
        if self.inputs is not call.inputs:
            self.inputs = call.inputs
            with _Kept(call.inputs) as kept:
                self.right(*call.inputs)
            self.left = torch.cat([r.flatten() for r in kept.results[self.spot]])
        shape = call.again().shape
        part, self.left = self.left[: shape.numel()], self.left[shape.numel() :]
        return part.reshape(shape)


@dataclass(frozen=True)
class _Both:
    """A run of both losses on the same batches, and what they have in common."""

    mine: _Run
    theirs: _Run
    alike: dict[Spot, Spot]  #: expressions of the loss, each with one of the right loss that gives the same

    def apart(self) -> list[Spot]:
        return [spot for spot in self.mine.flat if spot not in self.alike]

    def parting(self) -> list[Spot]:
        """Where the two part: expressions of nothing but what both have, which give something else."""
        return [s for s in self.apart() if all(m is None or m in self.alike for m in self.mine.made_of(s))]

    def beside(self) -> list[Spot]:
        """The same of the right loss, from the first one on."""
        known = set(self.alike.values())
        new = [t for t in self.theirs.flat if t not in known]
        return [t for t in new if all(m is None or m in known for m in self.theirs.made_of(t))]


def _both(examination: Examination, loss: Callable, samples: Sequence[Sample]) -> _Both:
    right = examination.standard.losses[0]
    runs = [(_kept(loss, s.batch.tensors), _kept(right, s.batch.tensors)) for s in samples[:RUNS]]
    mine, theirs = runs[0]
    alike = {one: other for one in mine.flat for other in theirs.flat if _are_alike(runs, one, other)}
    return _Both(mine, theirs, alike)


def by_common(examination: Examination, loss: Callable, samples: Sequence[Sample]) -> Repair | None:
    """The earliest result of the loss in whose place one of the right loss makes it right, on every batch.

    What comes of results that both have is looked at first: there the two part.
    """
    search = Search(loss, samples, examination.wrt, examination.tolerance)
    both = _both(examination, loss, samples)
    mine, theirs, known = both.mine, both.theirs, set(both.alike.values())
    parting, beside = both.parting(), both.beside()
    others = sorted(filter(theirs.single, theirs.flat), key=lambda t: (t in known, t not in beside))
    places = (*parting, *(s for s in both.apart() if s not in parting and s != mine.last))
    with part_of_time():
        return _taken_over(examination, search, both, places, others)
    return None


def _taken_over(
    examination: Examination, search: Search, both: _Both, places: Sequence[Spot], others: Sequence[Spot]
) -> Repair | None:
    """What one of the other expressions makes right, put in one of these places."""
    mine, theirs, known, left = both.mine, both.theirs, set(both.alike.values()), ATTEMPTS
    for spot in filter(mine.single, places):
        for other in others:
            fits = mine.flat[spot].numel() == theirs.flat[other].numel()
            if not fits or (other == theirs.last) != (spot == mine.last) or _kind(mine, spot) != _kind(theirs, other):
                continue
            left -= 1
            if left < 0:
                return None
            put = _Put(examination.standard.losses[0], other)
            if search.fits(frozenset({spot}), put):
                used = {both.alike[m] for m in mine.made_of(spot) if m in both.alike}
                return _told(theirs, spot, other, put, known, used, last=spot == mine.last)
    return None


def by_parting(examination: Examination, loss: Callable, samples: Sequence[Sample]) -> Diagnosis | None:
    """The place where the two part, with what either does there.

    Where they part in several places, but come together again after all but one of them, it is that one.
    """
    both = _both(examination, loss, samples)
    before = _all_before(both.mine, both.alike)
    parting, beside = [s for s in both.parting() if s not in before], both.beside()
    shared = {m: both.alike[m] for spot in parting[:1] for m in both.mine.made_of(spot) if m is not None}
    shared = {m: t for m, t in shared.items() if m not in _all_before(both.mine, [s for s in shared if s != m])}
    known = set(shared.values())
    theirs = [t for t in beside if known & set(both.theirs.made_of(t))]
    if not theirs or not all(known & {both.alike[m] for m in both.mine.made_of(s) if m} for s in parting):
        return None
    spot = parting[0]
    says = _("both are alike up to {alike}; there this one goes on with {old}, and the right loss with {new}")
    alike = ", ".join(dict.fromkeys(f"`{_text(t)}`" for t in shared.values()))
    new = ", ".join(list(dict.fromkeys(f"`{_text(t)}`" for t in theirs))[:PARTS])
    return Diagnosis(says.format(alike=alike, old=f"`{_text(spot)}`", new=new), line=spot.line, page=CUSTOM)


def _all_before(run: _Run, spots: Iterable[Spot]) -> set[Spot]:
    """All whose results go into these, over however many steps."""
    before: set[Spot] = set()
    left = list(spots)
    while left:
        new = {m for m in run.made_of(left.pop()) if m is not None} - before
        before |= new
        left += new
    return before


def _are_alike(runs: Sequence[tuple[_Run, _Run]], one: Spot, other: Spot) -> bool:
    for mine, theirs in runs:
        a, b = mine.flat.get(one), theirs.flat.get(other)
        if a is None or b is None or a.numel() != b.numel() or not torch.allclose(a.double(), b.double(), ALIKE, ALIKE):
            return False
    return True


def _text(spot: Spot) -> str:
    text = spot.place.expression or spot.name
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _kind(run: _Run, spot: Spot) -> tuple[bool, bool]:
    dtype = run.flat[spot].dtype
    return dtype.is_floating_point, dtype is torch.bool


def _told(
    theirs: _Run, spot: Spot, other: Spot, put: _Put, known: set[Spot], used: Collection[Spot], *, last: bool
) -> Repair | None:
    new = f"`{_text(other)}`"
    inner = [_text(m) for m in dict.fromkeys(theirs.made_of(other)) if m is not None and m not in known]
    inner = [text for text in inner if text not in _text(other)][:PARTS]
    if inner and not last:
        new = _("{this} (with {parts})").format(this=new, parts=", ".join(f"`{text}`" for text in inner))
    if last and (lost := [t for t in theirs.made_of(other) if t is not None and t not in used]):
        new = _("{this} (here nothing is {lost})").format(this=new, lost=", ".join(f"`{_text(t)}`" for t in lost))
    if new == f"`{_text(spot)}`":
        return None  # an expression that both share, with other numbers in it: nobody would see what is meant
    says = (
        _("all is right but the last step: the right loss has {new} in the place of {old}")
        if last
        else _("one part is wrong, the rest is right: the right loss has {new} in the place of {old}")
    )
    return Repair(
        says.format(new=new, old=f"`{_text(spot)}`"), spots=frozenset({spot}), run=put, line=spot.line, page=CUSTOM
    )
