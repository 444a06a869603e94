"""The losses as modules, under the names of :mod:`torch.nn`."""

from .losses.cross_entropy import CrossEntropyLoss
from .losses.l1 import L1Loss
from .losses.mse import MSELoss
from .losses.nll import NLLLoss
from .softmax import LogSoftmax, Softmax

__all__ = ["CrossEntropyLoss", "L1Loss", "LogSoftmax", "MSELoss", "NLLLoss", "Softmax"]
