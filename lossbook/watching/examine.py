"""The same look at one batch, in a debugger or a notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..guards.losses import check_not_class
from ..language import message
from .report import Report
from .watcher import Watcher


def examine(loss: Callable, *tensors: Any, **settings: Any) -> Report:
    """Look at one call of a loss: is it used as it should be?

    Args:
        loss: a loss: a module, a function, one of your own.
        tensors: what it is called with, prediction first. A prediction that comes from a model, with its graph, shows more.
        settings: further arguments of the call, by name.

    Returns:
        A :class:`Report <lossbook.watching.report.Report>`: true when nothing wrong was seen. It prints as a list. Faults
        that show in the course of a training alone need :func:`lossbook.watch`.

    Raises:
        TypeError: it is not a loss. An error of the loss itself is not raised: the findings say what it means.

    The loss is called once. The random state is afterwards as it was.

    >>> report = examine(torch.nn.BCEWithLogitsLoss(), torch.zeros(2), torch.tensor([-1.0, 1.0]))
    >>> report.findings[0].kind
    'target-outside-0-1'
    """
    check_not_class(loss, "examine")
    if not callable(loss):
        raise TypeError(message("examine needs a loss, a function or a module, got {kind}.", kind=type(loss).__name__))
    watcher = Watcher(loss, logs=False)
    with torch.random.fork_rng():
        watcher.look_once(tensors, settings)
    return watcher.report
