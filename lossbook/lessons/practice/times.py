"""What the losses took on the machine that `make bench` last ran on. Times are no two machines' alike, so they are kept."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def measured_times() -> dict[str, Any]:
    """The table that `tools/measure/times.py` makes: CPU milliseconds of one forward and backward pass, one thread.

    ``machine`` says where; ``losses`` has for each loss of the catalogue the ``shape`` of its first argument and the
    ``ms``, milliseconds, of each that was timed: torch's own, this package's, both under ``torch.compile``, and others' code
    by its name. ``heads`` has those of three heads over many classes.

    >>> measured_times()["losses"]["mse"]["shape"]
    [4096, 1000]
    """
    return json.loads(files(__package__).joinpath("times.json").read_text("utf-8"))
