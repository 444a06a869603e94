"""The checks of `verify` as tests: one line in a file that pytest reads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from .guards.names import suggest
from .language import Phrase, message
from .language import gettext as _
from .report import FAILED, SKIPPED, Report
from .verifying.alone.verify import CHECKS as ALONE
from .verifying.checks import CHECKS
from .verifying.verify import verify

__all__ = ["loss_checks"]


def loss_checks(loss: Any, like: Any = None, inputs: Any = None, **settings: Any) -> Callable[[str], None]:
    """Make a test for each check of :func:`lossbook.verify`; takes the same arguments, also to check a loss alone.

    Write into a test file ``test_my_loss = loss_checks(my_loss, like="mse")``. A check that does not apply is skipped,
    with its reason.

    Args:
        loss: your loss.
        like: what it should agree with.
        inputs: batches to try, where ``like`` is missing or not in the catalogue.
        settings: the other arguments of ``verify``, and settings of ``like`` that your loss has built in.

    Returns:
        A test function with one parameter, the name of the check, which pytest fills in.

    >>> test = loss_checks(lambda input, target: (input - target).abs().mean(), like="l1")
    >>> test("value")
    """

    names = tuple(check.name for check in (CHECKS if like is not None else ALONE))

    @functools.cache
    def report() -> Report:
        return verify(loss, like, inputs, **settings)

    @pytest.mark.parametrize("check", names)
    def test(check: str) -> None:
        if check not in names:
            raise ValueError(
                message(
                    "verify has no check {check!r}. {help}", check=check, help=suggest(check, names, Phrase("It has:"))
                )
            )
        result = next((c for c in report().checks if c.name == check), None)
        if result is None:
            pytest.skip(_("the loss cannot be called, so there was nothing to look at"))
        if result.state == SKIPPED:
            pytest.skip(result.why)
        if result.state == FAILED:
            pytest.fail(str(result.finding), pytrace=False)

    return test
