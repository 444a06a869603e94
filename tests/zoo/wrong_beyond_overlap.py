"""Wrong losses of overlap."""

import torch
from torch.nn import functional as F

from . import wrong


@wrong("dice", "wrong formula", r"factor 2|twice", smooth_nr=1.0, smooth_dr=1.0)
def dice_of_one_intersection(logits, masks):
    p, t = torch.sigmoid(logits).flatten(1), masks.flatten(1)
    return 1 - (((p * t).sum(1) + 1) / ((p + t).sum(1) + 1)).mean()


@wrong("dice", "wrong dim", r"softmax|dimension|batch", mode="multiclass")
def dice_softmax_over_batch(logits, classes):
    p, t = logits.softmax(0).flatten(2), F.one_hot(classes, logits.shape[1]).movedim(-1, 1).flatten(2).to(logits)
    return (1 - (2 * (p * t).sum(2) + 1e-5) / ((p + t).sum(2) + 1e-5)).mean()
