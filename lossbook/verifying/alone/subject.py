"""What the checks of a loss alone look at: the batches as given, the names of its arguments, and calls of it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...report import WARNED, Finding
from ..checks.check import Result, failed
from ..compare import Trial
from ..examination import Examination, NotApplicable
from ..subject.arguments import Argument, arguments_of
from ..subject.given import Given
from ..subject.outcome import Answered, call

SHOWN = 24  #: how many numbers of a batch are written
MASKS = ("mask", "valid", "keep", "pad", "observed")


def told(says: str, **shown: Any) -> Result:
    """What a person should look at: it may be meant."""
    return Result(WARNED, _("look at this"), _finding(says, **shown))


def certain(says: str, **shown: Any) -> Result:
    """What is wrong, whatever was meant."""
    return failed(_finding(says, **shown))


def _finding(says: str, *, inputs: Sequence[Tensor] = (), **shown: Any) -> Finding:
    few = sum(t.numel() for t in inputs) <= SHOWN
    return replace(Finding(says, inputs=tuple(inputs) if few else ()), **shown)


def given_of(examination: Examination) -> Given:
    """The inputs that a person gave."""
    given = examination.reference.given
    assert given is not None  # without a right loss there are no others
    return given


def arguments(examination: Examination) -> list[Argument]:
    """The tensors of a batch, with the names that the loss has for them."""
    return arguments_of(examination.candidate, given_of(examination).layout)


def reduction_of(examination: Examination) -> str | None:
    """The reduction that the loss says it has: an attribute, or the default of an argument."""
    loss = examination.candidate.original
    if hasattr(loss, "reduction"):
        return str(loss.reduction)
    try:
        parameter = inspect.signature(loss).parameters.get("reduction")
    except (TypeError, ValueError):
        return None
    return parameter.default if parameter is not None and isinstance(parameter.default, str) else None


def as_given(examination: Examination) -> list[Trial]:
    """The batches as the person gave them."""
    return [t for t in examination.trials if t.batch.form == _("inputs") and not t.batch.name]


def answered(examination: Examination) -> list[tuple[Batch, Answered]]:
    """Those of them on which the loss gives finite numbers."""
    return [(t.batch, t.got) for t in as_given(examination) if isinstance(t.got, Answered) and t.got.is_finite]


def first_answered(examination: Examination) -> tuple[Batch, Answered]:
    """The first of these."""
    found = answered(examination)
    if not found:
        raise NotApplicable(_("no batch on which it runs"))
    return found[0]


def broken_gradients(examination: Examination, got: Answered) -> list[Tensor]:
    """The gradients of predictions that are not finite; only that of the first, where the others were guessed."""
    known = got.gradients[:1] if examination.reference.guessed else got.gradients
    return [g for g in known if g is not None and not bool(g.isfinite().all())]


def value_of(examination: Examination, tensors: Sequence[Tensor]) -> Tensor | None:
    """What the loss gives; None where it gives no finite tensor."""
    got = call(examination.loss, tensors)
    return got.value if isinstance(got, Answered) and got.is_finite else None


def is_steady(examination: Examination) -> bool:
    """True if the same input gives the same result."""
    batch, got = first_answered(examination)
    again = value_of(examination, batch.tensors)
    return again is not None and again.shape == got.value.shape and bool((again == got.value).all())


def steady(look: Callable[[Examination], Result]) -> Callable[[Examination], Result]:
    """A check that compares calls on changed batches: of a loss that draws or remembers they say nothing."""

    @functools.wraps(look)
    def checked(examination: Examination) -> Result:
        if examination.reference.draws:
            raise NotApplicable(_("it draws random numbers"))
        if not is_steady(examination):
            raise NotApplicable(_("the same input gives a different result each time"))
        return look(examination)

    return checked


def differs(one: Tensor, other: Tensor | None, tolerance: float = 1e-7) -> bool:
    """True if both are known, and not the same but for rounding."""
    if other is None:
        return False
    if one.shape != other.shape:
        return True
    return bool(((one.double() - other.double()).abs() > tolerance * one.double().abs().clamp(min=1e-3)).any())


def shuffled(tensor: Tensor, seed: int) -> Tensor:
    """The same numbers in other places: still in the domain of the loss."""
    g = torch.Generator().manual_seed(seed)
    return tensor.flatten()[torch.randperm(tensor.numel(), generator=g)].reshape(tensor.shape)
