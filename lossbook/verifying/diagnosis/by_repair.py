"""Finds the one change of the loss's own code that makes it right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ...kit.batches.batch import Settings
from ...kit.loss import settings_of
from ..compare import Sample
from ..examination import Examination
from ..repairs import (
    COUNTED,
    DIVIDED,
    MISSING,
    MISSING_TOGETHER,
    OF_GRADIENT,
    OTHERWISE,
    REPEATED,
    SIZES,
    TOGETHER,
    WRITTEN,
    divisors,
    hidden_knobs,
    knobs,
    of_pooled,
)
from ..subject.state import part_of_time, quiet
from .by_argument import argument_names
from .by_default import named_numbers
from .by_whole import of_whole_numbers
from .search import Repair, Search
from .varied import varied

KEPT = 8_000  #: so many calls of torch are kept for numbers, of which there are few
FOR_STEPS = 20_000  #: and for what may be missing after each call
BESIDE = 3  #: so many batches without settings must stay right


def by_repair(
    examination: Examination,
    loss: Callable,
    samples: Sequence[Sample],
    *,
    fault: str,
    known: bool = False,
    settings: Settings | None = None,
) -> Repair | None:
    """The likeliest change that makes the loss right; None if no single one does.

    Where a constant factor is known to, no other number is looked for.
    """
    with quiet(), part_of_time():
        if fault == "gradient":
            return gradient_repair(examination, loss, samples, examination.wrt)
        plain = _plain(examination) if settings else None
        numbers = _numbers(examination, settings or {})
        args = loss, samples, examination.wrt, examination.tolerance, _names(examination, samples)
        search_with = partial(
            Search,
            *args,
            shaped=fault == "shape",
            beside=plain,
            numbers=numbers,
            named={**named_numbers(examination), **{name: now for name, (now, _default) in numbers.items()}},
        )
        others = [] if settings else [*varied(examination, samples)]
        search = search_with(varied=others)
        found = _found(search, known=known)
        if found is None and known and others:
            found = next(search.of_knobs([hidden_knobs], worded=True), None)
        # What does not hold with other settings may hold all the same: they may mean something else in this loss.
        return _found(search_with(), known=known) if found is None and search.refused else found
    return None


def _found(search: Search, *, known: bool) -> Repair | None:
    likely = (
        search.of_same_numbers(knobs),  # few, where much else costs more calls than there are
        search.of_makers(WRITTEN),
    )
    numbered = (search.of_knobs([knobs]), search.of_makers(COUNTED), search.of_exchanged_knobs(knobs))
    less_likely = (
        search.of_makers(OTHERWISE),
        search.of_groups(TOGETHER),
        search.of_groups(REPEATED, by_text=True),
        search.of_pairs(of_pooled),
    )
    missing = (
        search.of_two_knobs(knobs),
        *(() if known else (search.of_knobs([hidden_knobs]), search.of_makers(SIZES))),
        *(() if known else (search.of_makers(MISSING, from_end=True), search.of_groups(MISSING_TOGETHER))),
    )
    steps = [(FOR_STEPS, (way,)) for way in missing]
    for calls, ways in ((KEPT, likely), (KEPT, numbered), (KEPT, less_likely), *steps):
        search.left = max(search.left, calls)
        if (found := _first(ways)) is not None:
            return found
    return None


def by_divisor(examination: Examination, loss: Callable, samples: Sequence[Sample]) -> Repair | None:
    """Another number or count below the line, with which the loss is right."""
    with quiet():
        names = _names(examination, samples)
        others = [*varied(examination, samples)]
        search = Search(loss, samples, examination.wrt, examination.tolerance, names, varied=others)
        return _first((search.of_knobs([divisors]), search.of_makers(DIVIDED), of_whole_numbers(search, divisors)))


def _first(ways: Sequence[Iterator[Repair]]) -> Repair | None:
    return next((found for way in ways for found in way), None)


def _numbers(examination: Examination, settings: Settings) -> dict[str, tuple[float, float]]:
    """The settings that are numbers, with their defaults."""
    defaults = {n: p.default for n, p in settings_of(examination.reference.losses[0]).items()} if settings else {}
    pairs = [(name, value, defaults.get(name)) for name, value in settings.items()]
    return {n: (v, float(d)) for n, v, d in pairs if type(v) is float and isinstance(d, (int, float))}


def _plain(examination: Examination) -> Search | None:
    """The loss without settings, where it is right."""
    right = [t.sample for t in examination.ordinary() if t.sample and examination.fault(t) is None]
    return Search(examination.loss, right[:BESIDE], examination.wrt, examination.tolerance) if right else None


def gradient_repair(
    examination: Examination, loss: Callable, samples: Sequence[Sample], wrt: Sequence[int]
) -> Repair | None:
    """A detach more, or one less, that makes the gradients of these arguments right."""
    with quiet():
        search = Search(loss, samples, wrt, examination.tolerance, _names(examination, samples))
        return next(search.of_makers(OF_GRADIENT), None)


def _names(examination: Examination, samples: Sequence[Sample]) -> list[str]:
    return argument_names(examination, len(samples[0].batch.tensors))
