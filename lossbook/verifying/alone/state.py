"""Checks of what a loss leaves behind: the gradient mode, its own parameters, a memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from ...language import gettext as _
from ...report import Finding
from ..checks.check import Result, check, failed, passed
from ..examination import Examination, NotApplicable
from ..subject.outcome import Answered, call
from .subject import answered, differs, first_answered, is_steady, told, value_of


@check(lambda: _("the same result each time"), name="repeatable")
def repeatable(examination: Examination) -> Result:
    batch, _got = first_answered(examination)
    if is_steady(examination):
        return passed()
    torch.manual_seed(1)
    one = value_of(examination, batch.tensors)
    torch.manual_seed(1)
    two = value_of(examination, batch.tensors)
    if one is not None and not differs(one, two, 0):
        return told(
            _("The same input gives another result each time: it draws random numbers. With seed=0 it can be checked.")
        )
    return told(
        _("The same input gives another result each time: it remembers something. With fresh=True it can be checked.")
    )


@check(lambda: _("gradient mode as it was"), name="gradient mode")
def gradient_mode(examination: Examination) -> Result:
    batch, _got = first_answered(examination)
    for mode in (True, False):
        with torch.set_grad_enabled(mode):
            call(examination.loss, batch.tensors)
            after = torch.is_grad_enabled()
        if after is not mode:
            says = _(
                "After a call gradients are switched {state}, whatever they were before: use torch.no_grad() in a with statement."
            )
            return failed(Finding(says.format(state=_("on") if after else _("off"))))
    return passed()


@check(lambda: _("its own parameters"), name="parameters")
def own_parameters(examination: Examination) -> Result:
    module = examination.candidate.module
    own = {} if module is None else {n: p for n, p in module.named_parameters() if p.requires_grad}
    if not own or module is None or examination.candidate.adapter.fresh:
        raise NotApplicable(_("it has none"))
    every = answered(examination)
    if not every:
        raise NotApplicable(_("no batch on which it runs"))
    reached: set[str] = set()
    for batch, _got in every:
        reached |= _reached(examination, own, batch.tensors)
    replaced = [n for n, p in own.items() if dict(module.named_parameters()).get(n) is not p]
    if replaced:
        says = _("A call replaces the parameter {names} by a new one: the optimizer goes on with the old one.")
        return failed(Finding(says.format(names=", ".join(replaced))))
    idle = [n for n in own if n not in reached]
    used = [n for n in idle if _has_effect(examination, own[n])]
    if used:
        says = _("The parameter {names} changes the loss and gets no gradient, so it is never learned.")
        return failed(Finding(says.format(names=", ".join(used))))
    if idle:
        return told(_("The parameter {names} gets no gradient in any batch.").format(names=", ".join(idle)))
    return passed()


def _reached(examination: Examination, own: dict[str, Parameter], tensors: Sequence[Tensor]) -> set[str]:
    """The parameters that a gradient of the loss reaches."""
    result = call(examination.loss, tensors)
    if not isinstance(result, Answered) or not result.carries_gradient:
        return set()
    gradients = torch.autograd.grad(result.result.sum(), list(own.values()), allow_unused=True)
    return {name for name, g in zip(own, gradients, strict=True) if g is not None and bool((g != 0).any())}


def _has_effect(examination: Examination, parameter: Tensor) -> bool:
    before = parameter.detach().clone()
    batch, got = first_answered(examination)
    try:
        with torch.no_grad():
            parameter.mul_(1.25).add_(0.1)
        return differs(got.value, value_of(examination, batch.tensors))
    finally:
        with torch.no_grad():
            parameter.copy_(before)
