"""PyTorch losses from scratch: explained, drawn and checked.

``lossbook.functional`` and ``lossbook.nn`` mirror the losses of ``torch.nn.functional`` and ``torch.nn``;
``lossbook.beyond`` holds losses that torch lacks.
Importing the package needs only torch, which is loaded when a name is first used; pictures need
``pip install "lossbook[plot]"``.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import beyond, functional, nn
    from .explaining.explain import Explanation, explain
    from .language import set_language
    from .lessons import pictures
    from .lessons.exercises import check
    from .plotting.plot import plot
    from .plotting.style import set_style
    from .report import CheckResult, Finding, Report
    from .verifying.verify import verify
    from .watching.examine import examine
    from .watching.watch import watch

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

#: The file of each name; the others are files themselves.
HOMES = {
    "CheckResult": ".report",
    "Explanation": ".explaining.explain",
    "Finding": ".report",
    "Report": ".report",
    "check": ".lessons.exercises",
    "examine": ".watching.examine",
    "explain": ".explaining.explain",
    "pictures": ".lessons.pictures",
    "plot": ".plotting.plot",
    "set_language": ".language",
    "set_style": ".plotting.style",
    "verify": ".verifying.verify",
    "watch": ".watching.watch",
}


def __getattr__(name: str) -> Any:
    """Load a name on first use, so that a command or a plugin that does not compute needs no torch."""
    if name in HOMES:
        home = importlib.import_module(HOMES[name], __name__)
        value = getattr(home, name, home)
    elif name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    else:
        try:
            value = importlib.import_module(f".{name}", __name__)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
