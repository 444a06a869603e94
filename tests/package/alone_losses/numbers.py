"""Numbers: overflow, a missing logarithm, signs, vectors of zeros."""

import torch
from torch.nn import functional as F

from . import classes, pair, two
from .gradients import mean_error
from .masks import kept_rows


def naive_softplus(chosen, rejected):
    return torch.log(1 + torch.exp(rejected - chosen)).mean()


def softplus(chosen, rejected):
    return F.softplus(rejected - chosen).mean()


pair(
    "exp overflows",
    "float32",
    "predictions times 100",
    naive_softplus,
    softplus,
    lambda: (torch.randn(6), torch.randn(6)),
)


def log_of_sigmoid(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected)).mean()


pair(
    "log of a sigmoid",
    "edges",
    "The logarithm of 0",
    log_of_sigmoid,
    softplus,
    lambda: (torch.rand(6) * 3, torch.rand(6) * 3),
)


def sum_first(errors, weights):
    return (errors.square() @ weights).sum() / errors.numel()


def divided_first(errors, weights):
    return (errors.square() / errors.numel() @ weights).sum()


pair(
    "sum too large for float16",
    "half",
    "In float16",
    sum_first,
    divided_first,
    lambda: (torch.randn(3, 4000) * 6, torch.rand(4000, 1) + 0.5),
)


def probability(logits, labels):
    return F.nll_loss(logits.softmax(1), labels)


pair("logarithm is missing", "negative", "is a logarithm missing?", probability, kept_rows, classes)


def turned(prediction, target):
    return -mean_error(prediction, target)


pair("sign", "toward", "The loss grows", turned, mean_error, two)


def own_cosine(first, second):
    return 1 - ((first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1))).mean()


def torch_cosine(first, second):
    return 1 - F.cosine_similarity(first, second).mean()


pair("a vector of zeros", "edges", "(a row of zeros)", own_cosine, torch_cosine, two)


def hardest(features, labels, eps=0.0):
    distances = ((features[:, None] - features[None]).square().sum(2) + eps).sqrt()
    return distances.masked_fill(labels[:, None] != labels[None], 0).amax(1).mean()


def hardest_away_from_0(features, labels):
    return hardest(features, labels, 1e-6)


pair(
    "distances of a batch",
    "finite",
    "its gradient is NaN",
    hardest,
    hardest_away_from_0,
    lambda: (torch.randn(6, 3), torch.arange(6) // 2),
    certain=True,
)


def mean_over_classes(student, teacher):
    return F.kl_div(F.log_softmax(student, 1), F.softmax(teacher, 1), reduction="mean")


def mean_over_samples(student, teacher):
    return F.kl_div(F.log_softmax(student, 1), F.softmax(teacher, 1), reduction="batchmean")


pair("torch warns", "warnings", "batchmean", mean_over_classes, mean_over_samples, two)
