"""Finds the constant, or the count, that a loss or its gradient is off by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Sequence

from torch import Tensor

from ...language import gettext as _
from ..compare import Sample, close
from ..repairs import is_simple
from .diagnosis import Diagnosis

CUSTOM = "guide/custom-losses"
SMALL = 1e-3  #: numbers below this tell nothing about a ratio


def by_ratio(samples: Sequence[Sample], fault: str, calls: Collection[str] = ()) -> Diagnosis | None:
    """A constant, or a count, that the value (or, if that is right, the gradient) is off by.

    ``calls`` are the operations of the loss, where they are known: without a log2 it has none too many.
    """
    ratios = _ratios(samples, fault)
    if not ratios or (len(ratios) == 1 and len(samples) > 1):
        return None
    if fault != "gradient":
        return (
            _of_log(ratios, calls)
            or _of_constant(ratios)
            or _of_count(ratios)
            or _of_sizes(ratios)
            or _of_complement(samples)
        )
    found = _of_constant(ratios, CUSTOM) or _of_count(ratios) or _of_factor(ratios)
    if found is None:
        return None
    head = _("the value is right, the gradient is not: ")
    return Diagnosis(head + found.says, operations=found.operations, page=found.page)


def by_zero(samples: Sequence[Sample]) -> Diagnosis | None:
    """Nothing but 0, where the right loss gives other numbers."""
    if any(bool(s.got.value.any()) for s in samples) or not any(bool(s.best.value.any()) for s in samples):
        return None
    return Diagnosis(_("it is 0 whatever comes in"))


def by_half(samples: Sequence[Sample]) -> Diagnosis | None:
    """Half of the gradient, where the value is right."""
    ratios = _ratios(samples, "gradient")
    if not ratios or not _all_close([ratio for ratio, _sample in ratios], 0.5):
        return None
    says = _("the value is right, half of the gradient is missing: of a square, one factor was detached")
    return Diagnosis(says, operations=("detach", "data", "no_grad"), page=CUSTOM)


def by_factor(samples: Sequence[Sample]) -> Diagnosis | None:
    """Any other constant that the value is off by."""
    return _of_factor(_ratios(samples, "value"))


Ratios = list[tuple[float, Sample]]


def _ratios(samples: Sequence[Sample], fault: str) -> Ratios:
    """The factor between the result and the right one, for each batch; empty if some batch has none."""
    found: Ratios = []
    for sample in samples:
        of_gradient = fault == "gradient"
        mine = sample.got.gradients[0] if of_gradient else sample.got.value
        right = sample.best.gradients[0] if of_gradient else sample.best.value
        if mine is None or right is None or mine.numel() != right.numel() or not bool(mine.isfinite().all()):
            return []
        largest = int(right.abs().argmax())
        want = right.flatten()[largest].item()
        if abs(want) < SMALL:
            continue
        ratio = mine.flatten()[largest].item() / want
        if not close(mine.reshape(right.shape), right * ratio, 1e-4):
            return []
        found.append((ratio, sample))
    return found


def _all_close(ratios: Sequence[float], wanted: float) -> bool:
    return all(math.isclose(ratio, wanted, rel_tol=1e-4, abs_tol=1e-7) for ratio in ratios)


def _of_log(ratios: Ratios, calls: Collection[str]) -> Diagnosis | None:
    """The natural logarithm in the place of one with another base."""
    if "log" not in calls:
        return None
    for base in (2, 10):
        either = (math.log(base), 1 / math.log(base)) if f"log{base}" not in calls else ()
        if any(_all_close([ratio for ratio, _sample in ratios], value) for value in either):
            says = _("the natural logarithm stands where the one with the base {base} belongs (log{base})")
            return Diagnosis(says.format(base=base), operations=("log",))
    return None


def _of_constant(ratios: Ratios, page: str = "") -> Diagnosis | None:
    for value, says, operations in constants():
        if _all_close([ratio for ratio, _sample in ratios], value):
            return Diagnosis(says, operations=operations, page=page)
    return None


def constants() -> Iterator[tuple[float, str, tuple[str, ...]]]:
    """Factors that people multiply a right loss by, what to say of each, and the operations of such a line."""
    yield -1.0, _("the sign is wrong: minus the right loss"), ("neg", "mean", "sum")
    yield 2.0, _("twice the right loss"), ("mul",)
    yield 0.5, _("half of the right loss: one factor ½ too many"), ("mul", "div")
    yield 1 / math.log(2), _("the logarithm has the base 2 (log2) where the natural one belongs"), ("log2",)
    yield 1 / math.log(10), _("the logarithm has the base 10 (log10) where the natural one belongs"), ("log10",)
    yield -1 / math.log(2), _("the sign is wrong, and the logarithm has the base 2"), ("log2",)
    yield -1 / math.log(10), _("the sign is wrong, and the logarithm has the base 10"), ("log10",)


def _of_count(ratios: Ratios) -> Diagnosis | None:
    """A count such as N that is the factor in every batch."""
    every = [_counts(sample.batch.tensors[0]) for _ratio, sample in ratios]
    columns = list(zip(*every, strict=True))
    if all(sample.batch.tensors[0].dim() < 2 for _ratio, sample in ratios):
        columns = [columns[1], columns[0], *columns[2:]]  # one row of numbers may be one sample
    for counts in columns:
        pairs = zip(ratios, counts, strict=True)
        fits = all(math.isclose(ratio, count, rel_tol=1e-4) for (ratio, _sample), (count, _says) in pairs)
        if fits and any(count != 1 for count, _says in counts):
            return Diagnosis(counts[0][1], operations=("mean", "sum", "div"), page="guide/mse")
    return None


def _of_sizes(ratios: Ratios) -> Diagnosis | None:
    """One size of an argument in the place of another one, such as D in the place of N."""
    every = [_sizes(sample) for _ratio, sample in ratios]
    for above, below in itertools.permutations(every[0], 2):
        if not all(above in sizes and below in sizes for sizes in every):
            continue
        factors = [sizes[above] / sizes[below] for sizes in every]
        fits = all(math.isclose(r, f, rel_tol=1e-6) for (r, _sample), f in zip(ratios, factors, strict=True))
        if fits and len(set(factors)) > 1:
            says = _("the sum is divided by the wrong count: {below} in the place of {above}").format(
                above=above, below=below
            )
            return Diagnosis(says, operations=("div", "mean", "sum"), page="guide/mse")
    return None


def _sizes(sample: Sample) -> dict[str, int]:
    sizes = {"1": 1}
    for i, t in enumerate(sample.batch.tensors, start=1):
        name = _("argument {n}").format(n=i)
        sizes |= {_("size {d} of {which}").format(d=d, which=name): size for d, size in enumerate(t.shape)}
        sizes[_("the number of elements of {which}").format(which=name)] = t.numel()
    return {name: size for name, size in sizes.items() if size}


def _counts(tensor: Tensor) -> Iterator[tuple[float, str]]:
    every = tensor.numel()
    n = tensor.shape[0] if tensor.dim() else 1
    c = tensor.shape[1] if tensor.dim() > 1 else 1
    rest = every // n if n else 1
    yield n, _("exactly N times too large: the sum over the batch instead of the mean")
    yield every, _("too large by the number of all elements: the sum instead of the mean")
    flat = tensor.dim() == 2  # in (N, T, C) dimension 1 is no class
    yield (
        c,
        _("exactly C times too large: a sum over the columns instead of a mean")
        if flat
        else _("too large by the size of dimension 1: the sum over it instead of the mean"),
    )
    yield rest, _("too large by the number of elements of a sample: the sum over them instead of the mean")
    yield every / max(n * c, 1), _("too large by the number of positions: divided by the batch size only")
    yield 1 / n, _("exactly N times too small: divided by the batch size once more")
    yield (
        1 / c,
        _("exactly C times too small: the mean goes over the classes too")
        if flat
        else _("too small by the size of dimension 1: the mean over it where the sum belongs"),
    )
    yield 1 / every, _("too small by the number of all elements: the mean instead of the sum")
    yield 1 / rest, _("too small by the number of elements of a sample")
    yield n / max(n - 1, 1), _("N/(N − 1) times too large: divided by N − 1 instead of N")
    yield (n - 1) / n, _("divided by N where N − 1 belongs, or one sample is left out")
    yield n / (n + 1), _("divided by N + 1 instead of N")
    yield every / (every + 1), _("divided by one more than the number of all elements")
    yield every / max(every - 1, 1), _("divided by one less than the number of all elements")


def _of_complement(samples: Sequence[Sample]) -> Diagnosis | None:
    """Of Dice and its like, which are 1 minus something: that something is off by a constant."""
    if samples[0].best.value.dim():
        return None
    ends = [(1 - s.got.value.item(), 1 - s.best.value.item()) for s in samples]
    ratios = [mine / right for mine, right in ends if abs(right) > SMALL]
    if len(ratios) < 2 or abs(ratios[0] - 1) <= SMALL or not is_simple(ratios[0]):
        return None
    if not all(math.isclose(ratio, ratios[0], rel_tol=1e-4) for ratio in ratios):
        return None
    says = _("what is subtracted from 1 is {factor:.6g} times what it should be").format(factor=ratios[0])
    return Diagnosis(says, operations=("rsub", "mul", "div"))


def _of_factor(ratios: Ratios) -> Diagnosis | None:
    first = ratios[0][0] if ratios else 1.0
    if len(ratios) < 2 or not all(math.isclose(ratio, first, rel_tol=1e-6) for ratio, _sample in ratios):
        return None
    if f"{first:.6g}" == "1" or not is_simple(first):
        return None  # a number that nobody writes comes of something else, of weights for example
    says = _("a constant factor: {factor:.6g} times the right loss").format(factor=first)
    return Diagnosis(says, operations=("mul", "div"))


def by_offset(samples: Sequence[Sample]) -> Diagnosis | None:
    """A constant that is added."""
    ends = [(s.got.value, s.best.value) for s in samples if s.best.value.dim() == 0]
    apart = [(mine - right).item() for mine, right in ends if mine.dim() == 0]
    several = any(not close(right, ends[0][1], SMALL) for _mine, right in ends)  # one value twice tells nothing
    if len(apart) < 2 or not several or not all(math.isclose(a, apart[0], rel_tol=1e-5, abs_tol=1e-8) for a in apart):
        return None
    says = _("a constant is added to the right loss: {constant:.6g}").format(constant=apart[0])
    return Diagnosis(says, operations=("add", "sub"))
