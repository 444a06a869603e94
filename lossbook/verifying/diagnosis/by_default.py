"""Finds a default of the loss that makes it wrong: a margin, a threshold or a dimension of another size."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from ...kit.batches.batch import Batch, Settings
from ...language import gettext as _
from ..compare import Sample, close
from ..examination import Examination
from ..repairs import Knob, others, solved
from ..subject.outcome import Answered, call
from .diagnosis import Diagnosis

BELIEVED = 3  #: so many batches must it be right on
NEAR = 1e-9


def by_default(examination: Examination, samples: Sequence[Sample], settings: Settings) -> Diagnosis | None:
    """The one of its own settings, with the value with which the loss is right on every batch."""
    if len(samples) < BELIEVED:
        return None
    for name, now in named_numbers(examination).items():
        if name in settings or name not in examination.candidate.accepts:
            continue
        value = _value_of(examination, samples, settings, name, now)
        if value is not None:
            says = (
                _("the sign of what {name} weighs is turned round: right with {name} = {value:g}, not {now:g}")
                if value == -now
                else _("a number is wrong: right with {name} = {value:g}, not {now:g}")
            )
            return Diagnosis(says.format(name=name, value=value, now=now))
    return None


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
    def off(sample: Sample, value: float) -> float:
        got, want = _run(examination, {**settings, name: value}, sample.batch), sample.best.value
        return math.nan if got is None or got.numel() != want.numel() else (got.reshape(want.shape) - want).sum().item()

    def fits(value: float) -> bool:
        return all(_is_right(examination, {**settings, name: value}, sample) for sample in samples)

    scale = NEAR * max(1.0, samples[0].best.value.abs().sum().item())
    values: list[float | None] = list(others(Knob("", float(now), lambda v: lambda c: v)))
    if type(now) is int:  # such as a dimension, which has no other place between
        values = [int(v) for v in values if v is not None and v == int(v)]
    else:
        values.append(solved(partial(off, samples[0]), float(now), scale))
    return next((v for v in values if v is not None and v != now and fits(v)), None)


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
