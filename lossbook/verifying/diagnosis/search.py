"""Runs a loss with one of its calls changed, and tells which change makes it right, on every batch, in value and gradient."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ..compare import Sample, close
from ..repairs import (
    DIGITS,
    Call,
    Calls,
    Changed,
    Knob,
    Spot,
    either,
    factor_in_words,
    hidden_knobs,
    in_words,
    is_simple,
    others,
    readings,
    rounded,
    share,
    solved,
)
from ..repairs.call import Run
from ..repairs.change import Change, Maker
from ..subject.outcome import Answered, call
from ..subject.state import TakesTooLong, check_time, limited
from .diagnosis import Diagnosis
from .varied import Varied

#: Operations of torch that read beyond their memory, and so end the program, if what they get does not fit together.
UNSAFE = {"ctc_loss", "as_strided", "set", "frombuffer", "from_blob"}
WORK = 26_000  #: calls of torch that are spent on the search
MOST_KNOBS = 8  #: so many numbers are tried two by two
MOST_EXCHANGED = 16  #: so many are tried in each other's place
BELIEVED = 4  #: so many batches must two numbers fit before they are believed
USUAL = (0.5, 2.0, -1.0)  #: what is tried where a number cannot be computed
SHORT = 4  #: so many characters has a number that people write
PLACES_TOGETHER = 16  #: of a change that is made at several places, so many are left out by themselves
SHOWN = 2  #: so many further places are named
READINGS = 2  #: of a number that are told
PLACES = 80  #: of a loss that are looked at


@dataclass(frozen=True)
class Repair(Diagnosis):
    """A change at one spot that makes the loss right."""

    spots: frozenset[Spot]
    run: Run


class Search:
    """Runs a loss with one of its calls changed."""

    def __init__(
        self,
        loss: Callable,
        samples: Sequence[Sample],
        wrt: Sequence[int],
        tolerance: float,
        names: Sequence[str] = (),
        *,
        shaped: bool = False,
        beside: Search | None = None,
        numbers: Mapping[str, tuple[float, float]] | None = None,
        named: Mapping[str, float] | None = None,
        varied: Sequence[Varied] = (),
    ) -> None:
        self.loss, self.samples, self.wrt, self.tolerance = loss, samples, wrt, tolerance
        self.shaped = shaped  #: whether the shape must be right too
        self.beside = beside  #: the same loss under other settings, which a change must not make wrong
        self.left, self.numbers, self.named = WORK, numbers or {}, named or {}
        #: The same with another number for a setting that both losses share, by its name.
        self.varied = {v.name: (v, Search(v.loss, v.samples, wrt, tolerance, names)) for v in varied}
        self.refused = 0  #: how many changes were right but for these
        tensors = [t.clone() for t in samples[0].batch.tensors]
        for i in wrt:
            tensors[i] = tensors[i].requires_grad_().clone()
        with Calls(tensors, names) as calls:
            call(lambda: loss(*tensors), ())
        every = list(calls.first.values())
        self.calls = [] if any(c.spot.name in UNSAFE for c in every) else every[:PLACES]
        self.slack = 10.0  # torch adds small numbers of its own
        if self.calls and all(self._is_right(frozenset(), Call.again, sample) for sample in samples):
            self.slack = 1.0  # so near, every change that does little would seem to be the one

    def changed(self, spots: frozenset[Spot], run: Run) -> Callable[..., Tensor]:
        """The loss with a change at some spots."""

        def loss(*tensors: Tensor) -> Tensor:
            with Changed(tensors, spots, run) as calls:
                try:
                    return self.loss(*tensors)
                finally:
                    self.left -= calls.count

        return loss

    def value(self, spots: frozenset[Spot], run: Run, batch: Batch) -> Tensor | None:
        """What the changed loss gives; None where it gives no tensor."""
        check_time()
        try:
            with limited():
                got = self.changed(spots, run)(*(t.clone() for t in batch.tensors))
        except (Exception, TakesTooLong):
            return None
        return got if isinstance(got, Tensor) else None

    def fits(self, spots: frozenset[Spot], run: Run) -> bool:
        """True if with this change the loss is right on every batch, in value and, where it is ordinary, in gradient."""
        if not self.fits_here(spots, run) or not (self.beside is None or self.beside.fits(spots, run)):
            return False
        holds = all(search.fits_here(spots, run) for _varied, search in self.varied.values())
        self.refused += not holds
        return holds

    def fits_here(self, spots: frozenset[Spot], run: Run) -> bool:
        """The same, whatever it is under other settings."""
        return all(self.fits_on(sample, spots, run) for sample in self.samples)

    def fits_on(self, sample: Sample, spots: frozenset[Spot], run: Run) -> bool:
        """The same on one batch."""
        right = self._is_right(spots, run, sample)
        return right and (sample.batch.edge or self._has_right_slopes(spots, run, sample))

    def _is_right(self, spots: frozenset[Spot], run: Run, sample: Sample) -> bool:
        value, want = self.value(spots, run, sample.batch), sample.best.value
        return (
            value is not None
            and (value.shape == want.shape if self.shaped else value.numel() == want.numel())
            and value.is_floating_point()
            and close(value.detach().reshape(want.shape), want, self.slack * self.tolerance)
        )

    def _has_right_slopes(self, spots: frozenset[Spot], run: Run, sample: Sample) -> bool:
        got = call(self.changed(spots, run), sample.batch.tensors, self.wrt)
        if not isinstance(got, Answered):
            return False
        for mine, right in zip(got.gradients, sample.best.gradients, strict=True):
            if right is None or not bool(right.isfinite().all()):
                continue
            if not close(torch.zeros_like(right) if mine is None else mine, right, 100 * self.tolerance):
                return False
        return True

    def of_makers(self, makers: Sequence[Maker], *, from_end: bool = False) -> Iterator[Repair]:
        for maker in makers:
            for made in reversed(self.calls) if from_end else self.calls:
                for change in _changes(maker, made):
                    if self.left < 0:
                        return
                    spots = frozenset({made.spot})
                    if self.fits(spots, change.run) and not (change.unless and self.fits(spots, change.unless)):
                        yield told(made, change.run, change.says, change.new)

    def of_groups(self, makers: Sequence[Maker], *, by_text: bool = False) -> Iterator[Repair]:
        """The same change at all calls of one operation, such as both sums of a ratio; or of one expression."""
        groups: dict[tuple[str, str, str], list[tuple[Call, Change]]] = {}
        for maker in makers:
            for made in self.calls:
                for change in _changes(maker, made):
                    # Those of one operation; of one text; of one operation on what another one made.
                    keys = [made.spot.text] if by_text else [made.spot.name, f"{made.spot.name} {_origin(made)}"]
                    if change.alike:
                        groups.setdefault((change.says, change.alike, ""), []).append((made, change))
                    for key in keys:
                        groups.setdefault((change.says, change.new, key), []).append((made, change))
        for every in groups.values():
            if len(every) > 1 and self.left > 0 and self.fits(*_together(every)):
                (made, change), *more = self._needed(every)
                spots, run = _together([(made, change), *more])
                found = replace(told(made, run, change.says, change.new), spots=spots)
                where = ", ".join(f"`{call.spot.text}`" for call, _change in more[:SHOWN])
                says = _("{this}; the same in {where}").format(this=found.says, where=where) if more else found.says
                yield replace(found, says=says)

    def _needed(self, every: list[tuple[Call, Change]]) -> list[tuple[Call, Change]]:
        """Those of the changes without which the others do not do: a mask that is used somewhere is not missing there."""
        for one in every[:PLACES_TOGETHER]:
            fewer = [other for other in every if other is not one]
            if fewer and self.fits(*_together(fewer)):
                every = fewer
        return every

    def of_pairs(self, maker: Callable[[Sequence[Call]], Iterator[tuple[Call, Call, Change]]]) -> Iterator[Repair]:
        """What must be done at two calls, each in its own way."""
        for made, other, change in maker(self.calls):
            spots = frozenset({made.spot, other.spot})
            if self.left >= 0 and self.fits(spots, change.run):
                yield replace(told(made, change.run, change.says, change.new), spots=spots)

    def of_knobs(self, makers: Sequence[Callable[[Call], Iterator[Knob]]], *, worded: bool = False) -> Iterator[Repair]:
        """A number that is wrong or missing: the first one of few digits, as people write them, or else any.

        If ``worded``, only one that is something of a setting.
        """
        long = []
        for maker in makers:
            # What a term lacks as a whole is said of the term.
            for made in reversed(self.calls) if maker is hidden_knobs else self.calls:
                for knob in maker(made):
                    if self.left < 0:
                        break
                    value = self._turned(frozenset({made.spot}), knob)
                    if value is None or value == knob.start:
                        continue
                    found = self._with_number(made, knob, value, worded=worded)
                    if found is not None and len(f"{abs(value):.6g}") <= SHORT:
                        yield found
                    elif found is not None:
                        long.append(found)
        yield from long

    def _with_number(self, made: Call, knob: Knob, value: float, *, worded: bool) -> Repair | None:
        """The change that sets a number, if it makes the loss right."""
        spots, run = frozenset({made.spot}), knob.at(value)
        words = in_words(value, knob.start, knob.written, self.numbers)
        # In terms of a setting it stays what it is without that.
        if not (self.fits_here(spots, run) if words else self.fits(spots, run)):
            words = self._as_setting(spots, knob, value) if self.varied and self.fits_here(spots, run) else None
            if words is None:
                return None
        if worded and not words:
            return None
        words = words or (factor_in_words(value, self.named) if knob.start == 1.0 and not knob.written else None)
        if not (words or is_simple(value, DIGITS) or (knob.start and is_simple(value / knob.start, DIGITS))):
            return None  # a number that nobody writes comes of something else
        number = f"{value:.6g} = {words}" if words else f"{value:.6g}"
        now = f"`{knob.written}`" if words and knob.written else f"{knob.start:.6g}"
        now += "" if words else share(value, knob.start)
        return told(made, run, knob.says, number=number, now=now)

    def _as_setting(self, spots: frozenset[Spot], knob: Knob, value: float) -> str | None:
        """What a number is of a setting: of all that it may be with its default, what holds with another one too."""
        found: dict[float, str] = {}
        for name, (setting, _search) in self.varied.items():
            for text, made in readings(value, knob.start, knob.written, name, setting.now):
                if made(setting.other) not in found and all(
                    search.fits_here(spots, knob.at(made(v.other) if v.name == name else value))
                    for v, search in self.varied.values()
                ):
                    found[made(setting.other)] = text
        return either([*found.values()][:READINGS])

    def of_same_numbers(self, of: Callable[[Call], Iterator[Knob]]) -> Iterator[Repair]:
        """A number that stands at several places, and is wrong at each, as a + 1 for whole pixels."""
        groups: dict[tuple[str, float], dict[Spot, tuple[Call, Knob]]] = {}
        for made in self.calls:
            for knob in of(made):
                groups.setdefault((made.spot.name, knob.start), {}).setdefault(made.spot, (made, knob))
        for group in groups.values():
            (made, first), *more = group.values()
            if not more or self.left < 0:
                continue
            spots = frozenset(group)
            knob = replace(first, at=partial(_at_each, {spot: knob.at for spot, (_call, knob) in group.items()}))
            for value in itertools.chain(others(knob), [self._turned(spots, knob)]):
                if value is not None and value != knob.start and self.fits(spots, knob.at(value)):
                    says = _(
                        "a number is wrong at {count} places: right with {number} in the place of {now}, as in {old}"
                    )
                    numbers = {"count": str(len(spots)), "number": f"{value:.6g}", "now": f"{knob.start:.6g}"}
                    yield replace(told(made, knob.at(value), says, **numbers), spots=spots)

    def of_exchanged_knobs(self, of: Callable[[Call], Iterator[Knob]]) -> Iterator[Repair]:
        """Two numbers, each of which stands where the other one belongs."""
        every = [(made.spot, knob) for made in self.calls for knob in of(made)][:MOST_EXCHANGED]
        for one, other in itertools.combinations(every, 2):
            (spot, knob), (last, more) = one, other
            if self.left < 0:
                return
            if spot == last or knob.start == more.start or not self._fits_both(one, other, (more.start, knob.start)):
                continue
            says = _("two numbers are exchanged: right with {a} in {c} and {d} in {f}")
            says = says.format(a=f"{more.start:.6g}", c=f"`{spot.text}`", d=f"{knob.start:.6g}", f=f"`{last.text}`")
            run = _both(one, other, (more.start, knob.start))
            yield Repair(says, spots=frozenset({spot, last}), run=run, line=spot.line)

    def of_two_knobs(self, of: Callable[[Call], Iterator[Knob]]) -> Iterator[Repair]:
        """Two numbers that are wrong together, as two weights are, one step from where they stand."""
        turned = [(made.spot, knob) for made in self.calls for knob in of(made)]
        turned = [(spot, knob) for spot, knob in turned if knob.start not in (0.0, 1.0)][:MOST_KNOBS]
        for one, other in itertools.combinations(turned, 2):
            if self.left < 0:
                return
            values = self._turned_together(one, other)
            if values is not None and self._fits_both(one, other, values):
                says = _(
                    "two numbers are wrong: right with {a} in the place of {b} in {c}, and {d} in the place of {e} in "
                    "{f}"
                )
                (spot, knob), (last, more) = one, other
                numbers = {
                    "a": f"{values[0]:.6g}",
                    "b": f"{knob.start:.6g}",
                    "d": f"{values[1]:.6g}",
                    "e": f"{more.start:.6g}",
                }
                says = says.format(**numbers, c=f"`{spot.text}`", f=f"`{last.text}`")
                yield Repair(says, spots=frozenset({spot, last}), run=_both(one, other, values), line=spot.line)

    def _turned_together(self, one: tuple[Spot, Knob], other: tuple[Spot, Knob]) -> tuple[float, float] | None:
        """The two numbers at which two batches are right, where the loss is linear in both."""
        (spot, knob), (last, more) = one, other
        first = self.samples[:2]
        if len(self.samples) < BELIEVED or spot == last:
            return None
        starts, rows, off = (knob.start, more.start), [], []
        for sample in first:
            here = self._sum(one, other, starts, sample)
            moved = [
                self._sum(one, other, at, sample) for at in ((starts[0] + 1, starts[1]), (starts[0], starts[1] + 1))
            ]
            rows.append([m - here for m in moved])
            off.append(sample.best.value.sum().item() - here)
        determinant = rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
        if not math.isfinite(determinant) or abs(determinant) < 1e-9:
            return None
        steps = (
            (off[0] * rows[1][1] - off[1] * rows[0][1]) / determinant,
            (off[1] * rows[0][0] - off[0] * rows[1][0]) / determinant,
        )
        values = rounded(starts[0] + steps[0]), rounded(starts[1] + steps[1])
        return values if starts[0] != values[0] and starts[1] != values[1] else None

    def _sum(
        self, one: tuple[Spot, Knob], other: tuple[Spot, Knob], values: tuple[float, float], sample: Sample
    ) -> float:
        got = self.value(frozenset({one[0], other[0]}), _both(one, other, values), sample.batch)
        return math.nan if got is None or got.numel() != sample.best.value.numel() else got.sum().item()

    def _fits_both(self, one: tuple[Spot, Knob], other: tuple[Spot, Knob], values: tuple[float, float]) -> bool:
        return self.fits(frozenset({one[0], other[0]}), _both(one, other, values))

    def _off(self, spots: frozenset[Spot], knob: Knob, value: float) -> float:
        """How far the first batch is from right with another number."""
        want = self.samples[0].best.value
        got = self.value(spots, knob.at(value), self.samples[0].batch)
        return math.nan if got is None or got.numel() != want.numel() else (got.reshape(want.shape) - want).sum().item()

    def _turned(self, spots: frozenset[Spot], knob: Knob) -> float | None:
        off = partial(self._off, spots, knob)
        found = solved(off, knob.start, 1e-9 * max(1.0, self.samples[0].best.value.abs().sum().item()))
        if found is None:
            is_flat = off(knob.start * 1.01) == off(knob.start)
            found = next((v for v in (others(knob) if is_flat else USUAL) if abs(off(v)) < 1e-9), None)
        return found


def _changes(maker: Maker, made: Call) -> list[Change]:
    """What a maker would change of a call; nothing where what it tries does not go with the tensors there."""
    with contextlib.suppress(RuntimeError, IndexError):
        return list(maker(made))
    return []


def _at_each(ways: Mapping[Spot, Callable[[float], Run]], value: float) -> Run:
    """The change that sets a number at several places."""
    return lambda call: ways[call.spot](value)(call)


def _together(every: Sequence[tuple[Call, Change]]) -> tuple[frozenset[Spot], Run]:
    runs = {call.spot: change.run for call, change in every}
    return frozenset(runs), partial(_each, runs)


def _each(runs: dict[Spot, Run], call: Call) -> Any:
    return runs[call.spot](call)


def _origin(made: Call) -> str:
    """The name of the operation whose result goes into a call first."""
    before = made.made.get(id(made.args[0])) if made.args else None
    return "" if before is None else before.spot.name


def _both(one: tuple[Spot, Knob], other: tuple[Spot, Knob], values: tuple[float, float]) -> Run:
    """The change that sets two numbers."""
    return partial(_each, {one[0]: one[1].at(values[0]), other[0]: other[1].at(values[1])})


def told(made: Call, run: Run, says: str, new: str = "", **numbers: str) -> Repair:
    """The repair of one call."""
    old = f"`{made.spot.text}`"
    new = f"`{new}`" if new else ""
    return Repair(says.format(old=old, new=new, **numbers), spots=frozenset({made.spot}), run=run, line=made.spot.line)
