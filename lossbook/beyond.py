"""Losses that torch does not have, as functions and as modules."""

from .losses.arcface import ArcFaceLoss, arcface_loss
from .losses.charbonnier import CharbonnierLoss, charbonnier_loss
from .losses.clip import CLIPLoss, clip_loss
from .losses.contrastive import ContrastiveLoss, contrastive_loss
from .losses.distillation import DistillationLoss, distillation_loss
from .losses.dpo import DPOLoss, dpo_loss
from .losses.focal import SigmoidFocalLoss, sigmoid_focal_loss
from .losses.gaussian_kl import GaussianKLDivLoss, gaussian_kl_div
from .losses.info_nce import InfoNCELoss, info_nce_loss
from .losses.ipo import IPOLoss, ipo_loss
from .losses.js_div import JSDivLoss, js_div
from .losses.list_net import ListNetLoss, list_net_loss
from .losses.log_cosh import LogCoshLoss, log_cosh_loss
from .losses.nt_xent import NTXentLoss, nt_xent_loss
from .losses.pairwise_logistic import PairwiseLogisticLoss, pairwise_logistic_loss
from .losses.quantile import QuantileLoss, quantile_loss
from .losses.rmse import RMSELoss, rmse_loss
from .losses.soft_target_cross_entropy import SoftTargetCrossEntropyLoss, soft_target_cross_entropy
from .losses.supervised_contrastive import SupConLoss, supervised_contrastive_loss
from .losses.token_cross_entropy import TokenCrossEntropyLoss, token_cross_entropy
from .losses.uncertainty_weighting import UncertaintyWeighting, uncertainty_weighting

__all__ = [
    "ArcFaceLoss",
    "CLIPLoss",
    "CharbonnierLoss",
    "ContrastiveLoss",
    "DPOLoss",
    "DistillationLoss",
    "GaussianKLDivLoss",
    "IPOLoss",
    "InfoNCELoss",
    "JSDivLoss",
    "ListNetLoss",
    "LogCoshLoss",
    "NTXentLoss",
    "PairwiseLogisticLoss",
    "QuantileLoss",
    "RMSELoss",
    "SigmoidFocalLoss",
    "SoftTargetCrossEntropyLoss",
    "SupConLoss",
    "TokenCrossEntropyLoss",
    "UncertaintyWeighting",
    "arcface_loss",
    "charbonnier_loss",
    "clip_loss",
    "contrastive_loss",
    "distillation_loss",
    "dpo_loss",
    "gaussian_kl_div",
    "info_nce_loss",
    "ipo_loss",
    "js_div",
    "list_net_loss",
    "log_cosh_loss",
    "nt_xent_loss",
    "pairwise_logistic_loss",
    "quantile_loss",
    "rmse_loss",
    "sigmoid_focal_loss",
    "soft_target_cross_entropy",
    "supervised_contrastive_loss",
    "token_cross_entropy",
    "uncertainty_weighting",
]
