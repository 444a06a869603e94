"""Looks at the calls of one loss, and lets them be what they were: the same numbers, the same random state."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from ..guards.tensors import can_be_read
from .finding import Finding, MisusedLossError
from .inner import InnerLosses
from .observation import Call, name_of, observe
from .report import Report
from .rules import CALL_RULES, TRAINING_RULES
from .seen import Seen, pushes_away, some
from .training import Training

log = logging.getLogger("lossbook.watch")

FIRST = 16  #: so many calls are looked at, with what comes back from them
EVERY = 8192  #: after those every so many-th, alone; and before it each power of 2
LATE = 1024  #: from this call on, what has had no gradient is not waiting for one


class Watcher:
    """Looks at calls of a loss and collects what is wrong."""

    def __init__(
        self, loss: Callable, strict: bool = False, report: Report | None = None, *, logs: bool = True
    ) -> None:
        self.loss = loss
        self.strict = strict
        self.logs = logs  #: not where the report is returned at once, as by `examine`
        self.calls = 0  #: up to the last one that was looked at
        self.rest = 0  #: so many more calls are let through
        self._rested = 0  #: how many that were when the rest began
        self.training = Training()
        self.report = Report(name_of(loss)) if report is None else report  # which is false where something was found
        self.report.looks.append(_refreshing(weakref.ref(self)))
        self._hook: Any = None

    def call(self, run: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the loss, and look at it if it is time to."""
        if torch.compiler.is_compiling():
            self.report.compiled = True
            return run(*args, **kwargs)
        self.calls += 1 + self._rested
        self._rest_until(self.calls + 1 if self.calls <= FIRST else min(2 * self.calls, self.calls + EVERY))
        if self.calls == FIRST + 1:
            self._leave()
            self._rest_until(2 * FIRST)
            return run(*args, **kwargs)
        if self._steps_aside(args, kwargs):
            self.report.recorded = True
            return run(*args, **kwargs)
        if self.calls > FIRST:
            _quietly(self.training.let_go)
        if self.calls <= FIRST or self.calls == LATE:  # later calls are looked at alone
            self._raise_if_strict(_quietly(lambda: self._look_at_training(over=False)) or [])
        call = _quietly(
            lambda: observe(
                self.loss,
                args,
                kwargs,
                grad_enabled=torch.is_grad_enabled(),
                index=len(self.training.calls) + 1,
                training=self.training.number,
            )
        )
        if call is None:
            return run(*args, **kwargs)
        result, found = self._run(call, run, args, kwargs)
        if self.calls <= FIRST:
            place = caller()
            _quietly(lambda: self._follow(call, place))
        elif not self.training.backwards and isinstance(call.result, Tensor) and call.result.grad_fn is not None:
            call.result.register_hook(_arriving_late(self.training))
        self._raise_if_strict(found)
        return result

    def _rest_until(self, call: int) -> None:
        """Have the calls before this one let through. Who calls counts them down: that costs least."""
        self.rest = self._rested = call - self.calls - 1

    def look_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at one call that is no part of a training. Its errors are findings."""
        call = observe(self.loss, args, kwargs, grad_enabled=torch.is_grad_enabled())
        with contextlib.suppress(Exception):
            self._run(call, self.loss, args, kwargs)

    def _run(
        self, call: Call, run: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, list[Finding]]:
        """The result of the loss, and what is new about this call."""
        inner = InnerLosses()
        try:
            if call.entry is None:
                with inner:
                    result = run(*args, **kwargs)
            else:
                result = run(*args, **kwargs)
        except Exception as error:
            call.error = error
            _quietly(lambda: self._look_at_call(call, inner))
            raise
        call.result = getattr(result, "loss", result) if isinstance(result, tuple) else result
        return result, _quietly(lambda: self._look_at_call(call, inner)) or []

    def _steps_aside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether nothing can be seen in this call: its tensors hold no numbers, or a graph is recorded."""
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        recording = torch.jit.is_tracing() or (
            any(t.is_cuda for t in tensors) and torch.cuda.is_current_stream_capturing()
        )
        return recording or functorch.peek_interpreter_stack() is not None or not all(map(can_be_read, tensors))

    # Rules of a call

    def _look_at_call(self, call: Call, inner: InnerLosses) -> list[Finding]:
        """Look at a call, and at the losses of torch that were called inside of an own one."""
        call.met, call.weighed, call.used = inner.met, inner.weighed, inner.used
        state = {"grad_enabled": call.grad_enabled, "index": call.index}
        inside = [observe(loss, args, kwargs, result=result, **state) for loss, args, kwargs, result in inner.calls]
        new: list[Finding] = []
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            for one in (call, *inside):
                self.training.count(one)
                for rule in CALL_RULES:
                    told = rule.see(one)
                    if told is not None:
                        new += self._tell(rule.finding(told, self.calls))
        return new

    def _tell(self, finding: Finding) -> list[Finding]:
        if not self.report.add(finding):
            return []
        if self.logs:
            log.warning("%s", finding)
        return [finding]

    def _raise_if_strict(self, found: list[Finding]) -> None:
        certain = [finding for finding in found if finding.certain]
        if self.strict and certain:
            raise MisusedLossError(certain[0])

    # Rules of the training

    def _follow(self, call: Call, place: Any) -> None:
        """Enter the call, and have the gradients that come back reported."""
        if self._hook is None:
            self._hook = register_optimizer_step_pre_hook(_reporting(weakref.ref(self)))
            weakref.finalize(self, self._hook.remove)
        with torch.no_grad():
            seen = self.training.called(call, place)
        result, leaves = call.result, [id(leaf) for leaf in call.ancestry.leaves]
        if isinstance(result, Tensor) and result.grad_fn is not None:
            result.register_hook(_arriving(self.training, seen, leaves))
        for tensor in call.learning:
            if tensor.grad_fn is not None:
                tensor.register_hook(_coming_back(seen))
        if call.labeled is not None and call.prediction.grad_fn is not None:
            call.prediction.register_hook(_pushing(seen, some(call.labeled)))

    def _look_at_training(self, over: bool) -> list[Finding]:
        self.training.over, self.training.late = over, over or self.calls >= LATE
        new: list[Finding] = []
        with torch.no_grad():
            if over:
                self.training.refresh()
            for rule in TRAINING_RULES:
                told = rule.see(self.training)
                if told is not None:
                    new += self._tell(rule.finding(told, self.calls))
        return new

    def _leave(self) -> None:
        """Stop following steps: the first calls are over."""
        _quietly(lambda: self._look_at_training(over=False))
        if self._hook is not None:
            self._hook.remove()


def _refreshing(watcher: weakref.ref[Watcher]) -> Callable[[], None]:
    def refresh() -> None:
        if (mine := watcher()) is not None:
            _quietly(lambda: mine._look_at_training(over=True))

    return refresh


def _reporting(watcher: weakref.ref[Watcher]) -> Callable:
    def step(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if (mine := watcher()) is not None:
            closure = kwargs.get("closure", args[1] if len(args) > 1 else None)  # args[0] is the optimizer
            _quietly(lambda: mine.training.stepped(optimizer, closure))

    return step


def _arriving(training: Training, seen: Seen, leaves: list[int]) -> Callable[[Tensor], None]:
    def arrive(gradient: Tensor) -> None:
        with torch.no_grad():
            _quietly(lambda: training.backward(seen, gradient, leaves))

    return arrive


def _arriving_late(training: Training) -> Callable[[Tensor], None]:
    def arrive(gradient: Tensor) -> None:
        training.arrived_late = True

    return arrive


def _coming_back(seen: Seen) -> Callable[[Tensor], None]:
    def come_back(gradient: Tensor) -> None:
        seen.back.append(_quietly(lambda: gradient.detach().float().norm().item()) or 0.0)

    return come_back


def _pushing(seen: Seen, yes: Tensor) -> Callable[[Tensor], None]:
    def push(gradient: Tensor) -> None:
        with torch.no_grad():
            seen.away.append(bool(_quietly(lambda: pushes_away(some(gradient), yes))))

    return push


def _quietly(look: Callable[[], Any]) -> Any:
    """Look; a fault of the looking must not become one of the training."""
    try:
        return look()
    except Exception:
        log.debug("watch could not look", exc_info=True)
        return None


def caller() -> tuple[str, int]:
    """The file and line that called the loss."""
    frame = sys._getframe(1)
    while _between(frame.f_code.co_filename) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


@functools.cache
def _between(file: str) -> bool:
    """Whether a file stands between a loss and who calls it: torch's modules, and this package."""
    file = file.replace("\\", "/")
    return "lossbook/watching" in file or "/torch/" in file
