"""Masks, ignored labels, and targets with holes."""

import torch
from torch.nn import functional as F

from . import pair, two


def lengths(*numbers):
    return (torch.arange(5) < torch.tensor(numbers)[:, None]).float()


def steps():
    return torch.randn(3, 5), torch.randn(3, 5), lengths(5, 3, 2)


def all_steps(prediction, target, mask):
    return ((prediction - target).abs() * mask).mean()


def kept_steps(prediction, target, mask):
    return ((prediction - target).abs() * mask).sum() / mask.sum().clamp(min=1)


pair("padding counts", "mask", "More padding, where mask is 0", all_steps, kept_steps, steps)


def mask_forgotten(prediction, target, mask):
    return (prediction - target).abs().sum() / mask.sum().clamp(min=1)


pair("mask without effect on errors", "mask", "Other numbers where mask is 0", mask_forgotten, kept_steps, steps)


def numerator_without_mask(values, mask):
    return values.sum() / mask.sum()


def masked_mean(values, mask):
    return (values * mask).sum() / mask.sum().clamp(min=1)


pair(
    "only the divisor is masked",
    "mask",
    "Other numbers where mask is 0",
    numerator_without_mask,
    masked_mean,
    lambda: (torch.randn(3, 5), lengths(5, 3, 2)),
)


def padded_labels():
    return torch.randn(6, 4), torch.tensor([0, 3, -100, 1, -100, 2])


def all_rows(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none").mean()


def kept_rows(logits, labels):
    return F.cross_entropy(logits, labels)


pair("ignored rows count", "ignored", "is counted in the mean", all_rows, kept_rows, padded_labels)


def filled(logits, labels):
    return F.cross_entropy(logits, labels.clamp(min=0))


pair("ignored labels filled", "ignored", "Other scores where the label is -100", filled, kept_rows, padded_labels)


def nan_kept(prediction, target):
    keep = ~target.isnan()
    return ((prediction - target.nan_to_num()) * keep).abs().sum() / keep.sum()


def nan_times_mask(prediction, target):
    keep = ~target.isnan()
    return ((prediction - target) * keep).abs().sum() / keep.sum()


def with_holes():
    prediction, target = two()
    target[1, 2] = float("nan")
    return prediction, target


pair("NaN times a mask", "finite", "The value is not finite", nan_times_mask, nan_kept, with_holes, certain=True)


def lists():
    return torch.randn(3, 5), torch.rand(3, 5), lengths(5, 3, 4).bool()


def padding_in_the_sum(scores, relevance, mask):
    order = relevance.masked_fill(~mask, -1).argsort(1, descending=True)
    sorted_scores = scores.masked_fill(~mask, 0).gather(1, order)
    places = torch.logcumsumexp(sorted_scores.flip(1), 1).flip(1) - sorted_scores
    return (places * mask.gather(1, order)).sum(1).mean()


def padding_out_of_the_sum(scores, relevance, mask):
    order = relevance.masked_fill(~mask, -1).argsort(1, descending=True)
    sorted_scores = scores.masked_fill(~mask, -1e9).gather(1, order)
    places = torch.logcumsumexp(sorted_scores.flip(1), 1).flip(1) - sorted_scores
    return torch.where(mask.gather(1, order), places, 0).sum(1).mean()


pair("padding in a sum", "mask", "what is left out still counts", padding_in_the_sum, padding_out_of_the_sum, lists)
