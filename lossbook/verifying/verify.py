"""Tell a person whether a loss is right, and if not, what is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..language import Phrase, message
from ..language import gettext as _
from ..report import FAILED, CheckResult, Finding, Report
from .alone.verify import itself, looked_at
from .checks import CHECKS, calls, compiled, module
from .examination import Examination
from .subject import outcome
from .subject.adapter import PLAIN, Adapter
from .subject.candidate import Candidate
from .subject.given import Given
from .subject.handed import handed
from .subject.reference import prepared, understand
from .subject.state import preserved, quiet, timed


def verify(
    loss: Any,
    like: Any = None,
    inputs: Any = None,
    *,
    call: Callable | None = None,
    pick: str | int | None = None,
    make: Callable | None = None,
    fresh: bool = False,
    seed: int | None = None,
    exclude: str | Sequence[str] = (),
    compile: bool = False,
    **settings: Any,
) -> Report:
    """Check a loss of your own: against one that is right, or alone, on batches that you give.

    Alone, without ``like``, what is certainly wrong fails: a value or gradient that is not finite, one that reaches
    nothing, an input that is overwritten. What may be meant is told as "look at this", with ``!``: a broadcast, an
    argument without effect, padding that counts in a mean.

    Args:
        loss: your loss: a function, a module or its class.
        like: what it should agree with: a name of the catalogue (``"mse"``), a loss of torch or lossbook, function,
            class or object with settings, or any other function that is right.
        inputs: batches to try, needed where ``like`` is missing or not in the catalogue; else they replace its own. A
            function that makes a batch, or a list of batches. A batch is a tuple of what the loss takes, prediction
            first, or a dictionary of its arguments by name. These are tensors, dictionaries and lists of them, numbers,
            lists of numbers, a model, or anything else. Of more than a million numbers the first batches, or the first
            samples of one, are tried.
        call: how to call your loss, where not as ``loss(*inputs)``: a function of the loss and the inputs. What it names
            with a default is a setting, tried as those of ``like``.
        pick: which part of what your loss returns is the loss: the key of a dictionary, the name of an attribute, or a
            position.
        make: how to make your loss of what you gave, where not as ``loss()``: a function of the class. What it names
            with a default is a setting.
        fresh: whether each call gets a copy of the loss, for one with a memory.
        seed: where random numbers begin before each call, for a loss that draws some.
        exclude: forms of input that your loss is not for: their names in the report, or a part of them.
        compile: whether to compile it with ``torch.compile`` too, which takes a second.
        settings: settings of ``like`` that your loss has built in, e.g. ``label_smoothing=0.1``.

    Returns:
        A :class:`Report`: true when no check failed. It prints as a table; each failure comes with the smallest
        input that shows it, what came and what should have come, and the slip behind it where one was recognized.

    Raises:
        TypeError: ``like`` is no loss, or its inputs are not known; or neither ``like`` nor ``inputs`` was given.
        ValueError: the catalogue has no such name, or ``like`` gives no number on any batch.

    Your loss may do what it wants: errors, prints and endless loops are reported, and random numbers, dtype, gradient
    mode and warnings are afterwards as they were.

    >>> import torch
    >>> def my_mse(input, target):
    ...     return (input - target).square().sum()
    >>> report = verify(my_mse, like="mse")
    >>> bool(report), report.failures[0].name
    (False, 'value')
    >>> report.diagnosis
    'the sum instead of the mean: exactly N times too large'

    The target first, and the loss in a dictionary:

    >>> def mine(y_true, y_pred):
    ...     return {"loss": (y_pred - y_true).square().mean(), "n": len(y_true)}
    >>> report = verify(mine, like="mse", call=lambda loss, input, target: loss(target, input), pick="loss")
    >>> bool(report), report.handed
    (True, 'Called as mine(y_true: target (6,), y_pred: input (6,)). Taken of its result: loss.')

    A trainer's loss calls a model; a function stands for it:

    >>> def compute_loss(model, batch):
    ...     return torch.nn.functional.cross_entropy(model(x=batch["x"])["logits"], batch["labels"])
    >>> def as_trainer(loss, input, target):
    ...     return loss(lambda x: {"logits": x}, {"x": input, "labels": target})
    >>> bool(verify(compute_loss, like="cross_entropy", call=as_trainer))
    True

    A class that needs sizes, and has another name for the reduction:

    >>> class Scaled(torch.nn.Module):
    ...     def __init__(self, size, how):
    ...         super().__init__()
    ...         self.size, self.how = size, how
    ...     def forward(self, input, target):
    ...         losses = (input - target).abs()
    ...         return {"average": losses.mean, "total": losses.sum}[self.how]()
    >>> names = {"mean": "average", "sum": "total"}
    >>> report = verify(Scaled, like="l1", make=lambda kind, reduction="mean": kind(3, names[reduction]))
    >>> bool(report), next(check.why for check in report.checks if check.name == "reductions")
    (True, 'reduction=mean, sum (not: reduction=none)')

    A batch with names, a list of scales and plain numbers; a loss with a memory, one that draws, one for fewer forms:

    >>> def pyramid(scales, target, power):
    ...     return sum((s - target).abs().pow(power).mean() for s in scales)
    >>> def make_batch():
    ...     return {"scales": [torch.randn(4, 3), torch.randn(4, 3)], "target": torch.randn(4, 3), "power": 2}
    >>> bool(verify(pyramid, like=pyramid, inputs=make_batch))
    True
    >>> class Counted(torch.nn.Module):
    ...     calls = 0
    ...     def forward(self, input, target):
    ...         self.calls += 1
    ...         return (input - target).abs().mean() * self.calls
    >>> bool(verify(Counted(), like="l1")), bool(verify(Counted(), like="l1", fresh=True))
    (False, True)
    >>> def noisy(input, target):
    ...     return (input - target + torch.randn(())).abs().mean()
    >>> bool(verify(noisy, like=noisy, inputs=lambda: (torch.randn(4), torch.randn(4)), seed=0))
    True
    >>> def of_rows(input, target):
    ...     return torch.nn.functional.cross_entropy(input.flatten(0, -2), target.flatten())
    >>> bool(verify(of_rows, like="cross_entropy", exclude=["(N, C, d)", "probability targets"]))
    True

    No right loss at all, only a batch:

    >>> def masked(pred, target, mask):
    ...     return ((pred - target).abs() * mask).mean()
    >>> def masked_batch():
    ...     return torch.randn(4, 5), torch.randn(4, 5), (torch.arange(5) < torch.tensor([[5], [2], [3], [4]])).float()
    >>> report = verify(masked, inputs=masked_batch)
    >>> bool(report), [check.finding.says for check in report.checks if check.state == "warning"]
    (True, ['More padding, where mask is 0, changes the loss: what is left out is counted in a mean.'])
    """
    with preserved(), quiet():
        given = None if inputs is None else Given(inputs)
        if like is None and given is None:
            raise _nothing_given()
        if like is None and settings:
            raise _settings_of_nothing(settings)
        reference = None if like is None else understand(like, given, settings)
        candidate = Candidate(loss, Adapter(call, pick, make, fresh), reference.settings_known if reference else ())
        if not callable(candidate.original) or candidate.error is not None:
            return Report(candidate.name, reference.name if reference else "", (_not_made(candidate),))
        if fresh and inspect.isfunction(candidate.original):
            raise _no_copy()
        right = prepared(reference or itself(candidate, given), candidate.adapter, seed, exclude)
        with timed():
            examination = Examination(candidate, right)
            results = looked_at(examination, compile) if reference is None else _compared(examination, compile)
        plain = given is None and candidate.adapter == PLAIN and seed is None
        told = "" if plain or examination.hangs else handed(candidate, right, examination.trials[0].batch.tensors, seed)
        return Report(candidate.name, right.name, results, told)


def _compared(examination: Examination, compile: bool) -> tuple[CheckResult, ...]:
    """The results of all checks against the right loss."""
    if not any(trial.right for trial in examination.trials):
        raise _nothing_right(examination)
    checks = (*CHECKS, compiled) if compile else CHECKS
    if not examination.runs:
        checks = (calls, module)  # there is nothing to look at but what it is made of
    return tuple(check(examination) for check in checks)


def _nothing_given() -> TypeError:
    return TypeError(
        message(
            'verify needs something to hold the loss against. Give what it should agree with, as like="mse" or '
            "like=another_function, or the batches to try it on, as inputs=lambda: (torch.randn(8, 4), "
            "torch.randint(4, (8,))); or both."
        )
    )


def _settings_of_nothing(settings: Mapping[str, Any]) -> TypeError:
    return TypeError(
        message(
            "{names} would be a setting of like, which is missing. Build it into the loss, or name what the loss "
            "should agree with.",
            names=", ".join(settings),
        )
    )


def _no_copy() -> TypeError:
    return TypeError(
        message(
            "fresh=True copies the loss for each call, and a function cannot be copied. Give a module, or another "
            "object that can be called, with what it remembers in its attributes."
        )
    )


@timed()
def _nothing_right(examination: Examination) -> ValueError:
    """Build the error that says why there is nothing to compare with."""
    batches = [trial.batch for trial in examination.trials]
    outcomes = (
        outcome.call(right, b.tensors, examination.wrt) for b in batches for right in examination.standard.losses
    )
    error = next((error for came in outcomes if (error := outcome.error_of(came))), None)
    name = examination.reference.name
    if error is None:
        return ValueError(
            message(
                "{name} cannot be computed on any of the batches, so there is nothing to compare with. No finite "
                "tensor comes back.",
                name=name,
            )
        )
    return ValueError(
        message(
            "{name} cannot be computed on any of the batches, so there is nothing to compare with. {kind}: {error}",
            name=name,
            kind=type(error).__name__,
            error=error,
        )
    )


def _not_made(candidate: Candidate) -> CheckResult:
    error = candidate.error
    if error is None:
        says = _("A loss must be something to call, got {kind}.").format(kind=type(candidate.given).__name__)
    else:
        says = str(Phrase("The class cannot be built without arguments: {said}. Give an object of it.", said=error))
    early = "before Module.__init__" in str(error)
    diagnosis = _("super().__init__() is missing in __init__, or comes too late") if early else ""
    return CheckResult(calls.name, calls.title(), FAILED, finding=Finding(says, diagnosis=diagnosis))
