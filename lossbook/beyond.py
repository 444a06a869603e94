"""Losses that torch does not have, as functions and as modules."""

from .losses.focal import SigmoidFocalLoss, sigmoid_focal_loss

__all__ = ["SigmoidFocalLoss", "sigmoid_focal_loss"]
