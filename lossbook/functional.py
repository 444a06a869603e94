"""The losses as functions, under the names of :mod:`torch.nn.functional`."""

from .losses.cross_entropy import cross_entropy
from .losses.l1 import l1_loss
from .losses.mse import mse_loss
from .losses.nll import nll_loss
from .softmax import log_softmax, softmax

__all__ = ["cross_entropy", "l1_loss", "log_softmax", "mse_loss", "nll_loss", "softmax"]
