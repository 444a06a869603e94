"""Losses for the tests of `verify` without a right loss: wrong ones, each beside the right one, and other right ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Pair:
    check: str  #: the check that sees the wrong one
    says: str  #: a part of what it says
    wrong: Any
    right: Any
    inputs: Callable
    certain: bool = False  #: whether it fails, or is only told


PAIRS: dict[str, Pair] = {}


def pair(name, *args, **more):
    PAIRS[name] = Pair(*args, **more)


def two():
    return torch.randn(6, 3), torch.randn(6, 3)


def classes():
    return torch.randn(6, 4), torch.randint(4, (6,))


def lengths(*numbers):
    return (torch.arange(5) < torch.tensor(numbers)[:, None]).float()


def steps():
    return torch.randn(3, 5), torch.randn(3, 5), lengths(5, 3, 2)


# ---- shapes


def column(prediction, target):
    errors = (prediction - target).square()
    return errors.mean()


def squeezed(prediction, target):
    return (prediction - target.squeeze(1)).square().mean()


pair(
    "column meets row",
    "broadcast",
    "(6,), (6, 1) were broadcast to (6, 6)",
    column,
    squeezed,
    lambda: (torch.randn(6), torch.randn(6, 1)),
)


def by_view(logits, labels):
    return F.cross_entropy(logits.reshape(-1, logits.shape[1]), labels.flatten())


def by_permute(logits, labels):
    return F.cross_entropy(logits.movedim(1, -1).reshape(-1, logits.shape[1]), labels.flatten())


pair(
    "no permute",
    "mirrored",
    "without permute",
    by_view,
    by_permute,
    lambda: (torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))),
)


# ---- masks and ignored labels


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


# ---- gradients


def cut(prediction, target):
    return torch.tensor((prediction - target).abs().mean().item(), requires_grad=True)


def mean_error(prediction, target):
    return (prediction - target).abs().mean()


pair("cut", "reaches", "No gradient reaches the prediction", cut, mean_error, two, certain=True)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, prediction, target, factor):
        ctx.save_for_backward(prediction, target)
        ctx.factor = factor
        return (prediction - target).square().mean()

    @staticmethod
    def backward(ctx, upstream):
        prediction, target = ctx.saved_tensors
        return upstream * ctx.factor * (prediction - target) / prediction.numel(), None, None


pair(
    "backward by hand",
    "slopes",
    "does not belong to the forward pass",
    lambda prediction, target: Doubled.apply(prediction, target, 1.0),
    lambda prediction, target: Doubled.apply(prediction, target, 2.0),
    two,
    certain=True,
)


def root(anchor, positive):
    return (anchor - positive).square().sum(1).sqrt().mean()


def safe_root(anchor, positive):
    return ((anchor - positive).square().sum(1) + 1e-12).sqrt().mean()


pair("root at 0", "edges", "its gradient is not (perfect predictions)", root, safe_root, two)


# ---- numbers


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


# ---- what has no effect


def overwritten(logps, reference_logps, beta=0.1):
    loss = -F.logsigmoid(beta * (logps - reference_logps)).mean()
    loss = -logps.mean()
    return loss


def preference(logps, reference_logps, beta=0.1):
    return -F.logsigmoid(beta * (logps - reference_logps)).mean()


def log_probabilities():
    return -torch.rand(5) * 9, -torch.rand(5) * 9


pair("overwritten", "arguments", "reference_logps changes nothing", overwritten, preference, log_probabilities)
pair(
    "a setting without effect",
    "settings",
    "The setting beta changes nothing",
    overwritten,
    preference,
    log_probabilities,
)


def shifted(logits, labels):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def shifted_twice(logits, labels):
    return shifted(logits[:, :-1], labels[:, 1:])


pair(
    "shifted twice",
    "unused",
    "The last 2 steps along dimension 1",
    shifted_twice,
    shifted,
    lambda: (torch.randn(2, 7, 5), torch.randint(5, (2, 7))),
)


# ---- samples


def halves(logits, labels):
    parts = zip(logits.tensor_split(2), labels.tensor_split(2), strict=True)
    return torch.stack([(F.cross_entropy(z, y) + 1).log() for z, y in parts]).mean()


pair(
    "the mean of the halves",
    "order",
    "in another order",
    halves,
    kept_rows,
    lambda: (torch.randn(5, 4), torch.randint(4, (5,))),
)


class Summed(nn.Module):
    reduction = "mean"

    def forward(self, prediction, target):
        return (prediction - target).abs().sum()


class Meant(Summed):
    def forward(self, prediction, target):
        return (prediction - target).abs().mean()


pair("a mean that adds", "reduction", "Its reduction is 'mean'", Summed, Meant, two)


class Unreduced(Meant):
    def forward(self, prediction, target):
        return (prediction - target).abs()


pair("reduction not kept", "shape", "Its reduction is 'mean'", Unreduced, Meant, two, certain=True)


# ---- what is left behind


def in_place(prediction, target):
    return prediction.sub_(target).abs().mean()


pair("in place", "inputs", "The loss overwrites argument 1", in_place, mean_error, two, certain=True)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, generator=torch.Generator().manual_seed(1)))

    def forward(self, x, labels):
        return F.cross_entropy(x @ F.normalize(self.weight, dim=1).T, labels)


class Replacing(Head):
    def forward(self, x, labels):
        self.weight = nn.Parameter(F.normalize(self.weight, dim=1))
        return F.cross_entropy(x @ self.weight.T, labels)


pair(
    "a parameter replaced",
    "parameters",
    "replaces its parameter weight",
    Replacing,
    Head,
    lambda: (torch.randn(6, 3), torch.randint(4, (6,))),
    certain=True,
)


class Uncertain(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(2))

    def forward(self, losses):
        return (losses * (-self.log_variance).exp() + self.log_variance).sum()


class Certain(Uncertain):
    def forward(self, losses):
        return (losses * (-self.log_variance).exp() + self.log_variance).detach().sum() + 0 * losses.sum()


pair(
    "a parameter detached",
    "parameters",
    "No gradient reaches its parameter log_variance",
    Certain,
    Uncertain,
    lambda: (torch.rand(2) * 3,),
    certain=True,
)


class Switching(nn.Module):
    def forward(self, prediction, target):
        torch.set_grad_enabled(False)
        scale = target.abs().mean()
        torch.set_grad_enabled(True)
        return (prediction - target).abs().mean() / (scale + 1)


class WithNoGrad(nn.Module):
    def forward(self, prediction, target):
        with torch.no_grad():
            scale = target.abs().mean()
        return (prediction - target).abs().mean() / (scale + 1)


pair("gradients switched on", "switches", "set_grad_enabled", Switching, WithNoGrad, two, certain=True)


# ---- right losses of other kinds


def contrastive(image, text):
    logits = F.normalize(image, dim=1) @ F.normalize(text, dim=1).T / 0.1
    y = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)) / 2


def clipped(logp, old, advantage):
    ratio = (logp - old).exp()
    return -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()


def partial_likelihood(risk, time, event):
    at_risk = time[None, :] >= time[:, None]
    others = risk[None, :].expand(len(risk), -1).masked_fill(~at_risk, float("-inf"))
    return -((risk - others.logsumexp(1)) * event).mean()


def divergence(mu, log_var):
    return 0.5 * (log_var.exp() + mu.square() - 1 - log_var).sum(1).mean()


def counts(log_rate, target):
    return F.poisson_nll_loss(log_rate, target)


def quantile_huber(prediction, target):
    u = target[:, None, :] - prediction[:, :, None]
    tau = (torch.arange(4, device=u.device) + 0.5).view(1, -1, 1) / 4
    return ((tau - (u.detach() < 0).to(u)).abs() * F.huber_loss(u, torch.zeros_like(u), reduction="none")).mean()


def dice(logits, labels):
    p = logits.softmax(1)
    t = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(p)
    return 1 - ((2 * (p * t).sum((2, 3)) + 1) / ((p + t).sum((2, 3)) + 1)).mean()


def distilled(student, teacher, labels):
    soft = F.kl_div(F.log_softmax(student / 2, 1), F.softmax(teacher / 2, 1), reduction="batchmean")
    return F.cross_entropy(student, labels) + 4 * soft


def aligned(log_probs, targets):
    return F.ctc_loss(log_probs.log_softmax(2).transpose(0, 1), targets, (7, 7, 7), (3, 3, 3))


def weighted(inputs, targets):
    weight = torch.tensor([1.0, 2.0, 0.5, 1.0]).to(inputs)
    return F.cross_entropy(inputs, targets, weight=weight)


RIGHT = {
    loss.__name__: (loss, inputs)
    for loss, inputs in [
        (contrastive, two),
        (clipped, lambda: (-torch.rand(8), -torch.rand(8), torch.randn(8))),
        (partial_likelihood, lambda: (torch.randn(6), torch.rand(6) * 9, torch.tensor([1.0, 0, 1, 1, 0, 1]))),
        (divergence, two),
        (counts, lambda: (torch.randn(6, 2), torch.randint(5, (6, 2)).float())),
        (quantile_huber, lambda: (torch.randn(3, 4), torch.randn(3, 4))),
        (dice, lambda: (torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4)))),
        (distilled, lambda: (torch.randn(5, 4), torch.randn(5, 4), torch.randint(4, (5,)))),
        (aligned, lambda: (torch.randn(3, 7, 5), torch.randint(1, 5, (3, 3)))),
        (weighted, classes),
    ]
}
