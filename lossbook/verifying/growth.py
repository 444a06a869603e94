"""Larger batches: so many samples that a block in the loss's code is full, and one number more than a thousand.

A batch grows only while time and memory grow with it: a table of all pairs of 40 000 samples takes gigabytes, and no
signal interrupts torch while it fills one.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..kit.batches.batch import Batch
from ..language import gettext as _
from .compare import close
from .subject.outcome import Answered, call

USUAL = (150, 1009)  #: samples; the second is odd, prime and above a thousand
BLOCKS = range(17, 5001)  #: numbers in the code that may be the size of a block; smaller batches are tried anyway
MOST_BLOCKS = 3
TABLE = 2**17  #: numbers that a tensor may hold that grows faster than the batch
NUMBERS = 2**22  #: numbers that any tensor may hold
PAIRS = 2**25  #: numbers that pairs of samples may hold, which a diagnosis may try on a batch
SECONDS = 0.1  #: that a call may take
STEP = 4  #: by which a batch grows


def repeated(batches: Sequence[Batch], rows: int) -> Batch | None:
    """The samples of batches, again and again until there are so many; what is no row of a sample stays as it is.

    None for a batch without samples.
    """
    first = batches[0]
    by_sample = samples_in(first)
    if not by_sample:
        return None
    alike = [first, *(b for b in batches[1:] if _fits(b, first, by_sample))]
    tensors = list(first.tensors)
    for i in by_sample:
        every = torch.cat([b.tensors[i] for b in alike])
        tensors[i] = every[torch.arange(rows) % len(every)]
    return replace(first, tensors=tuple(tensors), name=_("{n} samples").format(n=rows))


def samples_in(batch: Batch) -> list[int]:
    """Which tensors hold a row for each sample; none where there are no two samples."""
    n = batch.tensors[0].shape[0] if all(t.dim() for t in batch.tensors) else 0
    return [i for i, t in enumerate(batch.tensors) if t.shape[0] == n] if n > 1 else []


def _fits(batch: Batch, first: Batch, by_sample: list[int]) -> bool:
    """True if its samples go together with those of the first batch."""
    pairs = list(zip(batch.tensors, first.tensors, strict=True)) if len(batch.tensors) == len(first.tensors) else []
    rows = {batch.tensors[i].shape[0] for i in by_sample if batch.tensors[i].dim()}
    return (
        bool(pairs)
        and len(rows) == 1
        and all(
            one.dtype == other.dtype
            and (one.shape[1:] == other.shape[1:] if i in by_sample else torch.equal(one, other))
            for i, (one, other) in enumerate(pairs)
        )
    )


def adds_up(loss: Callable, batches: Sequence[Batch]) -> bool:
    """True if a loss of two batches is the mean or the sum of those of each: its samples do not meet."""
    first = batches[0]
    other = next((b for b in batches[1:] if _fits(b, first, samples_in(first)) and b is not first), None)
    if other is None:
        return False
    both = repeated([first, other], len(first.tensors[0]) + len(other.tensors[0]))
    got = [call(loss, b.tensors) for b in (first, other, both) if b]
    values = [g.value for g in got if isinstance(g, Answered)]
    if len(values) < 3 or values[0].dim():
        return len(values) == 3
    n, m = len(first.tensors[0]), len(other.tensors[0])
    one, two, together = values
    return close(together, one + two, 1e-6) or close(together, (n * one + m * two) / (n + m), 1e-6)


def affordable(
    losses: Sequence[Callable], wrt: Sequence[int], batch_of: Callable[[int], Batch | None], rows: int
) -> int:
    """How many samples, up to so many, the losses can be given; 0 for a batch without samples.

    They get 8, 32, 128 … of them, and what they take for more is told from the last two.
    """
    size, before = 8, [0] * len(losses)
    while size < rows:
        batch = batch_of(size)
        if batch is None:
            return 0
        for k, loss in enumerate(losses):
            numbers, seconds = _cost(loss, batch, wrt)
            power = max(math.log(numbers / before[k], STEP), 1.0) if before[k] else 1.0
            before[k] = numbers
            room = ((NUMBERS if power < 1.3 else TABLE) / numbers) ** (1 / power)
            within = min(room, SECONDS / max(seconds, 1e-6))
            if within < min(STEP, rows / size):
                return int(size * within)
        size *= STEP
    return rows


def _cost(loss: Callable, batch: Batch, wrt: Sequence[int]) -> tuple[int, float]:
    """The numbers of the largest tensor in a loss, and the seconds of its call."""
    start = time.process_time()
    with _Largest() as largest:
        call(loss, batch.tensors, wrt)
    return max(largest.numbers, *(t.numel() for t in batch.tensors)), time.process_time() - start


class _Largest(TorchFunctionMode):
    """Notes how many numbers the largest result holds."""

    numbers = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.numbers = max(self.numbers, result.numel())
        return result


def sizes(loss: Any, batch: Batch) -> list[int]:
    """The numbers of samples to try, in order: usual ones, and those around each number in the code of the loss."""
    blocks = sorted({n for n in _numbers(loss) if n in BLOCKS})[:MOST_BLOCKS]
    width = max((batch.tensors[i][0].numel() for i in samples_in(batch)), default=1)
    every = sorted({*USUAL, *(n + d for n in blocks for d in (-1, 0, 1))})
    return [n for n in every if n * n * width <= PAIRS]


def _numbers(loss: Any) -> Iterator[int]:
    """The whole numbers in the code of a loss, in its defaults, and in what it refers to."""
    if isinstance(loss, nn.Module):
        functions = [f for f in vars(type(loss)).values() if inspect.isfunction(f)]
        named = [*vars(loss).values(), *vars(type(loss)).values()]
    else:
        function = inspect.unwrap(getattr(loss, "func", loss))
        functions = [f for f in (getattr(function, "__func__", function),) if inspect.isfunction(f)]
        named = [*getattr(loss, "keywords", {}).values()]
    for function in functions:
        outside = [function.__globals__.get(name) for name in function.__code__.co_names]
        helpers = [f for f in outside if inspect.isfunction(f) and f.__module__ == function.__module__]
        for code in (f.__code__ for f in (function, *helpers)):
            yield from _numbers_in(code)
        with contextlib.suppress(ValueError):  # what is not there yet
            named += [cell.cell_contents for cell in function.__closure__ or ()]
        named += [*outside, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    yield from (v for v in named if type(v) is int)


def _numbers_in(code: CodeType) -> Iterator[int]:
    for constant in code.co_consts:
        if type(constant) is int:
            yield constant
        elif isinstance(constant, CodeType):
            yield from _numbers_in(constant)
