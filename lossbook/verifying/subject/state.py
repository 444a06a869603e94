"""Leaves the program as it was: a loss under test may do anything to it."""

from __future__ import annotations

import contextlib
import contextvars
import io
import math
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from types import FrameType

import torch

CALL_LIMIT = 3.0  #: seconds that one call of the loss may take
# Compilers may take longer, and so may an import, of which half would stay behind: torch loads much on first use.
PATIENT = ("torch/_dynamo/", "torch/_inductor/", "torch/jit/", "<frozen importlib._bootstrap>")


TIME = 3.5  #: seconds of computing that all calls together may take, and
WALL = 30.0  #: seconds that may pass meanwhile: a loss may wait instead of computing, and a machine may be busy
SHARE = 0.6  #: of the time that is left, for one that may take it all


class TimeIsUp(BaseException):
    """Raised instead of another call, when the loss has had its time; not an Exception, as the one below."""


class TakesTooLong(BaseException):
    """Raised inside a loss that does not come back; not an Exception, so that the loss cannot swallow it."""


@contextlib.contextmanager
def preserved() -> Iterator[None]:
    """Restore global state at the end: random numbers, dtype, gradients, threads, warnings."""
    numpy = sys.modules.get("numpy")
    before = (
        torch.get_rng_state(),
        random.getstate(),
        numpy.random.get_state() if numpy else None,
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_anomaly_enabled(),
    )
    mode = torch.is_grad_enabled()
    compiled = "torch._dynamo" in sys.modules
    eager = torch.compiler.set_stance("force_eager") if compiled else contextlib.nullcontext()
    try:
        with warnings.catch_warnings(), torch.inference_mode(False), torch.enable_grad(), eager:
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            torch.set_num_threads(1)  # on tensors this small, threads only wait for each other
            yield
    finally:
        rng, python, arrays, dtype, threads, deterministic, anomaly = before
        torch.set_rng_state(rng)
        random.setstate(python)
        if numpy:
            numpy.random.set_state(arrays)
        torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if torch.are_deterministic_algorithms_enabled() != deterministic:
            torch.use_deterministic_algorithms(deterministic)  # imports torch's compiler: seconds
        torch.autograd.set_detect_anomaly(anomaly)
        torch.set_grad_enabled(mode)


_ends: contextvars.ContextVar[tuple[float, float]] = contextvars.ContextVar("ends", default=(math.inf, math.inf))


@contextlib.contextmanager
def timed() -> Iterator[None]:
    """Meanwhile all calls of losses together have their time, and no more."""
    token = _ends.set((time.process_time() + TIME, time.monotonic() + WALL))
    try:
        yield
    finally:
        _ends.reset(token)


def check_time() -> None:
    """Raise where no time is left."""
    computed, passed = _ends.get()
    if time.process_time() > computed or time.monotonic() > passed:
        raise TimeIsUp


@contextlib.contextmanager
def part_of_time() -> Iterator[None]:
    """Meanwhile only a part of the time that is left: what is then not done is left undone, and others still have theirs."""
    computed, passed = _ends.get()
    now = time.process_time()
    token = _ends.set((now + SHARE * (computed - now), passed))
    try:
        yield
    except TimeIsUp:
        if time.process_time() > computed or time.monotonic() > passed:
            raise
    finally:
        _ends.reset(token)


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """Holds back what is printed meanwhile."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield printed


@contextlib.contextmanager
def unswitched() -> Iterator[list[str]]:
    """Sets back the gradient mode and the default dtype; afterwards the list names those that were changed."""
    mode, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    changed: list[str] = []
    try:
        yield changed
    finally:
        if torch.is_grad_enabled() != mode:
            changed.append("torch.set_grad_enabled")
            torch.set_grad_enabled(mode)
        if torch.get_default_dtype() != dtype:
            changed.append("torch.set_default_dtype")
            torch.set_default_dtype(dtype)


@contextlib.contextmanager
def limited(seconds: float = CALL_LIMIT) -> Iterator[None]:
    """Ends what takes longer. Only the main thread can be interrupted from outside; others are left to run."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_signal: int, frame: FrameType | None) -> None:
        while frame:
            if any(part in frame.f_code.co_filename for part in PATIENT):
                signal.setitimer(signal.ITIMER_REAL, seconds)
                return
            frame = frame.f_back
        raise TakesTooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
