"""The memory that a piece of work needs, counted rather than timed: the same number on every machine."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch


def peak_memory(work: Callable[[], object]) -> int:
    """The most bytes that tensors on the CPU held at once while `work` ran, on top of those that were there before.

    torch's profiler notes each allocation with its size, and each release with minus its size.

    >>> peak_memory(lambda: torch.empty(1000, dtype=torch.float64) + torch.empty(1000, dtype=torch.float64))
    24000
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else the profiler writes its starts and stops to the screen
    with torch.autograd.profiler.profile(profile_memory=True) as profiler:
        work()
    held = peak = 0
    for event in sorted(profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak
