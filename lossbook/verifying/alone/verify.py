"""Look at a loss that has no right one beside it."""

from __future__ import annotations

from dataclasses import replace

from ...language import gettext as _
from ...report import SKIPPED, WARNED, CheckResult
from ..checks import compiled
from ..checks.behavior import inputs, second_backward, strides, switches, upstream
from ..checks.check import Check
from ..checks.modules import device, module
from ..checks.parameters import parameters
from ..checks.precision import dtype
from ..examination import Examination
from ..subject.candidate import Candidate, in_double
from ..subject.given import Given
from ..subject.reference import Reference, of_a_person
from .effects import each_argument, each_setting, negative, toward, unused
from .lines import broadcast
from .numbers import answers, edges, finite, float32, half, reaches, shape, slopes
from .repeatable import repeatable
from .samples import ignored, mask, mirrored, order, reduction
from .subject import arguments_of

#: Those of `verify` with a right loss that look at one loss only are the same here.
CHECKS: tuple[Check, ...] = (
    answers,
    shape,
    finite,
    reaches,
    slopes,
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
    return replace(reference, name="", kind=replace(reference.kind, wrt=predictions))


#: Those that hold one call against another: of a loss that gives another result each time they know nothing.
COMPARING = (slopes, upstream, second_backward, strides, module)


def looked_at(examination: Examination, compile: bool) -> tuple[CheckResult, ...]:
    """The results of all checks; of the first alone, where the loss does not answer."""
    first = answers(examination)
    if not examination.runs:
        return first, module(examination)
    checks = (*CHECKS[1:], compiled) if compile else CHECKS[1:]
    done = {repeatable: repeatable(examination)}
    if done[repeatable].state == WARNED:
        why = _("the same input gives another result each time")
        done |= {check: CheckResult(check.name, check.title(), SKIPPED, why) for check in (*COMPARING, compiled)}
    return first, *(done.get(check) or check(examination) for check in checks)
