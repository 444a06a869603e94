"""Notebooks under nbval: a failure names the cell, a cell that would not be compared fails, and none is left out."""

import os

import pytest
from nbval.plugin import IPyNbCell

from tools.book import LANGUAGES, pages

os.environ["OMP_NUM_THREADS"] = "1"  # as in tools/notebooks.py: large sums depend on the number of threads
LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_itemcollected(item):
    """Call a cell by its id; nbval calls it "Cell 3"."""
    if isinstance(item, IPyNbCell):
        item.name = item.cell.id
        item._nodeid = f"{item.parent.nodeid}::{item.name}"
        item.location = (item.parent.nodeid, 0, item._nodeid)


def pytest_runtest_setup(item):
    """nbval runs a cell without an execution count, but does not compare its outputs."""
    if isinstance(item, IPyNbCell) and item.cell.execution_count is None:
        pytest.fail("The cell has no execution count, so its outputs cannot be compared. Run `make notebooks`.")


def pytest_sessionfinish(session, exitstatus):
    """When the whole suite has passed, every code cell of the book must have been run."""
    config, option = session.config, session.config.option
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    partly = option.keyword or option.markexpr or option.deselect or option.collectonly or option.lf
    if hasattr(config, "workerinput") or exitstatus or not whole or partly:
        return
    passed = {report.nodeid for report in config.pluginmanager.get_plugin("terminalreporter").stats.get("passed", [])}
    cells = [cell for language in LANGUAGES for page in pages(language).values() for cell in page.cells]
    left_out = [cell.where for cell in cells if cell.kind == "code" and f"{cell.page.where}::{cell.id}" not in passed]
    config.stash[LEFT_OUT] = left_out
    if left_out:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Name the cells that were not run."""
    if left_out := config.stash.get(LEFT_OUT, []):
        terminalreporter.section(f"{len(left_out)} notebook cells were not run by nbval", red=True)
        for where in left_out:
            terminalreporter.line(where)
        terminalreporter.line("Every code cell is run and compared: see addopts and testpaths in pyproject.toml.")
