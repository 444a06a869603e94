"""A plugin for pytest: ``pytest --lossbook`` checks the losses of a project that are marked with ``__lossbook__``.

The mark holds the arguments of :func:`lossbook.verify`, and needs no import in the program that has it::

    class FocalLoss(nn.Module):
        __lossbook__ = {"like": "focal", "gamma": 2.0}

    def my_loss(prediction, target, mask): ...

    my_loss.__lossbook__ = {"inputs": make_batch}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .found import MARK, Found, marked_losses, verified
from .language import gettext as _

if TYPE_CHECKING:
    from .report import Report


def pytest_addoption(parser: pytest.Parser) -> None:
    help = _("check the losses that are marked with {mark}, in every Python file").format(mark=MARK)
    parser.getgroup("lossbook").addoption("--lossbook", action="store_true", help=help)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> LossFile | None:
    if not parent.config.getoption("--lossbook") or file_path.suffix != ".py":
        return None
    if MARK not in file_path.read_text("utf-8", errors="replace"):  # importing every file would run all of them
        return None
    return LossFile.from_parent(parent, path=file_path)


class LossFile(pytest.Module):
    """A file with marked losses."""

    def collect(self) -> Iterator[LossItem]:
        for found in marked_losses(self.obj):
            yield LossItem.from_parent(self, name=found.name, found=found)


class LossItem(pytest.Item):
    """One loss: passes if nothing failed; what is to be looked at stands in the report's section."""

    def __init__(self, *, found: Found, **more: Any) -> None:
        super().__init__(**more)
        self.found = found

    def runtest(self) -> None:
        report = verified(self.found)
        if not report:
            raise LossFault(report)
        if any(check.state == "warning" for check in report.checks):
            self.add_report_section("call", "lossbook", report.in_short())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, LossFault):
            return excinfo.value.report.in_short()
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        code = getattr(self.found.loss, "__code__", None)
        return self.path, code.co_firstlineno - 1 if code else None, self.name


class LossFault(Exception):
    """A marked loss has a fault."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report
