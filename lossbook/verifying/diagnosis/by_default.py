"""Finds a default of the loss that makes it wrong: a margin, a threshold or a dimension of another size."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from ...kit.batches.batch import Batch, Settings
from ...language import gettext as _
from ..compare import Sample, close
from ..examination import Examination
from ..repairs import DIGITS, Knob, is_simple, others, solved
from ..subject.outcome import Answered, call
from .by_argument import argument_names
from .diagnosis import Diagnosis

BELIEVED = 3  #: so many batches must it be right on
NEAR = 1e-9
LOOKED_AT = 12  #: batches of other sizes, in each of which a number is computed


def by_default(examination: Examination, samples: Sequence[Sample], settings: Settings) -> Diagnosis | None:
    """The one of its own settings, with the value with which the loss is right on every batch."""
    if len(samples) < BELIEVED or all(_is_right(examination, settings, sample) for sample in samples):
        return None  # so near, any other value of a small number would do
    for name, now in named_numbers(examination).items():
        if name in settings or name not in examination.candidate.accepts:
            continue
        value = _value_of(examination, samples, settings, name, now)
        if value is not None and (is_simple(value, DIGITS) or is_simple(value / now if now else value, DIGITS)):
            return Diagnosis(_said(value, now).format(name=name, value=value, now=now))
    return None


def _said(value: float, now: float) -> str:
    """What a number is of the one that stands there."""
    if value == -now:
        return _("the sign of what {name} weighs is turned round: right with {name} = {value:g}, not {now:g}")
    if math.isclose(value, 1 - now) and 0 < now < 1 and now != 0.5:
        return _("{name} and 1 − {name} are exchanged: right with {name} = {value:g}, not {now:g}")
    if math.isclose(value * now, 1) and now != 1:
        return _(
            "{name} multiplies where it should divide, or the other way round: right with {name} = {value:g}, not {now:g}"
        )
    return _("a number is wrong: right with {name} = {value:g}, not {now:g}")


def by_count(examination: Examination, samples: Sequence[Sample], settings: Settings) -> Diagnosis | None:
    """The one of its own settings that should follow a count, with what is right in every batch."""
    for name, now in named_numbers(examination).items():
        if name in settings or name not in examination.candidate.accepts or type(now) is not float or not now:
            continue
        text = _as_count(examination, samples, settings, name, now)
        if text is not None:
            says = _("a number does not follow a count: right with {name} = {text}, not {now:g}")
            return Diagnosis(says.format(name=name, text=text, now=now))
    return None


def _as_count(
    examination: Examination, samples: Sequence[Sample], settings: Settings, name: str, now: float
) -> str | None:
    """What is right in each batch, where it is another number in each: what stands there times a ratio of counts."""
    loss, names = partial(_run, examination), argument_names(examination, len(samples[0].batch.tensors))
    found: list[tuple[float, dict[str, int]]] = []
    sizes = {tuple(t.shape for t in sample.batch.tensors): sample for sample in reversed(samples)}
    for sample in [*sizes.values()][:LOOKED_AT]:
        value = solved(partial(_off, loss, settings, name, sample), now, _near(sample))
        if value is None:
            return None
        found.append((value / now, _counts(sample, names)))
    if len({round(ratio, 9) for ratio, _sizes in found}) < 2:
        return None
    for above, below in itertools.permutations(found[0][1], 2):
        if all(
            above in sizes and below in sizes and math.isclose(ratio, sizes[above] / sizes[below], rel_tol=1e-5)
            for ratio, sizes in found
        ):
            return f"{now:g} * {above} / {below}".replace("* 1 / ", "/ ").removesuffix(" / 1")
    return None


def _counts(sample: Sample, names: Sequence[str]) -> dict[str, int]:
    """The sizes of the arguments, one less and one more, with how they are written."""
    found = {"1": 1}
    for i, t in enumerate(sample.batch.tensors):
        for d, size in enumerate(t.shape):
            text = f"{names[i] if i < len(names) else f't{i + 1}'}.shape[{d}]"
            found |= {text: size, f"({text} - 1)": size - 1, f"({text} + 1)": size + 1}
    return {text: number for text, number in found.items() if number > 0}


def named_numbers(examination: Examination) -> dict[str, float]:
    """The numbers that the loss has names for: its defaults, and what a module keeps."""
    return numbers_of(examination.candidate.original)


def numbers_of(loss: Any) -> dict[str, float]:
    try:
        parameters = inspect.signature(loss).parameters.items()
    except (TypeError, ValueError):
        parameters = {}.items()
    kept = vars(loss) if isinstance(loss, torch.nn.Module) else {name: p.default for name, p in parameters}
    return {name: value for name, value in kept.items() if type(value) in (int, float)}


def _value_of(
    examination: Examination, samples: Sequence[Sample], settings: Settings, name: str, now: float
) -> float | None:
    def fits(value: float) -> bool:
        return all(_is_right(examination, {**settings, name: value}, sample) for sample in samples)

    values: list[float | None] = list(others(Knob("", float(now), lambda v: lambda c: v)))
    if type(now) is int:  # such as a dimension, which has no other place between
        values = [int(v) for v in values if v is not None and v == int(v)]
    else:
        off = partial(_off, partial(_run, examination), settings, name, samples[0])
        values.append(solved(off, float(now), _near(samples[0])))
    return next((v for v in values if v is not None and v != now and fits(v)), None)


def _off(loss: Callable, settings: Settings, name: str, sample: Sample, value: float) -> float:
    """How far a batch is from right with another number."""
    got, want = loss({**settings, name: value}, sample.batch), sample.best.value
    return math.nan if got is None or got.numel() != want.numel() else (got.reshape(want.shape) - want).sum().item()


def _near(sample: Sample) -> float:
    return NEAR * max(1.0, sample.best.value.abs().sum().item())


def _run(examination: Examination, settings: Settings, batch: Batch) -> torch.Tensor | None:
    def loss(*tensors: torch.Tensor) -> torch.Tensor:
        changed: Callable = examination.reference.kind.around(examination.candidate.with_settings(settings))
        return changed(*tensors)

    got = call(loss, batch.tensors)
    return got.value if isinstance(got, Answered) else None


def _is_right(examination: Examination, settings: Settings, sample: Sample) -> bool:
    got, want = _run(examination, settings, sample.batch), sample.best.value
    return (
        got is not None
        and got.numel() == want.numel()
        and close(got.reshape(want.shape), want, 10 * examination.tolerance)
    )
