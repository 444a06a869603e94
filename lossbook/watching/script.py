"""Run a training script as Python would, with every loss of torch watched."""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from ..language import message
from .loop import WatchedLoop
from .report import Report


def run_script(script: str, arguments: list[str], *, as_module: bool = False) -> tuple[Report, int]:
    """Run a script, and return what was found in its use of losses, and its exit code.

    Args:
        script: its file; with ``as_module`` the name of a module, as for ``python -m``.
        arguments: what it finds in ``sys.argv`` behind its name.
        as_module: whether `script` names a module.

    Raises:
        ValueError: there is no such file.

    An error of the script is shown as Python shows it, without our frames, and its exit code is 1.
    """
    if not as_module and not Path(script).is_file():
        raise ValueError(
            message(
                "{script} is not a file. Write the path of a script, or -m and the name of a module.", script=script
            )
        )
    loop = WatchedLoop(None, None, strict=False)
    code = 0
    with loop, _started_with(script, arguments, as_module):
        try:
            if as_module:
                runpy.run_module(script, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            code = _exit_code(end)
        except (Exception, KeyboardInterrupt) as error:  # a long training is ended by Ctrl+C, and then to be reported
            trace = _own_frames(error.__traceback__)
            sys.excepthook(type(error), error.with_traceback(trace), trace)
            code = 130 if isinstance(error, KeyboardInterrupt) else 1
    return loop.report, code


@contextlib.contextmanager
def _started_with(script: str, arguments: list[str], as_module: bool) -> Iterator[None]:
    """Have sys.argv and the first place of the module search as Python sets them for this script."""
    argv, path = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path.cwd()) if as_module else str(Path(script).resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path


def _exit_code(end: SystemExit) -> int:
    """What Python makes of sys.exit(…): nothing is 0, a text is printed and is 1."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    print(end.code, file=sys.stderr)
    return 1


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the first line of the script on; nothing where the script could not be read."""
    before = {__file__, runpy.__file__, "<frozen runpy>"}
    while trace is not None and trace.tb_frame.f_code.co_filename in before:
        trace = trace.tb_next
    return trace
