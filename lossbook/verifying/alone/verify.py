"""Look at a loss that has no right one beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ...kit.batches.batch import Batch, Settings
from ...language import gettext as _
from ...report import FAILED, SKIPPED, WARNED, CheckResult
from ..checks import compiled
from ..checks.behavior import inputs, second_backward, strides, switches, upstream
from ..checks.check import Check
from ..checks.modules import device, module
from ..checks.parameters import parameters
from ..checks.precision import dtype
from ..examination import Examination
from ..subject.arguments import arguments_of
from ..subject.candidate import Candidate, in_double
from ..subject.given import Given
from ..subject.reference import Reference, of_a_person
from .effects import each_argument, each_setting, negative, toward, unused
from .lines import broadcast, warnings_of_torch
from .numbers import answers, edges, finite, float32, half, reaches, shape, slopes
from .repeatable import repeatable
from .samples import ignored, mask, mirrored, order, reduction

#: Those of `verify` with a right loss that look at one loss only are the same here.
CHECKS: tuple[Check, ...] = (
    answers,
    shape,
    finite,
    reaches,
    edges,
    order,
    reduction,
    mask,
    ignored,
    mirrored,
    each_argument,
    unused,
    each_setting,
    toward,
    negative,
    broadcast,
    warnings_of_torch,
    slopes,
    upstream,
    second_backward,
    repeatable,
    inputs,
    switches,
    strides,
    float32,
    half,
    dtype,
    device,
    parameters,
    module,
)


def itself(candidate: Candidate, given: Given | None) -> Reference:
    """The loss as its own reference: what the checks of one loss compare it with."""
    assert given is not None  # without a right loss `verify` asks for inputs
    original = candidate.original
    loss = candidate.around(in_double(original) if candidate.module is not None else original)
    reference = of_a_person(loss, given, {})
    targets = {a.index for a in arguments_of(candidate, given.layout) if a.is_target}
    predictions = tuple(i for i in reference.kind.wrt if i not in targets)
    if not predictions:  # the target comes first
        reached = [i for i, reached in enumerate(given.layout.differentiable()) if reached and i not in targets]
        predictions = tuple(reached[:1])

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        yield from given.variations(settings, g)
        yield from _rows_that_break(given.batches[0], predictions[:1])

    kind = replace(reference.kind, batches=batches, wrt=predictions)
    return replace(reference, name="", kind=kind, module=None)  # its parameters are held against no others


def _rows_that_break(first: tuple[Tensor, ...], predictions: Sequence[int]) -> Iterator[Batch]:
    """The first batch with a row of zeros, and with two equal rows: where a norm, and a distance, has no slope."""
    for i in predictions:
        rows = first[i]
        if rows.dim() != 2 or len(rows) < 3 or not rows.is_floating_point() or not bool((rows < 0).any()):
            continue
        for name, row in ((_("a row of zeros"), torch.zeros_like(rows[0])), (_("two equal rows"), rows[0])):
            changed = rows.clone()
            changed[1] = row
            yield Batch((*first[:i], changed, *first[i + 1 :]), _("edges of the inputs"), edge=True, name=name)


#: Those that hold one call against another: of a loss that gives another result each time they know nothing.
COMPARING = (slopes, upstream, second_backward, strides, module)


def looked_at(examination: Examination, compile: bool) -> tuple[CheckResult, ...]:
    """The results of all checks; of the first alone, where the loss does not answer."""
    first = answers(examination)
    if first.state == FAILED:  # there is nothing to look at but what it is made of
        return first, module(examination)
    checks = (*CHECKS[1:], compiled) if compile else CHECKS[1:]
    done = {repeatable: repeatable(examination)}
    if done[repeatable].state == WARNED:
        why = _("the same input gives a different result each time")
        done |= {check: CheckResult(check.name, check.title(), SKIPPED, why) for check in (*COMPARING, compiled)}
    return first, *(done.get(check) or check(examination) for check in checks)
