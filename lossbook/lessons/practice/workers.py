"""Several processes that train together, on one machine."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

from ...language import message

PROGRAM = """\
import sys
import torch
import torch.distributed as dist

sys.stdout.reconfigure(encoding="utf-8")
dist.init_process_group("gloo", init_method={store!r}, rank={rank}, world_size={count})
{source}
{name}()
dist.destroy_process_group()
"""


def on_workers(work: Callable[[], object], count: int = 2) -> None:
    """Run a function in several processes that can talk to each other, and print what each has printed, in order.

    Each process is a Python of its own, which gets the function's source; it knows ``torch`` and
    ``torch.distributed`` as ``dist``. What else the function uses it imports itself.

    Args:
        work: takes nothing; written in a file or in a notebook's cell.
        count: how many processes.

    Raises:
        RuntimeError: a process failed; with what it said.

    >>> def ranks_added():
    ...     total = torch.tensor(float(dist.get_rank() + 1))
    ...     dist.all_reduce(total)
    ...     print(total.item())
    >>> on_workers(ranks_added)
    worker 0: 3.0
    worker 1: 3.0
    """
    source = dedent(inspect.getsource(work))
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # where the processes find each other
        store = Path(folder, "store").as_uri()
        workers = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-W",
                    "ignore",
                    "-c",
                    PROGRAM.format(source=source, name=work.__name__, store=store, rank=rank, count=count),
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
            for rank in range(count)
        ]
        try:
            said = [worker.communicate(timeout=100) for worker in workers]
        finally:
            for worker in workers:  # one that waits for a dead one must not stay behind
                worker.kill()
    for rank, (worker, (out, error)) in enumerate(zip(workers, said, strict=True)):
        if worker.returncode:
            raise RuntimeError(message("Worker {rank} failed: {error}", rank=rank, error=error))
        for line in out.splitlines():
            print(f"worker {rank}: {line}")
