"""Wrong focal losses of several classes."""

import torch
from torch.nn import functional as F

from . import wrong


@wrong("multiclass_focal", "reduction", r"samples times classes|mean")
def focal_over_all_classes(logits, target):
    log_p = logits.log_softmax(1)
    hot = F.one_hot(target, logits.shape[1]).movedim(-1, 1)
    return (-hot * (1 - log_p.exp()) ** 2 * log_p).mean()


@wrong("softmax_focal", "wrong formula", r"mean|each|p is taken")
def focal_of_mean_cross_entropy(logits, target, gamma=2):
    ce = F.cross_entropy(logits, target)
    return (1 - torch.exp(-ce)) ** gamma * ce
