"""The losses of lossbook.beyond as others write them, for the bench: the same tensors, the same numbers.

What is not imported from a library is its formula, or that of the authors, from the tests (`tests/package`). A library
is imported when a peer of its is called, so that without it the others can be.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module

import kornia
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.package import (
    test_boxes,
    test_charbonnier,
    test_clip,
    test_distillation,
    test_dpo,
    test_focal,
    test_gaussian_kl,
    test_ipo,
    test_js_div,
    test_list_net,
    test_log_cosh,
    test_noisy_labels,
    test_overlap,
    test_pairwise_logistic,
    test_quantile,
    test_soft_target_cross_entropy,
    test_softmax_focal,
    test_supervised_contrastive,
    test_token_cross_entropy,
    test_uncertainty_weighting,
)

Peer = Callable[..., Tensor]


def mean(losses: Peer, **settings) -> Peer:
    """The mean of a loss that returns one number for each element or sample."""
    return lambda *tensors: losses(*tensors, **settings).mean()


def by_sets(formula: Peer, **settings) -> Peer:
    """The mean of a loss of masks, from logits. The formulas of the tests have the tests' smoothing."""
    return lambda logits, target: formula(logits.sigmoid(), target, settings).mean()


def of_masks(name: str, **settings) -> Peer:
    """A loss of MONAI, in its form: a channel before the space."""

    def peer(logits: Tensor, target: Tensor) -> Tensor:
        loss = getattr(import_module("monai.losses"), name)(sigmoid=True, smooth_nr=1e-5, smooth_dr=1e-5, **settings)
        return loss(logits.unsqueeze(1), target.unsqueeze(1))

    return peer


def by_metric_learning(embeddings: Tensor, labels: Tensor) -> Tensor:
    return import_module("pytorch_metric_learning.losses").SupConLoss(temperature=0.1)(embeddings, labels)


def to_other_view(one: Tensor, other: Tensor) -> Tensor:
    """NT-Xent as everybody writes it. That of pytorch-metric-learning takes each pair with each: N³ numbers."""
    views = F.normalize(torch.cat([one, other]), dim=1)
    scores = (views @ views.T / 0.5).fill_diagonal_(-torch.inf)
    return F.cross_entropy(scores, torch.arange(len(views)).roll(len(one)))


def to_others(one: Tensor, other: Tensor) -> Tensor:
    """InfoNCE as everybody writes it."""
    scores = F.normalize(one, dim=1) @ F.normalize(other, dim=1).T / 0.1
    return F.cross_entropy(scores, torch.arange(len(one)))


def arcface(input: Tensor, weight: Tensor, target: Tensor) -> Tensor:
    """As insightface has it: the angle of the own class, moved."""
    cosine = F.linear(F.normalize(input), F.normalize(weight))
    own = cosine.gather(1, target[:, None])
    moved = (own.clamp(-1 + 1e-7, 1 - 1e-7).acos() + 0.5).cos()
    return F.cross_entropy(64 * cosine.scatter(1, target[:, None], moved), target)


#: by name of the loss: what others call it with the same tensors
PEERS: dict[str, dict[str, Peer]] = {
    "log_cosh": {"torchmetrics": mean(test_log_cosh.by_torchmetrics), "softplus": mean(test_log_cosh.by_softplus)},
    "charbonnier": {"BasicSR": mean(test_charbonnier.by_basicsr(1e-3))},
    "rmse": {"torch": lambda x, t: F.mse_loss(x, t).sqrt()},
    "quantile": {"PyTorch Forecasting": mean(test_quantile.by_maximum(0.5))},
    "js_div": {
        "TRL": lambda log_q, p: test_js_div.by_trl(log_q, p.log(), 0.5).mean(),
        "kornia": lambda log_q, p: kornia.losses.js_div_loss_2d(log_q.exp()[None, :, None], p[None, :, None]),
    },
    "distillation": {"TRL": mean(test_distillation.by_kl_div, T=2.0, direction="forward")},
    "gaussian_kl": {
        "torch": lambda mu, log_var: test_gaussian_kl.by_distributions(mu, log_var).sum() / len(mu),
        "examples/vae": lambda mu, log_var: test_gaussian_kl.by_pytorchs_example(mu, log_var).sum() / len(mu),
    },
    "focal": {
        "torchvision": mean(test_focal.by_the_paper, alpha=0.25, gamma=2.0),
        "kornia": mean(test_focal.by_kornia, alpha=0.25, gamma=2.0),
    },
    "dice": {"MONAI": of_masks("DiceLoss")},
    "tversky": {
        "MONAI": of_masks("TverskyLoss", alpha=0.3, beta=0.7),
        "segmentation-models": by_sets(test_overlap.tversky_by_sets),
    },
    "jaccard": {"MONAI": of_masks("DiceLoss", jaccard=True)},
    "focal_tversky": {"segmentation-models": by_sets(test_overlap.tversky_by_sets, gamma=0.75)},
    **{name: {"torchvision": mean(test_boxes.by_torchvision, name=name)} for name in ("iou", "giou", "diou", "ciou")},
    "softmax_focal": {
        "segmentation-models": mean(test_softmax_focal.by_cross_entropy, gamma=2.0),
        "MONAI": mean(test_softmax_focal.by_one_hot, gamma=2.0),
        "kornia": lambda z, t: kornia.losses.focal_loss(z, t, alpha=None, gamma=2.0).sum(1).mean(),
    },
    "generalized_cross_entropy": {"the authors": mean(test_noisy_labels.by_softmax, q=0.7)},
    "symmetric_cross_entropy": {
        "the authors": mean(test_noisy_labels.by_labels, alpha=0.1, beta=1.0, log_zero=-4.0),
        "others": mean(test_noisy_labels.by_other_classes, alpha=0.1, beta=1.0, log_zero=-4.0),
    },
    "soft_target_cross_entropy": {
        "timm": mean(test_soft_target_cross_entropy.by_timm),
        "torch": mean(test_soft_target_cross_entropy.by_torch),
    },
    "token_cross_entropy": {"transformers": test_token_cross_entropy.by_transformers},
    "arcface": {"insightface": arcface},
    "pairwise_logistic": {"torch": mean(test_pairwise_logistic.by_binary_cross_entropy, sigma=1.0)},
    "list_net": {
        "allRank": lambda s, y: test_list_net.by_allrank(s, y, torch.ones_like(s, dtype=torch.bool)).mean(),
    },
    "dpo": {"TRL": mean(test_dpo.by_trl, beta=0.1, label_smoothing=0.0)},
    "ipo": {"TRL": mean(test_ipo.by_trl, beta=0.1)},
    "contrastive": {
        "TensorFlow Addons": lambda a, b, y: (
            0.5 * (y * (d := F.pairwise_distance(a, b)) ** 2 + (1 - y) * (1 - d).relu() ** 2)
        ).mean()
    },
    "info_nce": {"torch": to_others},
    "nt_xent": {"torch": to_other_view},
    "supervised_contrastive": {
        "the authors": mean(test_supervised_contrastive.by_its_authors, temperature=0.1, base_temperature=0.1),
        "pytorch-metric-learning": by_metric_learning,
    },
    "clip": {"open_clip": partial(test_clip.by_open_clip, scale=1 / 0.07)},
    "uncertainty_weighting": {
        "the paper": lambda losses, log_var: test_uncertainty_weighting.by_kendall(
            losses, log_var, ("regression",) * losses.shape[1]
        ).sum()
    },
}
