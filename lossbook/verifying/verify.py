"""Tell a person whether a loss is right, and if not, what is wrong."""

from __future__ import annotations

from typing import Any

from ..language import Phrase, message
from ..language import gettext as _
from ..report import FAILED, CheckResult, Finding, Report
from .checks import CHECKS, calls, compiled, module
from .examination import Examination
from .subject.candidate import Candidate
from .subject.outcome import call, error_of
from .subject.reference import understand
from .subject.state import preserved, quiet, timed


def verify(loss: Any, like: Any, inputs: Any = None, *, compile: bool = False, **settings: Any) -> Report:
    """Check a loss of your own against one that is right.

    Args:
        loss: your loss: a function, a module or its class.
        like: what it should agree with: a name of the catalogue (``"mse"``), a loss of torch or lossbook, function,
            class or object with settings, or any other function that is right.
        inputs: batches to try, needed where ``like`` is not in the catalogue: a function that makes a tuple of tensors,
            prediction first, or a list of such tuples.
        compile: whether to compile it with ``torch.compile`` too, which takes a second.
        settings: settings of ``like`` that your loss has built in, e.g. ``label_smoothing=0.1``.

    Returns:
        A :class:`Report`: true when every check passed. It prints as a table; each failure comes with the smallest
        input that shows it, what came and what should have come, and the slip behind it where one was recognized.

    Raises:
        TypeError: ``like`` is no loss, or its inputs are not known.
        ValueError: the catalogue has no such name, or ``like`` gives no number on any batch.

    Your loss may do what it wants: errors, prints and endless loops are reported, and random numbers, dtype, gradient
    mode and warnings are afterwards as they were.

    >>> def my_mse(input, target):
    ...     return (input - target).square().sum()
    >>> report = verify(my_mse, like="mse")
    >>> bool(report), report.failures[0].name
    (False, 'value')
    >>> report.diagnosis
    'the sum instead of the mean: exactly N times too large'
    """
    with preserved(), quiet(), timed():
        right = understand(like, inputs, settings)
        candidate = Candidate(loss)
        if not callable(candidate.original) or candidate.error is not None:
            return Report(candidate.name, right.name, (_not_made(candidate),))
        examination = Examination(candidate, right)
        if not any(trial.right for trial in examination.trials):
            raise _nothing_right(examination)
        checks = (*CHECKS, compiled) if compile else CHECKS
        if not examination.runs:
            checks = (calls, module)  # there is nothing to look at but what it is made of
        return Report(candidate.name, right.name, tuple(check(examination) for check in checks))


@timed()
def _nothing_right(examination: Examination) -> ValueError:
    """Build the error that says why there is nothing to compare with."""
    batches = [trial.batch for trial in examination.trials]
    outcomes = (call(right, b.tensors, examination.wrt) for b in batches for right in examination.standard.losses)
    error = next((error for outcome in outcomes if (error := error_of(outcome))), None)
    name = examination.reference.name
    if error is None:
        return ValueError(
            message(
                "{name} cannot be computed on any of the batches, so there is nothing to compare with. No finite tensor "
                "comes back.",
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
