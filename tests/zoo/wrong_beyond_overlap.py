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


@wrong("tversky", "swapped arguments", r"swap|alpha|beta|false")
def tversky_weights_swapped(logits, masks, alpha=0.3, beta=0.7):
    p, t = logits.sigmoid().flatten(1), masks.flatten(1)
    tp, fp, fn = (p * t).sum(1), (p * (1 - t)).sum(1), ((1 - p) * t).sum(1)
    return 1 - ((tp + 1e-5) / (tp + beta * fp + alpha * fn + 1e-5)).mean()


@wrong("jaccard", "wrong formula", r"union|intersection|twice")
def jaccard_union_too_large(logits, masks):
    p, t = logits.sigmoid().flatten(1), masks.flatten(1)
    return 1 - (((p * t).sum(1) + 1e-5) / ((p + t).sum(1) + 1e-5)).mean()


@wrong("focal_tversky", "wrong formula", r"power|exponent|gamma|1 / gamma")
def focal_tversky_root(logits, masks, gamma=0.75):
    p, t = logits.sigmoid().flatten(1), masks.flatten(1)
    tp, fp, fn = (p * t).sum(1), (p * (1 - t)).sum(1), ((1 - p) * t).sum(1)
    return (1 - (tp + 1e-5) / (tp + 0.3 * fp + 0.7 * fn + 1e-5)).clamp(min=1e-9).pow(1 / gamma).mean()


def _generalized_dice(logits, target, weigh):
    p, t = logits.softmax(1).flatten(2), F.one_hot(target, logits.shape[1]).movedim(-1, 1).flatten(2).to(logits.dtype)
    weight = weigh(t.sum(2))
    return (1 - 2 * (weight * (p * t).sum(2)).sum(1) / (weight * (p + t).sum(2)).sum(1)).mean()


@wrong("generalized_dice", "class weights", r"not squared")
def generalized_dice_of_plain_sizes(logits, target):
    def weigh(sizes):
        weight = torch.where(sizes > 0, 1 / sizes.clamp(min=1), 0)
        return torch.where(sizes > 0, weight, weight.amax(1, keepdim=True))

    return _generalized_dice(logits, target, weigh)


@wrong("generalized_dice", "class weights", r"weights of the classes are missing")
def generalized_dice_without_weights(logits, target):
    return _generalized_dice(logits, target, torch.ones_like)


@wrong("dice", "class weights", r"weights", mode="multilabel", weight=torch.tensor([1.0, 3.0, 0.5]))
def dice_forgets_its_weights(logits, target):
    p, t = logits.sigmoid().flatten(2), target.flatten(2)
    return (1 - (2 * (p * t).sum(2) + 1e-5) / ((p + t).sum(2) + 1e-5)).mean()


@wrong("tversky", "class weights", r"sum of the weights", mode="multilabel", weight=torch.tensor([1.0, 3.0, 0.5]))
def tversky_divides_by_its_weights(logits, target):
    p, t = logits.sigmoid().flatten(2), target.flatten(2)
    tp, fp, fn = (p * t).sum(2), (p * (1 - t)).sum(2), ((1 - p) * t).sum(2)
    each = 1 - (tp + 1e-5) / (tp + 0.3 * fp + 0.7 * fn + 1e-5)
    weight = logits.new_tensor([1.0, 3.0, 0.5])
    return (each @ weight / weight.sum()).mean()


@wrong("focal_tversky", "wrong formula", r"logarithm", log_loss=True)
def focal_tversky_without_the_logarithm(logits, masks):
    p, t = logits.sigmoid().flatten(1), masks.flatten(1)
    tp, fp, fn = (p * t).sum(1), (p * (1 - t)).sum(1), ((1 - p) * t).sum(1)
    return (1 - (tp + 1e-5) / (tp + 0.3 * fp + 0.7 * fn + 1e-5)).clamp(min=1e-9).pow(0.75).mean()
