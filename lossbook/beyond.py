"""Losses that torch does not have, as functions and as modules."""

from .losses.charbonnier import CharbonnierLoss, charbonnier_loss
from .losses.ciou import CIoULoss, complete_box_iou_loss
from .losses.dice import DiceLoss, dice_loss
from .losses.diou import DIoULoss, distance_box_iou_loss
from .losses.distillation import DistillationLoss, distillation_loss
from .losses.focal import SigmoidFocalLoss, sigmoid_focal_loss
from .losses.focal_tversky import FocalTverskyLoss, focal_tversky_loss
from .losses.gaussian_kl import GaussianKLDivLoss, gaussian_kl_div
from .losses.generalized_cross_entropy import GCELoss, generalized_cross_entropy
from .losses.giou import GIoULoss, generalized_box_iou_loss
from .losses.iou import BoxIoULoss, box_iou_loss
from .losses.jaccard import JaccardLoss, jaccard_loss
from .losses.js_div import JSDivLoss, js_div
from .losses.log_cosh import LogCoshLoss, log_cosh_loss
from .losses.quantile import QuantileLoss, quantile_loss
from .losses.rmse import RMSELoss, rmse_loss
from .losses.soft_target_cross_entropy import SoftTargetCrossEntropyLoss, soft_target_cross_entropy
from .losses.softmax_focal import SoftmaxFocalLoss, softmax_focal_loss
from .losses.symmetric_cross_entropy import SCELoss, symmetric_cross_entropy
from .losses.token_cross_entropy import TokenCrossEntropyLoss, token_cross_entropy
from .losses.tversky import TverskyLoss, tversky_loss
from .losses.uncertainty_weighting import UncertaintyWeighting, uncertainty_weighting

__all__ = [
    "BoxIoULoss",
    "CIoULoss",
    "CharbonnierLoss",
    "DIoULoss",
    "DiceLoss",
    "DistillationLoss",
    "FocalTverskyLoss",
    "GCELoss",
    "GIoULoss",
    "GaussianKLDivLoss",
    "JSDivLoss",
    "JaccardLoss",
    "LogCoshLoss",
    "QuantileLoss",
    "RMSELoss",
    "SCELoss",
    "SigmoidFocalLoss",
    "SoftTargetCrossEntropyLoss",
    "SoftmaxFocalLoss",
    "TokenCrossEntropyLoss",
    "TverskyLoss",
    "UncertaintyWeighting",
    "box_iou_loss",
    "charbonnier_loss",
    "complete_box_iou_loss",
    "dice_loss",
    "distance_box_iou_loss",
    "distillation_loss",
    "focal_tversky_loss",
    "gaussian_kl_div",
    "generalized_box_iou_loss",
    "generalized_cross_entropy",
    "jaccard_loss",
    "js_div",
    "log_cosh_loss",
    "quantile_loss",
    "rmse_loss",
    "sigmoid_focal_loss",
    "soft_target_cross_entropy",
    "softmax_focal_loss",
    "symmetric_cross_entropy",
    "token_cross_entropy",
    "tversky_loss",
    "uncertainty_weighting",
]
