"""Notebooks run in forks of one process: each as in a kernel of its own, whatever happens to the others."""

import os
import signal
import subprocess
import sys
import time

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

import tools.make.notebooks
from tests.book.small_pages import code, store
from tests.tools.projects import run_pytest
from tools.book import ROOT
from tools.measure.kernels import ForkedProvisioner, Server

IMPORTS = """import builtins
import os
import sys
import warnings

import matplotlib
import torch

import lossbook
"""
# Changes whatever forks could share: modules, the environment, the folder, the path, random numbers, settings.
LEAVE = f"""{IMPORTS}
builtins.left = torch.left = os.environ["LEFT"] = "left"
sys.path.append("left")
sys.modules["left"] = sys
torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
matplotlib.rcParams["lines.linewidth"] = 99
lossbook.set_language("vi")
warnings.simplefilter("error")
os.chdir("/")"""
# Says what it finds; a kernel of its own is asked first, then a fork.
LOOK = f"""{IMPORTS}
print([hasattr(builtins, "left"), hasattr(torch, "left"), "LEFT" in os.environ, "left" in sys.path + list(sys.modules)])
print(torch.get_default_dtype(), torch.initial_seed() == 1, torch.get_num_threads(), matplotlib.rcParams["lines.linewidth"])
print(lossbook.explain("mse", torch.tensor([1.0]), torch.tensor([3.0])))
print(os.path.basename(os.getcwd()), sys.path, __name__, matplotlib.get_backend(), os.getsid(0) == os.getpid())
print([name for name in ("tools", "tools.measure.kernels", "pytest") if name in sys.modules])
print("error" in {{entry[0] for entry in warnings.filters if entry[2] is Warning}}, file=sys.stderr)"""
DRAW = """lossbook.set_style()
ax = lossbook.plot("mse")
ax"""


@pytest.fixture
def write(project):
    """Writes a notebook into the project: cells by their ids."""
    (project / "book/en/part/page.ipynb").unlink()

    def write(name, **sources):
        page = store(project, "en", *(code(id, source) for id, source in sources.items()))
        path = page.path.rename(page.path.with_stem(name))
        return tools.make.notebooks.read_page(path)

    write.project = project
    return write


def test_notebooks_share_nothing(write):
    write("a", leave=LEAVE)
    seen = write("b", look=LOOK, draw=DRAW)
    tools.make.notebooks.store(seen, seen.cells)  # from a kernel of its own
    stored = seen.path.read_text(encoding="utf-8")
    assert '"[False, False, False, False]\\n"' in stored
    assert '"name": "stderr"' in stored
    assert "image/svg+xml" in stored
    returncode, said = run_pytest(write.project, "-n0", "book")
    assert returncode == 0, said
    assert "3 passed" in said


def test_a_kernel_that_dies_or_hangs_fails_alone(write):
    write("a", before="x = 1", dies="import os\n\nos._exit(3)", after="x = 2")
    write("b", hangs="while True:\n    pass", after="x = 3")
    write("c", wrong="print(4)", right="x = 5")
    returncode, said = run_pytest(write.project, "-n0", "--nbval-cell-timeout=3", "book")
    assert returncode == 1
    assert "The kernel died in this cell" in said
    assert "Timeout of 3 seconds exceeded executing cell" in said
    failed = [line.split()[1].split("/")[-1] for line in said.splitlines() if line.startswith("FAILED")]
    assert failed == ["a.ipynb::dies", "a.ipynb::after", "b.ipynb::hangs", "c.ipynb::wrong"]
    assert "4 failed, 2 passed, 1 xpassed" in said  # nbval expects nothing of a cell after one that hung


def test_other_kernels_are_not_forked():
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(argv=["sleep", "60"], language="sh")
    manager.provisioner = ForkedProvisioner(kernel_spec=manager._kernel_spec, parent=manager)
    manager.start_kernel()
    assert isinstance(manager.provisioner.process, subprocess.Popen)
    manager.shutdown_kernel(now=True)


# Starts a server and a kernel, says who they are, and waits.
CLIENT = """import os, sys
from jupyter_client.manager import KernelManager
from tools.measure.kernels import ForkedProvisioner, server
manager = KernelManager()
manager.provisioner = ForkedProvisioner(kernel_spec=manager.kernel_spec, parent=manager)
manager.start_kernel(cwd=".")
print(server().process.pid, manager.provisioner.pid, flush=True)
sys.stdin.read()"""


def test_nothing_outlives_pytest():
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    client = subprocess.Popen([sys.executable, "-c", CLIENT], cwd=ROOT, text=True, **streams)
    left = [int(pid) for pid in client.stdout.readline().split()]
    assert len(left) == 2
    assert all(os.path.exists(f"/proc/{pid}") for pid in left)
    client.send_signal(signal.SIGKILL)
    client.communicate()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (left := [pid for pid in left if os.path.exists(f"/proc/{pid}")]):
        time.sleep(0.1)
    assert left == []


def test_server_with_threads_refuses(tmp_path, monkeypatch, capfd):
    start = "import threading\n\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    (tmp_path / "sitecustomize.py").write_text(start, encoding="utf-8")  # Python imports it when it starts
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="no notebook can run"):
        Server().ask(1)
    assert "has started" in capfd.readouterr().err
