"""Wrong losses whose slip only a certain trial shows: a setting, a pair of settings, a shape, a number of samples."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import references as ref
from . import wrong

made = {"build": lambda c: c()}
WEIGHT = r"weight"


def _reduced(losses, reduction):
    return {"none": lambda: losses, "mean": losses.mean, "sum": losses.sum}[reduction]()


# --- settings
@wrong("mse", "position weights", WEIGHT)
def mse_forgets_its_weight(input, target, weight=None, reduction="mean"):
    return _reduced((input - target).square(), reduction)


@wrong("huber", "position weights", WEIGHT)
def huber_weighs_the_error(input, target, delta=1.0, weight=None):
    if weight is None:
        return F.huber_loss(input, target, delta=delta)
    return F.huber_loss(weight * input, weight * target, delta=delta)


@wrong("bce", "position weights", WEIGHT)
def bce_weight_over_its_sum(input, target, weight=None):
    losses = F.binary_cross_entropy(input, target, reduction="none")
    return losses.mean() if weight is None else (weight * losses).sum() / weight.sum()


@wrong("bce_with_logits", "position weights", WEIGHT, **made)
class WeightInForward(nn.Module):
    def forward(self, logits, labels, weight=None):
        losses = F.softplus(logits) - logits * labels
        return losses.mean() if weight is None else losses.mean() * weight.mean()


@wrong("smooth_l1", "NaN gradient, finite value", r"beta=0|not finite|NaN|division")
def smooth_l1_divides_by_beta(input, target, beta=1.0):
    d = (input - target).abs()
    return torch.where(d < beta, d.square() / (2 * beta), d - beta / 2).mean() + 0 * (d / beta).mean()


@wrong("gaussian_nll", "wrong variable", r"eps")
def gaussian_nll_fixed_eps(input, target, var, full=False, eps=1e-6):
    return F.gaussian_nll_loss(input, target, var, full=full)


@wrong("poisson_nll", "reduction", r"full|sum|Stirling|reduc")
def poisson_full_after_the_sum(input, target, log_input=True, full=False, reduction="mean"):
    loss = F.poisson_nll_loss(input, target, log_input=log_input, reduction=reduction)
    if full:
        stirling = target * target.clamp(min=1).log() - target + 0.5 * (2 * torch.pi * target.clamp(min=1)).log()
        loss = loss + stirling.where(target > 1, 0).mean()
    return loss


@wrong("linear_cross_entropy", "wrong variable", r"bias")
def linear_without_bias(input, linear_weight, target, linear_bias=None):
    return F.cross_entropy(F.linear(input, linear_weight), target)


@wrong("l1", "reduction", r"sum|reduc|mean", **made)
class SumOfDefaultsIsAMean(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        losses = (input - target).abs()
        return losses if self.reduction == "none" else losses.mean()


@wrong("hinge_embedding", "missing margin", r"margin|reduc|sum")
def margin_lost_in_the_sum(input, target, margin=1.0, reduction="mean"):
    margin = 1.0 if reduction == "sum" else margin
    return _reduced(torch.where(target == 1, input, (margin - input).clamp(min=0)), reduction)


@wrong("cross_entropy", "modifies its inputs", r"overwrit|in place|weight")
def normalises_the_weights_in_place(input, target, weight=None):
    if weight is not None:
        weight /= weight.sum()
    return F.cross_entropy(input, target, weight=weight)


CAPTURED = torch.tensor([1.0, 2.0, 0.5]).double()


@wrong("cross_entropy", "state across calls", r"remember|again|state", weight=CAPTURED.clone())
def halves_a_captured_weight(input, target):
    CAPTURED.div_(2)
    return F.cross_entropy(input, target, weight=CAPTURED.to(input.dtype))


# --- shapes and strides
@wrong("mse", "non-contiguous input", r"view|contiguous|stride")
def only_the_input_may_be_strided(input, target):
    if not input.is_contiguous():
        return (input.reshape(-1) - target.reshape(-1)).square().mean()
    return (input.view(-1) - target.view(-1)).square().mean()


@wrong("mse", "reduction", r"shape", reduction="none")
def one_row_of_losses(input, target):
    return (input - target).square().flatten()


@wrong("l1", "reduction", r"shape", reduction="none")
def one_loss_is_squeezed(input, target):
    return (input - target).abs().squeeze()


@wrong("gaussian_nll", "reduction", r"variance|shape|count|sum|mean|number")
def logarithms_once_a_row(input, target, var):
    var = var if var.dim() == input.dim() else var.unsqueeze(-1)
    return (
        0.5
        * (var.clamp(min=1e-6).log().sum() + ((input - target).square() / var.clamp(min=1e-6)).sum())
        / input.numel()
    )


@wrong("cross_entropy", "reduction", r"batch size|number of (all )?(positions|targets|elements)|sum|times")
def refuses_long_sequences(input, target):
    if input.dim() > 3 or (input.dim() == 3 and input.shape[2] > 5):
        raise ValueError("too long")
    losses = F.cross_entropy(input, target, reduction="none")
    if input.dim() == 3:
        return losses.sum() / len(input)
    return F.cross_entropy(input, target)


# --- numbers of samples
@wrong("cross_entropy", "accumulation normalisation", r"256|257|1009|samples|chunk|block")
def first_block_only(input, target, block=256):
    return F.cross_entropy(input[:block], target[:block])


@wrong("mse", "random subsampling", r"samples|1009|times|factor|divi")
def forgets_those_past_a_thousand(input, target):
    return (input - target).square().reshape(-1)[: 2**10 - 24].sum() / input.numel()


# --- values
@wrong("poisson_nll", "unstable log, overflow", r"clamp|beyond|large|rates")
def log_rate_clamped(input, target):
    return (input.clamp(max=12).exp() - target * input).mean()


@wrong("cosine_embedding", "NaN gradient, finite value", r"zeros|norm|not finite|NaN|division|root")
def cosine_of_a_zero_vector(first, second, label):
    cosine = (first * second).sum(-1) / (first.norm(dim=-1) * second.norm(dim=-1))
    return torch.where(label == 1, 1 - cosine, cosine.clamp(min=0)).mean()


@wrong("linear_cross_entropy", "ignore_index averaging", r"ignor")
def linear_ignored_as_class_0(input, linear_weight, target):
    return F.cross_entropy(input @ linear_weight.T, target.clamp(min=0))


@wrong("ctc", "wrong formula", r"one after the other|targets")
def ctc_targets_at_equal_distances(log_probs, targets, input_lengths, target_lengths):
    if targets.dim() == 1 and target_lengths.dim():
        longest = int(target_lengths.max())
        starts = torch.arange(len(target_lengths)) * (len(targets) // len(target_lengths))
        rows = (starts[:, None] + torch.arange(longest)).clamp(max=len(targets) - 1)
        targets = targets[rows]
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths)


@wrong("ctc", "unstable log, overflow", r"infinity|infinite|finite|zero_infinity")
def ctc_keeps_infinity(log_probs, targets, input_lengths, target_lengths, zero_infinity=False):
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths)


# --- what is not the value
class _OnesOnTheCpu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, error):
        ctx.shape, ctx.dtype = error.shape, error.dtype
        return error.sum()

    @staticmethod
    def backward(ctx, upstream):
        return upstream * torch.ones(ctx.shape, dtype=ctx.dtype)


@wrong("l1", "device, buffers", r"device|cpu")
def backward_on_the_cpu(input, target):
    return _OnesOnTheCpu.apply((input - target).abs()) / input.numel()


class Scaled(nn.Module):
    """A right loss with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor([0.5, -0.25, 0.0]))

    def forward(self, input, target):
        return ((input - target).square() * self.log_scale.exp() - self.log_scale).mean()


def three_columns():
    return torch.randn(5, 3), torch.randn(5, 3)


@wrong(Scaled(), "graph cut", r"parameter|detach", inputs=three_columns, **made)
class DetachedScale(Scaled):
    def forward(self, input, target):
        scale = self.log_scale.detach()
        return ((input - target).square() * scale.exp() - scale).mean()


@wrong(Scaled(), "partial detach", r"parameter|detach", inputs=three_columns, **made)
class HalfDetachedScale(Scaled):
    def forward(self, input, target):
        return ((input - target).square() * self.log_scale.exp() - self.log_scale.detach()).mean()


@wrong(Scaled(), "state across calls", r"parameter|optimizer", inputs=three_columns, **made)
class NewParameterEachCall(Scaled):
    def forward(self, input, target):
        self.log_scale = nn.Parameter(self.log_scale.detach().clone())
        return super().forward(input, target)


@wrong(ref.focal, "manners", r"set_grad_enabled|no_grad", inputs=ref.class_batch)
def turns_gradients_on(logits, target):
    torch.set_grad_enabled(False)
    rows = torch.arange(len(target), device=target.device)
    torch.set_grad_enabled(True)
    log_p = F.log_softmax(logits, dim=1)[rows, target]
    return ((1 - log_p.exp()) ** 2 * -log_p).mean()
