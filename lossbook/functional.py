"""The losses as functions, under the names of :mod:`torch.nn.functional`."""

from .losses.bce import binary_cross_entropy
from .losses.bce_with_logits import binary_cross_entropy_with_logits
from .losses.cosine_embedding import cosine_embedding_loss
from .losses.cross_entropy import cross_entropy
from .losses.ctc import ctc_loss
from .losses.gaussian_nll import gaussian_nll_loss
from .losses.hinge_embedding import hinge_embedding_loss
from .losses.huber import huber_loss
from .losses.kl_div import kl_div
from .losses.l1 import l1_loss
from .losses.linear_cross_entropy import linear_cross_entropy
from .losses.margin_ranking import margin_ranking_loss
from .losses.mse import mse_loss
from .losses.multi_margin import multi_margin_loss
from .losses.multilabel_margin import multilabel_margin_loss
from .losses.multilabel_soft_margin import multilabel_soft_margin_loss
from .losses.nll import nll_loss
from .losses.poisson_nll import poisson_nll_loss
from .losses.smooth_l1 import smooth_l1_loss
from .losses.soft_margin import soft_margin_loss
from .losses.triplet_margin import triplet_margin_loss
from .losses.triplet_margin_with_distance import triplet_margin_with_distance_loss
from .softmax import log_softmax, softmax

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "linear_cross_entropy",
    "log_softmax",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]
