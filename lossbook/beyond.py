"""Losses that torch does not have, as functions and as modules; and helpers that make what a loss takes."""

from .losses._triplets import all_triplets, hard_triplets, semi_hard_triplets
from .losses.arcface import ArcFaceLoss, arcface_loss
from .losses.charbonnier import CharbonnierLoss, charbonnier_loss
from .losses.ciou import CIoULoss, complete_box_iou_loss
from .losses.clip import CLIPLoss, clip_loss
from .losses.contrastive import ContrastiveLoss, contrastive_loss
from .losses.dice import DiceLoss, dice_loss
from .losses.diou import DIoULoss, distance_box_iou_loss
from .losses.distillation import DistillationLoss, distillation_loss
from .losses.dpo import DPOLoss, dpo_loss
from .losses.focal import SigmoidFocalLoss, sigmoid_focal_loss
from .losses.focal_tversky import FocalTverskyLoss, focal_tversky_loss
from .losses.gaussian_kl import GaussianKLDivLoss, gaussian_kl_div
from .losses.generalized_cross_entropy import GCELoss, generalized_cross_entropy
from .losses.generalized_dice import GeneralizedDiceLoss, generalized_dice_loss
from .losses.giou import GIoULoss, generalized_box_iou_loss
from .losses.info_nce import InfoNCELoss, info_nce_loss
from .losses.iou import BoxIoULoss, box_iou_loss
from .losses.ipo import IPOLoss, ipo_loss
from .losses.jaccard import JaccardLoss, jaccard_loss
from .losses.js_div import JSDivLoss, js_div
from .losses.list_net import ListNetLoss, list_net_loss
from .losses.log_cosh import LogCoshLoss, log_cosh_loss
from .losses.nt_xent import NTXentLoss, nt_xent_loss
from .losses.pairwise_logistic import PairwiseLogisticLoss, pairwise_logistic_loss
from .losses.quantile import QuantileLoss, quantile_loss
from .losses.rmse import RMSELoss, rmse_loss
from .losses.soft_target_cross_entropy import SoftTargetCrossEntropyLoss, soft_target_cross_entropy
from .losses.softmax_focal import SoftmaxFocalLoss, softmax_focal_loss
from .losses.supervised_contrastive import SupConLoss, supervised_contrastive_loss
from .losses.symmetric_cross_entropy import SCELoss, symmetric_cross_entropy
from .losses.token_cross_entropy import TokenCrossEntropyLoss, token_cross_entropy
from .losses.tversky import TverskyLoss, tversky_loss
from .losses.uncertainty_weighting import UncertaintyWeighting, uncertainty_weighting

__all__ = [
    "ArcFaceLoss",
    "BoxIoULoss",
    "CIoULoss",
    "CLIPLoss",
    "CharbonnierLoss",
    "ContrastiveLoss",
    "DIoULoss",
    "DPOLoss",
    "DiceLoss",
    "DistillationLoss",
    "FocalTverskyLoss",
    "GCELoss",
    "GIoULoss",
    "GaussianKLDivLoss",
    "GeneralizedDiceLoss",
    "IPOLoss",
    "InfoNCELoss",
    "JSDivLoss",
    "JaccardLoss",
    "ListNetLoss",
    "LogCoshLoss",
    "NTXentLoss",
    "PairwiseLogisticLoss",
    "QuantileLoss",
    "RMSELoss",
    "SCELoss",
    "SigmoidFocalLoss",
    "SoftTargetCrossEntropyLoss",
    "SoftmaxFocalLoss",
    "SupConLoss",
    "TokenCrossEntropyLoss",
    "TverskyLoss",
    "UncertaintyWeighting",
    "all_triplets",
    "arcface_loss",
    "box_iou_loss",
    "charbonnier_loss",
    "clip_loss",
    "complete_box_iou_loss",
    "contrastive_loss",
    "dice_loss",
    "distance_box_iou_loss",
    "distillation_loss",
    "dpo_loss",
    "focal_tversky_loss",
    "gaussian_kl_div",
    "generalized_box_iou_loss",
    "generalized_cross_entropy",
    "generalized_dice_loss",
    "hard_triplets",
    "info_nce_loss",
    "ipo_loss",
    "jaccard_loss",
    "js_div",
    "list_net_loss",
    "log_cosh_loss",
    "nt_xent_loss",
    "pairwise_logistic_loss",
    "quantile_loss",
    "rmse_loss",
    "semi_hard_triplets",
    "sigmoid_focal_loss",
    "soft_target_cross_entropy",
    "softmax_focal_loss",
    "supervised_contrastive_loss",
    "symmetric_cross_entropy",
    "token_cross_entropy",
    "tversky_loss",
    "uncertainty_weighting",
]
