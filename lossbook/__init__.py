"""PyTorch losses from scratch: explained, drawn and checked.

``lossbook.functional`` and ``lossbook.nn`` mirror the losses of ``torch.nn.functional`` and ``torch.nn``.
Importing the package needs only torch; pictures need ``pip install "lossbook[plot]"``.
"""

import importlib
from typing import Any

from . import functional, nn
from .explain import explain
from .language import set_language
from .plot import plot
from .style import set_style
from .verify import verify

__all__ = ["check", "explain", "functional", "nn", "pictures", "plot", "set_language", "set_style", "verify"]


def __getattr__(name: str) -> Any:
    """What training scripts need not wait for, loaded when somebody asks for it."""
    if name == "check":
        return importlib.import_module(".exercises", __name__).check
    if name == "pictures":
        return importlib.import_module(".pictures", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
