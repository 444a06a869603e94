"""Run notebooks under nbval: a failure names the cell, a cell that is not compared fails, no cell is left out."""

import os
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from queue import Empty
from unittest.mock import patch

import pytest
from jupyter_client.manager import KernelManager
from nbclient.exceptions import DeadKernelError
from nbval.kernel import NbvalKernelspecManager, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from tools.book import LANGUAGES, pages, pictures
from tools.measure.kernels import ForkedProvisioner

os.environ["OMP_NUM_THREADS"] = "1"  # as in tools/make/notebooks.py: large sums depend on the number of threads
SELECTING = ("keyword", "markexpr", "deselect", "ignore", "lf", "collectonly")  # options that leave tests out
NOT_RUN = pytest.StashKey[list[str]]()
# The callbacks for trainers of others can be read where these are installed.
collect_ignore = [f"lossbook/watching/{name}.py" for name in ("lightning", "transformers") if not find_spec(name)]


class Kernel(RunningKernel):
    """A kernel that starts as a fork. Reports a dead kernel at once; nbval would wait for its reply."""

    def __init__(self, kernel_name, cwd=None, startup_timeout=60):
        self.km = KernelManager(kernel_name=kernel_name, kernel_spec_manager=NbvalKernelspecManager())
        self.km.provisioner = ForkedProvisioner(kernel_spec=self.km.kernel_spec, parent=self.km)
        # No PNGs: they show the same as the SVGs, which are compared, and would double the time of drawing.
        no_png = ["--PNGFormatter.enabled=False"]
        self.km.start_kernel(stderr=subprocess.DEVNULL, cwd=cwd, extra_arguments=no_png)
        self.kc = self.km.client()
        self.kc.start_channels()
        self.wait_until_ready(time.monotonic() + startup_timeout)

    def wait_until_ready(self, deadline: float) -> None:
        """Ask until the kernel is heard on both channels: the first answers may pass before the second is connected."""
        while time.monotonic() < deadline:
            asked = self.kc.kernel_info()
            with suppress(Empty):
                self.await_reply(asked, timeout=deadline - time.monotonic())
                return self.await_idle(asked, timeout=0.05)
        self.stop()
        raise RuntimeError("The kernel did not answer in time: see --nbval-kernel-startup-timeout.")

    def await_reply(self, msg_id, timeout=float("inf")):
        """Wait for the reply to a message, but not longer than the kernel lives."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return super().await_reply(msg_id, timeout=min(1, max(0, deadline - time.monotonic())))
            except Empty:
                if not self.is_alive():
                    raise DeadKernelError from None
                if time.monotonic() > deadline:
                    raise


class Cell(IPyNbCell):
    """A code cell under its id; nbval calls it "Cell 3"."""

    def reportinfo(self):
        """Name the cell in the heading of a failure."""
        return self.path, 0, self.nodeid

    def runtest(self):
        """Run and compare the cell. nbval alone does not compare a cell that has no execution count."""
        try:
            super().runtest()
        except DeadKernelError:
            self.raise_cell_error("The kernel died in this cell, so neither it nor the cells after it were compared.")
        if self.cell.execution_count is None:
            self.raise_cell_error("The cell has no execution count, so nothing was compared. Run `make notebooks`.")

    def compare_outputs(self, test, ref, skip_compare=None):
        """Compare pictures as pictures, and the rest to the letter, as nbval does."""
        different = pictures.keep_same(ref, test)
        same = super().compare_outputs(test, ref, skip_compare)
        if different:  # nbval would show two files of numbers
            self.comparison_traceback = different
        return same and not different


class Notebook(IPyNbFile):
    """A notebook whose cells go by their ids."""

    def collect(self):
        """Collect the code cells."""
        for item in super().collect():
            fields = {"cell_num": item.cell_num, "cell": item.cell, "options": item.options}
            yield Cell.from_parent(self, name=item.cell.get("id", item.name), **fields)

    def setup(self):
        """Start the kernel."""
        with patch("nbval.plugin.RunningKernel", Kernel):
            super().setup()


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(parent):
    """Collect notebooks as above."""
    collectors = yield
    return [Notebook.from_parent(parent, path=c.path) if isinstance(c, IPyNbFile) else c for c in collectors]


def pytest_sessionfinish(session, exitstatus):
    """Fail a whole suite that has passed without running every code cell of the book."""
    config = session.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    partly = any(config.getoption(option, None) for option in SELECTING)
    if hasattr(config, "workerinput") or exitstatus or not whole or partly:
        return
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    passed = {report.nodeid for report in terminal.stats.get("passed", [])}
    every = [cell for language in LANGUAGES for page in pages(language).values() for cell in page.cells]
    cells = [cell for cell in every if cell.kind == "code"]
    not_run = [cell.where for cell in cells if f"{cell.page.where}::{cell.id}" not in passed]
    config.stash[NOT_RUN] = not_run
    notebooks = {cell.page.path for cell in cells}
    terminal.line(f"\nnbval compared {len(cells) - len(not_run)} cells of {len(notebooks)} notebooks.")
    if not_run:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Name the tests that were skipped, and the cells that were not run."""
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.line(f"NOT RUN: {report.nodeid}: {report.longrepr[2]}", red=True)
    if not_run := config.stash.get(NOT_RUN, []):
        terminalreporter.section(f"nbval did not run {len(not_run)} code cells", red=True)
        terminalreporter.line("\n".join(not_run))
        terminalreporter.line("Every one must be run and compared: see addopts and testpaths in pyproject.toml.")
