"""How long the tests of all notebooks take, beside plain `pytest --nbval`, one after the other (``make bench``)."""

import os
import subprocess
import sys
import time

from tools.book import ROOT

PLAIN = ["--noconftest", "--override-ini=addopts=", "--nbval", "--nbval-current-env"]


def seconds(*options: str) -> float:
    """The time pytest takes for the book's notebooks. Both ways compute in one thread."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--quiet", *options, "book"]
    start = time.monotonic()
    subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)
    return time.monotonic() - start


def main() -> None:
    """The command."""
    plain, ours = seconds(*PLAIN), seconds()
    print(f"All notebooks: {plain:.1f} s as plain `pytest --nbval`, {ours:.1f} s here: {ours / plain:.2f} of the time.")


if __name__ == "__main__":
    main()
