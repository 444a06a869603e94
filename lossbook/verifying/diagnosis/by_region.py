"""Says where a loss differs from the right one, when no slip explains how: for which numbers, and for which not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from torch import Tensor

from ...language import gettext as _
from ..compare import Sample, close
from ..examination import Examination
from ..subject.arguments import placed
from ..subject.outcome import Answered, call
from .by_argument import argument_names
from .by_result import Part, by_result
from .diagnosis import Diagnosis

MOST = 200  #: parts of batches that are compared
LEAST = 3  #: so many must be right, and so many wrong, to say where
TRIFLE = 1e-3  #: of the largest value
SHARE = 1e-2  #: of what the batches differ by, that a part must differ by at least
MANY = 8  #: so many where the loss is right wherever something does not hold


def by_region(examination: Examination, samples: Sequence[Sample], loss: Callable, *, fault: str) -> Diagnosis | None:
    """The one condition that holds where the loss is wrong, and nowhere else."""
    elementwise = _parts(examination, samples, loss, _elements, fault)
    parts = elementwise if _tell(elementwise) else _parts(examination, samples, loss, _rows, fault)
    if not _tell(parts):
        return None
    names = argument_names(examination, len(samples[0].batch.tensors))
    if fault != "gradient" and not _explain(parts, samples):
        return None
    for says, holds in _conditions(parts, names):
        if all(holds(part.tensors) != part.right for part in parts):
            return Diagnosis(says, page="guide/custom-losses")
    return by_result(loss, parts) or _partly(parts, names)


def _partly(parts: Sequence[Part], names: Sequence[str]) -> Diagnosis | None:
    """A condition without which the loss is right, though with it it is not always wrong."""
    if sum(not part.right for part in parts) < MANY:
        return None
    for says, holds in _conditions(parts, names, ordered=False):
        outside = [part.right for part in parts if not holds(part.tensors)]
        if len(outside) >= MANY and all(outside):
            says = _("{where}, though not everywhere there").format(where=says)
            return Diagnosis(says, page="guide/custom-losses")
    return None


def _tell(parts: Sequence[Part]) -> bool:
    largest = max((part.size for part in parts), default=0.0)
    # Where the right loss is next to nothing, a wrong one that is so too tells nothing.
    right = sum(part.right and part.size > TRIFLE * largest for part in parts)
    return right >= LEAST and sum(not part.right for part in parts) >= LEAST


def _explain(parts: Sequence[Part], samples: Sequence[Sample]) -> bool:
    """Whether the parts differ about as much as the batches: where they differ by a trifle, something else is wrong."""
    largest = max(_apart(s.got.value, s.best.value) for s in samples)
    return max(part.apart for part in parts) >= SHARE * largest


def _apart(got: Tensor, want: Tensor) -> float:
    if got.numel() != want.numel() or not got.numel():
        return 0.0
    apart = (got.double().reshape(want.shape) - want.double()).abs() / want.double().abs().clamp(min=1)
    return apart.nan_to_num(0.0).max().item()


Cut = Callable[[Sequence[Tensor]], Iterator[tuple[Tensor, ...]]]


def _elements(tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """The numbers at one place of all arguments, which must have one shape."""
    if len({t.shape for t in tensors}) == 1 and tensors[0].dim():
        for i in range(tensors[0].numel()):
            yield tuple(t.flatten()[i].reshape([1] * t.dim()) for t in tensors)


def _rows(tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """Each sample by itself."""
    if all(t.dim() for t in tensors) and len({t.shape[0] for t in tensors}) == 1:
        for i in range(tensors[0].shape[0]):
            yield tuple(t[i : i + 1] for t in tensors)


def _parts(examination: Examination, samples: Sequence[Sample], loss: Callable, cut: Cut, fault: str) -> list[Part]:
    right = examination.standard.losses[0]
    parts: list[Part] = []
    known: set[bytes] = set()
    wrt = examination.wrt if fault == "gradient" else ()
    for sample in samples:
        for tensors in cut(sample.batch.tensors):
            if len(parts) == MOST:
                return parts
            key = b"".join(t.numpy().tobytes() for t in tensors)
            if key in known:
                continue  # the same sample of a smaller batch, or in another order
            known.add(key)
            mine, theirs = call(loss, tensors, wrt), call(right, tensors, wrt)
            if not isinstance(theirs, Answered) or not theirs.is_finite:
                continue
            if not isinstance(mine, Answered) or mine.value.numel() != theirs.value.numel():
                return []
            size = theirs.value.abs().sum().item()
            parts.append(
                Part(tensors, _agree(mine, theirs, examination.tolerance), size, _apart(mine.value, theirs.value))
            )
    return parts


def _agree(mine: Answered, theirs: Answered, tolerance: float) -> bool:
    if not close(mine.value.reshape(theirs.value.shape), theirs.value, tolerance):
        return False
    pairs = zip(mine.gradients, theirs.gradients, strict=True)
    return all(a is None or b is None or close(a, b, 10 * tolerance) for a, b in pairs)


Condition = tuple[str, Callable[[Sequence[Tensor]], bool]]


def _conditions(parts: Sequence[Part], names: Sequence[str], *, ordered: bool = True) -> Iterator[Condition]:
    """What may hold of a part, the simplest first."""
    first = parts[0].tensors
    for i, t in enumerate(first):
        name = placed(names, i)
        if t.numel() != 1:
            yield from _of_row(i, name) if t.numel() else ()
            continue
        if t.is_floating_point():
            yield from _of_number(i, name)
            yield from _of_size(parts, i, name) if ordered else ()
        else:
            for label in sorted({int(part.tensors[i].item()) for part in parts}):
                says = _("it differs only where {name} is {value}").format(name=name, value=label)
                yield says, partial(lambda i, label, ts: int(ts[i].item()) == label, i, label)
        for j in range(i):
            if first[j].numel() == 1 and t.is_floating_point() and first[j].is_floating_point():
                two = {"a": placed(names, j), "b": placed(names, i)}
                yield from _of_pair(j, i, two)
                if ordered:
                    yield from _of_distance(parts, j, i, two)


def _of_number(i: int, name: str) -> Iterator[Condition]:
    yield _("it differs only where {name} is negative").format(name=name), lambda ts: bool(ts[i].item() < 0)
    yield _("it differs only where {name} is positive").format(name=name), lambda ts: bool(ts[i].item() > 0)
    yield _("it differs only where {name} is 0").format(name=name), lambda ts: bool(ts[i].item() == 0)
    yield _("it differs only where {name} is not 0").format(name=name), lambda ts: bool(ts[i].item() != 0)
    yield _("it differs only where {name} is above 1").format(name=name), lambda ts: bool(ts[i].item() > 1)


def _of_size(parts: Sequence[Part], i: int, name: str) -> Iterator[Condition]:
    """Beyond a size, above 0 or below it."""
    wrong = [part.tensors[i].abs().item() for part in parts if not part.right]
    right = [part.tensors[i].abs().item() for part in parts if part.right]
    if max(right) < min(wrong):
        limit = (max(right) + min(wrong)) / 2
        says = _("it differs only where {name} is farther from 0 than about {limit:.3g}").format(name=name, limit=limit)
        yield says, lambda ts: bool(ts[i].abs().item() > limit)


def _of_row(i: int, name: str) -> Iterator[Condition]:
    """What the numbers of one sample have in common."""
    yield _("it differs only where {name} is 0 everywhere").format(name=name), lambda ts: bool((ts[i] == 0).all())
    yield _("it differs only where {name} is 1 everywhere").format(name=name), lambda ts: bool((ts[i] == 1).all())
    yield _("it differs only where {name} holds a number below 0").format(name=name), lambda ts: bool((ts[i] < 0).any())
    yield _("it differs only where {name} holds a 0").format(name=name), lambda ts: bool((ts[i] == 0).any())
    yield (
        _("it differs only where {name} holds two equal numbers").format(name=name),
        lambda ts: ts[i].unique().numel() < ts[i].numel(),
    )


def _of_pair(j: int, i: int, names: dict[str, str]) -> Iterator[Condition]:
    yield _("it differs only where {a} is below {b}").format(**names), lambda ts: bool((ts[j] < ts[i]).item())
    yield _("it differs only where {a} is above {b}").format(**names), lambda ts: bool((ts[j] > ts[i]).item())
    yield (
        _("it differs only where {a} and {b} have different signs").format(**names),
        lambda ts: bool((ts[j] * ts[i] < 0).item()),
    )
    yield (
        _("it differs only where {a} and {b} have the same sign").format(**names),
        lambda ts: bool((ts[j] * ts[i] > 0).item()),
    )


def _of_distance(parts: Sequence[Part], j: int, i: int, names: dict[str, str]) -> Iterator[Condition]:
    """Far apart, or near each other: the limit lies between the wrong ones and the right ones."""
    apart = {True: [0.0], False: [0.0]}
    for part in parts:
        apart[part.right].append((part.tensors[j] - part.tensors[i]).abs().item())
    wrong, right = apart[False][1:], apart[True][1:]
    if max(right) < min(wrong):
        limit = (max(right) + min(wrong)) / 2
        says = _("it differs only where {a} and {b} lie further apart than about {limit:.3g}").format(
            limit=limit, **names
        )
        yield says, lambda ts: bool((ts[j] - ts[i]).abs().item() > limit)
    elif max(wrong) < min(right):
        limit = (max(wrong) + min(right)) / 2
        says = _("it differs only where {a} and {b} lie nearer to each other than about {limit:.3g}").format(
            limit=limit, **names
        )
        yield says, lambda ts: bool((ts[j] - ts[i]).abs().item() < limit)
