"""PyTorch losses from scratch: explained, drawn and checked.

``lossbook.functional`` and ``lossbook.nn`` mirror the losses of ``torch.nn.functional`` and ``torch.nn``;
``lossbook.beyond`` holds losses that torch lacks.
Importing the package needs only torch; pictures need ``pip install "lossbook[plot]"``.
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import beyond, functional, nn
from .explaining.explain import Explanation, explain
from .language import set_language
from .plotting.plot import plot
from .plotting.style import set_style
from .report import CheckResult, Finding, Report
from .verifying.verify import verify
from .watching.examine import examine
from .watching.watch import watch

if TYPE_CHECKING:
    from .lessons import pictures
    from .lessons.exercises import check

__all__ = [
    "CheckResult",
    "Explanation",
    "Finding",
    "Report",
    "beyond",
    "check",
    "examine",
    "explain",
    "functional",
    "nn",
    "pictures",
    "plot",
    "set_language",
    "set_style",
    "verify",
    "watch",
]


def __getattr__(name: str) -> Any:
    """Load `check` and `pictures` on first use, so that `import lossbook` stays fast."""
    if name == "check":
        return importlib.import_module(".lessons.exercises", __name__).check
    if name == "pictures":
        return importlib.import_module(".lessons.pictures", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
