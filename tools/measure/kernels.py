"""Notebook kernels that start in a moment: one process imports what notebooks import, and every kernel is a fork of it.

pytest uses them (conftest.py). A fork is made before any of a notebook's code has run, so notebooks share nothing but
imported modules. Run as a script, this file is the process that is forked.
"""

import gc
import os
import subprocess
import sys
import time
from functools import cache
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from jupyter_client.provisioning import LocalProvisioner

# What a kernel and its first picture import anyway. Not matplotlib_inline, which looks for its kernel when it is
# imported.
PRELOADED = (
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "IPython.core.pylabtools",
    "lossbook.functional",
    "lossbook.nn",
    "lossbook.lessons.pictures",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "sklearn.datasets",
    "torch._dynamo",  # by the first optimizer
)
# A fork has only the thread that made it, so the server must never start a second one.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # the debugger, which nobody uses here, would print advice
SETTINGS = ONE_THREAD | QUIET | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def preload() -> None:
    """Import it all in the process that is forked, and spare the forks looking for garbage.

    The collector would walk through all that is imported, and copy it; pictures make so many objects that it would take
    a sixth of their time.
    """
    for module in PRELOADED:
        import_module(module)
    gc.freeze()
    gc.set_threshold(100_000, 50)


class ForkedKernel:
    """A kernel's process, with the methods of `subprocess.Popen` that jupyter_client calls."""

    stdin = stdout = stderr = returncode = None

    def __init__(self, server: "Server", **started_as) -> None:
        self.server = server
        self.pid = server.ask(started_as)

    def poll(self) -> int | None:
        """The exit status, None as long as the kernel lives."""
        if self.returncode is None:
            self.returncode = self.server.ask(self.pid)
        return self.returncode

    def wait(self) -> int:
        """Wait for the end."""
        while self.poll() is None:
            time.sleep(0.005)
        return self.returncode

    def send_signal(self, signal: int) -> None:
        """Send a signal to the kernel and what it has started; to no other process once it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal)


class Server:
    """The process that is forked, as its client sees it."""

    def __init__(self) -> None:
        self.pipe, theirs = Pipe()
        command = [sys.executable, __file__, str(theirs.fileno())]
        # In a session of its own: Ctrl-C is for pytest. The server ends when its client does.
        streams = {"pass_fds": [theirs.fileno()], "stdin": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env=os.environ | SETTINGS, start_new_session=True, **streams)
        theirs.close()

    def ask(self, request: dict | int) -> int | None:
        """What the server answers: a new kernel's process id, or how the kernel with this id has ended."""
        try:
            self.pipe.send(request)
            return self.pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError(
                f"The process that kernels are forked from has ended (status {self.process.wait()}), so no notebook "
                "can run. What it said stands above; `python -m pytest --noconftest` runs notebooks without it."
            ) from None


@cache
def server() -> Server:
    """This process's server, started when the first kernel is."""
    return Server()


class ForkedProvisioner(LocalProvisioner):
    """Starts a Python kernel as a fork, any other as jupyter_client does."""

    async def launch_kernel(self, cmd: list[str], **options):
        """Called by jupyter_client's KernelManager."""
        if sys.platform != "linux" or cmd[:3] != [sys.executable, "-m", "ipykernel_launcher"]:
            return await super().launch_kernel(cmd, **options)
        self.process = ForkedKernel(server(), arguments=cmd[3:], cwd=options["cwd"], env=options["env"])
        self.pid = self.pgid = self.process.pid
        self.cwd = options["cwd"]
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and see it end. jupyter_client would look again after a tenth of a second."""
        await super().kill(restart)
        self.process.wait()


def serve(pipe: Connection) -> dict | None:
    """Answer until the client has gone. In a fork, return what kernel it is to be."""
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return None
        if isinstance(request, int):
            pid, status = os.waitpid(request, os.WNOHANG)
            pipe.send(os.waitstatus_to_exitcode(status) if pid else None)
        elif pid := os.fork():
            pipe.send(pid)
        else:
            pipe.close()
            return request


def become_kernel(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Be the kernel that `python -m ipykernel_launcher` with these arguments would be."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()  # a process group of its own, which jupyter_client signals and kills as a whole
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(quiet, stream)
    os.close(quiet)
    os.chdir(cwd)
    parent = os.environ["JPY_PARENT_PID"]
    os.environ.clear()
    os.environ.update(env, JPY_PARENT_PID=parent)
    sys.argv = ["ipykernel_launcher", *arguments]
    IPKernelApp.launch_instance()


if __name__ == "__main__":
    del sys.path[0]  # this file's folder, which notebooks do not look into
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # kernels end with the server; ipykernel reads this when imported
    preload()
    if (threads := len(os.listdir("/proc/self/task"))) > 1:
        sys.exit(
            f"{__file__}: one of {', '.join(PRELOADED)} has started threads ({threads - 1}). A fork would lack them."
        )
    kernel = serve(Connection(int(sys.argv[1])))
    if kernel:
        become_kernel(**kernel)
