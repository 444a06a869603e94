"""The losses as modules, under the names of :mod:`torch.nn`."""

from .losses.adaptive_log_softmax import AdaptiveLogSoftmaxWithLoss
from .losses.bce import BCELoss
from .losses.bce_with_logits import BCEWithLogitsLoss
from .losses.cosine_embedding import CosineEmbeddingLoss
from .losses.cross_entropy import CrossEntropyLoss
from .losses.ctc import CTCLoss
from .losses.gaussian_nll import GaussianNLLLoss
from .losses.hinge_embedding import HingeEmbeddingLoss
from .losses.huber import HuberLoss
from .losses.kl_div import KLDivLoss
from .losses.l1 import L1Loss
from .losses.linear_cross_entropy import LinearCrossEntropyLoss
from .losses.margin_ranking import MarginRankingLoss
from .losses.mse import MSELoss
from .losses.multi_margin import MultiMarginLoss
from .losses.multilabel_margin import MultiLabelMarginLoss
from .losses.multilabel_soft_margin import MultiLabelSoftMarginLoss
from .losses.nll import NLLLoss
from .losses.poisson_nll import PoissonNLLLoss
from .losses.smooth_l1 import SmoothL1Loss
from .losses.soft_margin import SoftMarginLoss
from .losses.triplet_margin import TripletMarginLoss
from .losses.triplet_margin_with_distance import TripletMarginWithDistanceLoss
from .softmax import LogSoftmax, Softmax

__all__ = [
    "AdaptiveLogSoftmaxWithLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LinearCrossEntropyLoss",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]
