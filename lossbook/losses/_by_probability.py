"""Shared by losses of the probability of the true class: their steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from ..guards.classes import class_dim
from ..kit.class_steps import steps_of_softmax
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, number
from ..language import gettext as _
from ..softmax import log_softmax
from .nll import pick


def steps_of_probability(loss: Callable[..., Tensor], term: Callable[..., str]) -> Callable[..., Iterator[Step]]:
    """The softmax, a line for each sample, and the reduction. ``term`` takes the probability and all settings by name."""

    def steps(input: Tensor, target: Tensor, ignore_index: int, reduction: str, **settings: Any) -> Iterator[Step]:
        yield from steps_of_softmax(input)
        losses = loss(input, target, ignore_index=ignore_index, reduction="none", **settings).detach()
        dim = class_dim(input)
        nll, share = pick(log_softmax(input.detach(), dim), target, dim, None, ignore_index)
        each, pairs = losses.flatten(), zip(nll.flatten().tolist(), share.flatten().tolist(), strict=True)
        terms = [term(math.exp(-value), **settings) if kept else "0" for value, kept in pairs]
        lines = [equals(text, value) for text, value in zip(terms, each, strict=True)]
        yield Step(_("Loss of each sample"), tuple(elided(lines)), losses)
        if losses.dim():
            weighted = None if bool((share == 1).all()) else share.flatten()
            yield from reduction_steps(each, weighted, reduction, [number(value) for value in each])

    return steps
