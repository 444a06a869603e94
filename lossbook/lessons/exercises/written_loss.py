"""An exercise whose answer is a loss: the reader writes or mends it, and `verify` judges it."""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch

from ...catalogue import find
from ...language import gettext as _
from ...verifying.verify import verify
from .plain import Key, Plain
from .verdict import Verdict, blank, not_yet, right


@dataclass(frozen=True)
class WrittenLoss:
    """What the reader's loss should agree with."""

    like: str  #: a name of the catalogue
    settings: dict[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()  #: settings that the exercise asks for; `verify` would let a loss go without
    names_the_slip: bool = True  #: not where finding the fault is the exercise
    plain: Plain | None = None  #: what the page asks instead, where it can

    def judge(self, given: Any) -> Verdict:
        """Right, or the first thing that `verify` found."""
        if given is ...:
            return blank()
        loss, like = given, self.like
        if find(self.like).function is None:
            try:
                loss, like = self._with_equal_parameters(given)
            except (TypeError, RuntimeError) as error:  # other arguments or other parameters than the page asks for
                return not_yet(str(error).strip())
        if loss is ... or self._is_blank(loss):
            return blank()
        if missing := self._missing(given):
            return not_yet(
                _("The exercise asks for a setting that your loss does not take: {name}.").format(name=missing)
            )
        report = verify(loss, like=like, **self.settings)
        if report:
            return right(_("{loss} agrees with {like}.").format(loss=report.loss, like=self.like))
        finding = next(check.finding for check in report.failures if check.finding)
        diagnosis = finding.diagnosis if self.names_the_slip else ""
        says, *facts = str(replace(finding, diagnosis=diagnosis, line="", page="")).splitlines()
        return not_yet(says, tuple(facts))

    @cached_property
    def key(self) -> Key | None:
        """What the page needs to judge the plain form."""
        return Key(self.plain, self.like, self.settings, self.takes, self.names_the_slip) if self.plain else None

    def _with_equal_parameters(self, given: type) -> tuple[Any, Any]:
        """A module of the reader's class, and the book's, which own parameters: of one size and with the same values."""
        entry = find(self.like)
        with torch.random.fork_rng(devices=[]):  # the same numbers in every verdict
            torch.manual_seed(0)
            loss, like = given(**entry.sizes), entry.module(**entry.sizes)
        if isinstance(loss, torch.nn.Module):
            loss.load_state_dict(like.state_dict())
        return loss, like

    def _missing(self, loss: Any) -> str:
        """The first setting asked for that the loss does not take."""
        if not callable(loss):
            return ""  # `verify` says what is wrong
        taken = inspect.signature(loss).parameters
        return next((name for name in self.takes if name not in taken), "")

    def _is_blank(self, loss: Any) -> bool:
        """Whether the loss still returns the three dots."""
        with contextlib.suppress(Exception):  # what fails is not blank: `verify` says why it fails
            return loss(*find(self.like).sample(torch.Generator().manual_seed(0))) is ...
        return False
