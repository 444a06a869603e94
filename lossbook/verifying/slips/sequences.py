"""Slips in CTC: in its sum over all alignments, and in its mean, which is one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Slip, slips_of


@slips_of("ctc")
def ctc(reference: Reference, settings: Settings) -> Iterator[Slip]:
    each = reference.bound({**settings, "reduction": "none"})[0]
    if settings["reduction"] == "mean":
        says = _("the mean does not divide each loss by the length of its target first")
        yield Slip(says, lambda *t: each(*t).mean(), operations=("mean",))
    for says, other in _others(_Rules(settings["blank"])):
        yield Slip(says, partial(_ctc, other, settings))


@dataclass(frozen=True)
class _Rules:
    """Which alignments there are, and how they are added up."""

    blank: int
    over: bool = True  #: whether a blank may be stepped over
    over_equal: bool = False
    first: int = 2  #: so many states are a beginning, from the blank before the first label on
    ends: tuple[int, ...] = (-2, -1)  #: the states that are an end: the last label, and the blank after it
    plus: Callable[[Tensor, Tensor], Tensor] = torch.logaddexp
    all_steps: bool = False


def _others(rules: _Rules) -> Iterator[tuple[str, _Rules]]:
    """Rules that people follow instead."""
    yield _("the step over a blank is allowed between two equal labels too"), replace(rules, over_equal=True)
    yield _("the step from one label to the next, over the blank between, is missing"), replace(rules, over=False)
    says = _("alignments that end in the last label are left out: only those with a blank after it count")
    yield says, replace(rules, ends=(-1,))
    says = _("alignments that end in a blank are left out: only those that end in the last label count")
    yield says, replace(rules, ends=(-2,))
    says = _("alignments that begin with the first label are left out: only those with a blank before it count")
    yield says, replace(rules, first=1)
    yield _("only the likeliest alignment counts, where all belong into the sum"), replace(rules, plus=torch.maximum)
    yield _("input_lengths is not used: all steps count"), replace(rules, all_steps=True)


def _ctc(
    rules: _Rules,
    settings: Settings,
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
) -> Tensor:
    one = log_probs.dim() == 2
    scores = log_probs.unsqueeze(1) if one else log_probs
    sizes, steps = torch.as_tensor(target_lengths).reshape(-1).tolist(), torch.as_tensor(input_lengths).reshape(-1)
    rows = targets if targets.dim() == 2 else targets.split(sizes)
    losses = torch.stack(
        [
            _alignments(rules, scores[: None if rules.all_steps else int(n), i], row[:size])
            for i, (row, size, n) in enumerate(zip(rows, sizes, steps, strict=True))
        ]
    )
    if settings["zero_infinity"]:
        losses = torch.where(losses.isinf(), torch.zeros_like(losses), losses)
    if settings["reduction"] == "mean":
        return (losses / torch.tensor(sizes).clamp(min=1)).mean()
    return losses.sum() if settings["reduction"] == "sum" else losses[0] if one else losses


def _alignments(rules: _Rules, scores: Tensor, labels: Tensor) -> Tensor:
    """Minus the logarithm of the sum over the alignments of one sample."""
    states = torch.full((2 * len(labels) + 1,), rules.blank)
    states[1::2] = labels
    over = (states[2:] != rules.blank) & rules.over
    if not rules.over_equal:
        over = over & (states[2:] != states[:-2])
    never = scores.new_full((2,), -torch.inf)
    alpha = torch.where(torch.arange(len(states)) < rules.first, scores[0, states], never[0])
    for step in scores[1:]:
        stays_or_moves = rules.plus(alpha, torch.cat([never[:1], alpha[:-1]]))
        jumps = torch.cat([never[: len(states)], torch.where(over, alpha[:-2], never[0])])
        alpha = rules.plus(stays_or_moves, jumps) + step[states]
    ends = alpha[list(rules.ends)] if len(states) > 1 else alpha
    return -(ends.logsumexp(0) if rules.plus is torch.logaddexp else ends.max())
