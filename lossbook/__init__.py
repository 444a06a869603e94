"""PyTorch losses from scratch: explained, drawn and checked.

``lossbook.functional`` and ``lossbook.nn`` mirror the losses of ``torch.nn.functional`` and ``torch.nn``.
Importing the package needs only torch; pictures need ``pip install "lossbook[plot]"``.
"""

from . import functional, nn, pictures
from .exercises import check
from .explain import explain
from .language import set_language
from .plot import plot
from .style import set_style

__all__ = ["check", "explain", "functional", "nn", "pictures", "plot", "set_language", "set_style"]
