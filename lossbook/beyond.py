"""Losses that torch does not have, as functions and as modules."""

from .losses.charbonnier import CharbonnierLoss, charbonnier_loss
from .losses.focal import SigmoidFocalLoss, sigmoid_focal_loss
from .losses.log_cosh import LogCoshLoss, log_cosh_loss
from .losses.quantile import QuantileLoss, quantile_loss
from .losses.rmse import RMSELoss, rmse_loss

__all__ = [
    "CharbonnierLoss",
    "LogCoshLoss",
    "QuantileLoss",
    "RMSELoss",
    "SigmoidFocalLoss",
    "charbonnier_loss",
    "log_cosh_loss",
    "quantile_loss",
    "rmse_loss",
    "sigmoid_focal_loss",
]
