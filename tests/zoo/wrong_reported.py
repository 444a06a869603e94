"""Losses as public reports describe them, written anew, each beside a reference of its own.

The address of the report stands above each. None of the reports' code is here.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import wrong


def _sequences(n=3, t=5, c=4):
    mask = (torch.arange(t) < torch.tensor([[5], [3], [2]])).float()
    return torch.randn(n, t, c), torch.randint(c, (n, t)), mask


# --- masks and padding
def masked_tokens(logits, labels, mask):
    rows = [F.cross_entropy(z[m > 0], y[m > 0], reduction="sum") for z, y, m in zip(logits, labels, mask, strict=True)]
    return torch.stack(rows).mean()


# d2l-ai/d2l-en#2076
@wrong(masked_tokens, "reported: mask", r"sum.*mean|mean.*sum|divi|count|averag", inputs=_sequences)
def mean_over_padded_steps(logits, labels, mask):
    each = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return (each * mask).mean(dim=1).mean()


def token_mean(values, mask):
    return values[mask > 0].mean()


def _values():
    return torch.randn(3, 5), (torch.arange(5) < torch.tensor([[5], [3], [2]])).float()


# alibaba/ROLL#444
@wrong(token_mean, "reported: mask", r"mask", inputs=_values)
def numerator_without_mask(values, mask):
    return values.sum() / mask.sum()


# DeepX-inc/machina#198
@wrong(token_mean, "reported: mask", r"mask|count|divi", inputs=_values)
def mean_of_masked(values, mask):
    return torch.mean(values * mask)


# ywk991112/pytorch-chatbot#12
@wrong(token_mean, "reported: broadcasting", r"broadcast|mask|mean|dimension", inputs=_values)
def mean_before_the_mask(values, mask):
    kept = values.mean(dim=1) * mask.mean(dim=1)
    return kept.sum() / mask.mean(dim=1).sum()


# --- VAE
def latent_kl(mu, log_var):
    rows = [0.5 * (m.square() + v.exp() - v - 1).sum() for m, v in zip(mu, log_var, strict=True)]
    return torch.stack(rows).mean()


def _latent():
    return torch.randn(6, 3), torch.randn(6, 3) * 0.5


# mkusner/grammarVAE#2
@wrong(latent_kl, "reported: VAE", r"mean.*sum|sum|divi|latent|elements|columns", inputs=_latent)
def kl_mean_over_latents(mu, log_var):
    return (-0.5 * torch.mean(1 + log_var - mu.pow(2) - log_var.exp(), dim=-1)).mean()


# pytorch/examples#225, deepchem/deepchem#4888
@wrong(latent_kl, "reported: VAE", r"exp|square|log_?var|function|step|variance|stand", inputs=_latent)
def kl_square_for_exp(mu, log_var):
    return (-0.5 * torch.sum(1 + log_var - mu**2 - log_var**2, dim=-1)).mean()


# SupaeroDataScience/deep-learning#6
@wrong(latent_kl, "reported: VAE", r"half|½|0\.5|factor|number|times|one (part )?too m", inputs=_latent)
def kl_half_forgotten(mu, log_var):
    return (0.5 * (mu.square() + log_var.exp() - log_var - 1) + 0.5 * mu.square()).sum(dim=1).mean()


# EDAPINENUT/GNTPP#4, GlassyWing/nvae#3
def sequence_kl(mu, log_var, mask):
    each = 0.5 * (mu.square() + log_var.exp() - log_var - 1)
    return sum(e[m > 0].sum() for e, m in zip(each, mask, strict=True)) / mask.sum()


@wrong(
    sequence_kl,
    "reported: VAE",
    r"dim|broadcast|mean|sum",
    inputs=lambda: (torch.randn(3, 5, 2), torch.randn(3, 5, 2) * 0.5, _values()[1]),
)
def kl_summed_over_everything(mu, log_var, mask):
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) * mask
    return kl.sum() / mask.sum()


# --- segmentation
def soft_dice(logits, labels):
    p = logits.softmax(1)
    t = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(p)
    scores = [
        (2 * (p[i, c] * t[i, c]).sum() + 1) / (p[i, c].sum() + t[i, c].sum() + 1)
        for i in range(p.shape[0])
        for c in range(p.shape[1])
    ]
    return 1 - torch.stack(scores).mean()


def _pictures():
    return torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))


def _masks(logits, labels):
    return F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2).to(logits)


# fastai/fastai#3439
@wrong(soft_dice, "reported: segmentation", r"dimension|dim=|class", inputs=_pictures)
def dice_over_classes_at_once(logits, labels):
    p, t = logits.softmax(1), _masks(logits, labels)
    inter, sizes = (p * t).sum((1, 2, 3)), (p + t).sum((1, 2, 3))
    return (1 - (2 * inter + 1) / (sizes + 1)).mean()


# kevinzakka/pytorch-goodies#2
@wrong(soft_dice, "reported: segmentation", r"softmax", inputs=_pictures)
def dice_of_softmax_twice(logits, labels):
    p, t = logits.softmax(1).softmax(1), _masks(logits, labels)
    inter, sizes = (p * t).sum((2, 3)), (p + t).sum((2, 3))
    return (1 - (2 * inter + 1) / (sizes + 1)).mean()


# jakeret/tf_unet#15
@wrong(soft_dice, "reported: segmentation", r"softmax|logit", inputs=_pictures)
def dice_of_logits(logits, labels):
    p, t = logits, _masks(logits, labels)
    inter, sizes = (p * t).sum((2, 3)), (p + t).sum((2, 3))
    return (1 - (2 * inter + 1) / (sizes + 1)).mean()


# hubutui/DiceLoss-PyTorch#1
@wrong(soft_dice, "reported: segmentation", r"2|twice|factor|times", inputs=_pictures)
def dice_of_classes_without_two(logits, labels):
    p, t = logits.softmax(1), _masks(logits, labels)
    inter, sizes = (p * t).sum((2, 3)), (p + t).sum((2, 3))
    return (1 - (inter + 1) / (sizes + 1)).mean()


# --- detection
def boxes(n=4):
    """Two rows of boxes (x1, y1, x2, y2) that overlap in part."""
    corner = torch.rand(2, n, 2) * 4
    both = torch.cat([corner, corner + torch.rand(2, n, 2) * 5 + 0.5], -1)
    return both[0], both[1]


def giou(p, t):
    rows = []
    for a, b in zip(p, t, strict=True):
        w = (torch.minimum(a[2], b[2]) - torch.maximum(a[0], b[0])).clamp(min=0)
        h = (torch.minimum(a[3], b[3]) - torch.maximum(a[1], b[1])).clamp(min=0)
        union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h
        hull = (torch.maximum(a[2], b[2]) - torch.minimum(a[0], b[0])) * (
            torch.maximum(a[3], b[3]) - torch.minimum(a[1], b[1])
        )
        rows.append(1 - w * h / union + (hull - union) / hull)
    return torch.stack(rows).mean()


def _areas(p, t):
    wh = (torch.min(p[:, 2:], t[:, 2:]) - torch.max(p[:, :2], t[:, :2])).clamp(min=0)
    inter = wh[:, 0] * wh[:, 1]
    sizes = (p[:, 2:] - p[:, :2]).prod(1) + (t[:, 2:] - t[:, :2]).prod(1)
    return inter, sizes


# noahcao/OC_SORT#64
@wrong(giou, "reported: boxes", r"union|inter|operand|place|subtract|minus", inputs=boxes)
def hull_minus_intersection(p, t):
    inter, sizes = _areas(p, t)
    union = sizes - inter
    outer = (torch.max(p[:, 2:], t[:, 2:]) - torch.min(p[:, :2], t[:, :2])).prod(1)
    return (1 - (inter / union - (outer - inter) / outer)).mean()


# Megvii-BaseDetection/YOLOX#723
@wrong(giou, "reported: boxes", r"union|divi|operand|hull|outer", inputs=boxes)
def hull_divided_by_union(p, t):
    inter, sizes = _areas(p, t)
    union = sizes - inter
    outer = (torch.max(p[:, 2:], t[:, 2:]) - torch.min(p[:, :2], t[:, :2])).prod(1)
    return (1 - (inter / union - (outer - union) / union)).mean()


# tianzhi0549/FCOS#355
@wrong(giou, "reported: boxes", r"min|max|outer|hull", inputs=boxes)
def hull_from_the_wrong_corners(p, t):
    inter, sizes = _areas(p, t)
    union = sizes - inter
    outer = (torch.max(p[:, 2:], t[:, 2:]) - torch.max(p[:, :2], t[:, :2])).prod(1)
    return (1 - (inter / union - (outer - union) / outer)).mean()


# --- policies and preferences
def policy(logp, old, ref, advantage, mask):
    rows = []
    for p, o, r, a, m in zip(logp, old, ref, advantage, mask > 0, strict=True):
        ratio = (p[m] - o[m]).exp()
        gain = torch.minimum(ratio * a, ratio.clamp(0.8, 1.2) * a)
        kl = (r[m] - p[m]).exp() - (r[m] - p[m]) - 1
        rows.append((0.04 * kl - gain).mean())
    return torch.stack(rows).mean()


def _answers():
    logp = -torch.rand(3, 5) * 3
    mask = (torch.arange(5) < torch.tensor([[5], [3], [2]])).float()
    return logp, logp + 0.3 * torch.randn(3, 5), logp + 0.3 * torch.randn(3, 5), torch.randn(3), mask


def _averaged(each, mask):
    return ((each * mask).sum(1) / mask.sum(1)).mean()


# marin-community/marin#1708
@wrong(policy, "reported: policy", r"sign|order|exchang|swap|argument|-x|place", inputs=_answers)
def kl_turned_round(logp, old, ref, advantage, mask):
    ratio, a = (logp - old).exp(), advantage.unsqueeze(1)
    gain = torch.min(ratio * a, ratio.clamp(0.8, 1.2) * a)
    gap = logp - ref
    return _averaged(0.04 * (gap.exp() - gap - 1) - gain, mask)


# HanlardResearch/Hetero-RL#6
@wrong(policy, "reported: policy", r"clip|clamp|min|max", inputs=_answers)
def larger_of_the_two_gains(logp, old, ref, advantage, mask):
    ratio, a = (logp - old).exp(), advantage.unsqueeze(1)
    gain = torch.max(ratio * a, ratio.clamp(0.8, 1.2) * a)
    gap = ref - logp
    return _averaged(0.04 * (gap.exp() - gap - 1) - gain, mask)


# huggingface/trl: the reference takes no part
@wrong(policy, "reported: policy", r"argument 3|\bref\b|kl|argument is used", inputs=_answers)
def kl_to_the_old_policy(logp, old, ref, advantage, mask):
    ratio, a = (logp - old).exp(), advantage.unsqueeze(1)
    gain = torch.min(ratio * a, ratio.clamp(0.8, 1.2) * a)
    gap = old - logp
    return _averaged(0.04 * (gap.exp() - gap - 1) - gain, mask)


def simple_preference(chosen, rejected, chosen_length, rejected_length):
    gaps = chosen / chosen_length - rejected / rejected_length
    return torch.stack([torch.log1p(torch.exp(-(2.0 * g - 0.5))) for g in gaps]).mean()


def _preferences():
    return (
        -torch.rand(5) * 20,
        -torch.rand(5) * 20,
        torch.randint(2, 9, (5,)).float(),
        torch.randint(2, 9, (5,)).float(),
    )


@wrong(simple_preference, "reported: preference", r"argument|not use|change nothing|length|place", inputs=_preferences)
def one_length_for_both(chosen, rejected, chosen_length, rejected_length):
    gap = chosen / chosen_length - rejected / chosen_length
    return -F.logsigmoid(2.0 * gap - 0.5).mean()


@wrong(simple_preference, "reported: preference", r"sign|margin|\+|-0\.5|constant", inputs=_preferences)
def margin_added(chosen, rejected, chosen_length, rejected_length):
    gap = chosen / chosen_length - rejected / rejected_length
    return -F.logsigmoid(2.0 * gap + 0.5).mean()


# --- sequences, depth, survival
# lpiccinelli-eth/UniDepth#127
def silog(pred, target, mask):
    total = []
    for p, t, m in zip(pred, target, mask > 0, strict=True):
        gap = p[m].log() - t[m].log()
        total.append((gap.var(correction=0) + 0.15 * gap.mean() ** 2).sqrt())
    return torch.stack(total).mean()


@wrong(
    silog,
    "reported: broadcasting",
    r"broadcasts \(3,\) \(3, 1\)",
    inputs=lambda: (torch.rand(3, 5) * 5 + 0.5, torch.rand(3, 5) * 5 + 0.5, _values()[1]),
)
def variance_row_meets_mean_column(pred, target, mask):
    gap, count = pred.log() - target.log(), mask.sum(1, keepdim=True)
    mean = (gap * mask).sum(1, keepdim=True) / count
    var = ((gap - mean).square() * mask).sum(1) / count.squeeze(1)
    return (var + 0.15 * mean**2).sqrt().mean()


# huggingface/transformers#47394
def next_token(logits, labels):
    rows = [-z[i].log_softmax(0)[y[i + 1]] for z, y in zip(logits, labels, strict=True) for i in range(len(y) - 1)]
    return torch.stack(rows).mean()


@wrong(
    next_token,
    "reported: sequences",
    r"shifted by one position too many",
    inputs=lambda: (torch.randn(2, 6, 4), torch.randint(4, (2, 6))),
)
def shifted_twice(logits, labels):
    logits, labels = logits[:, :-1], labels[:, 1:]
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


# huggingface/trl#3138
def by_answer(values, mask):
    return torch.stack([v[m].mean() for v, m in zip(values, mask > 0, strict=True)]).mean()


@wrong(by_answer, "reported: mask", r"ratio of two sums", inputs=_values)
def all_tokens_alike(values, mask):
    return (values * mask).sum() / mask.sum()


# locuslab/open-unlearning#30
def preference(chosen, rejected, chosen_before, rejected_before):
    gap = (chosen - rejected) - (chosen_before - rejected_before)
    return torch.log1p(torch.exp(-0.1 * gap)).mean()


@wrong(
    preference,
    "reported: preference",
    r"argument 4 \(rejected_before\) change nothing",
    inputs=lambda: tuple(-torch.rand(5) * 20 for _ in range(4)),
)
def overwritten_with_the_likelihood(chosen, rejected, chosen_before, rejected_before):
    loss = -F.logsigmoid(0.1 * (chosen - rejected - chosen_before + rejected_before)).mean()
    loss = -chosen.mean()
    return loss


# ecmwf/WeatherGenerator#2723
def _holes():
    mask = (torch.arange(5) < torch.tensor([[5], [3], [2]])).float()
    return torch.randn(3, 5).masked_fill(mask == 0, float("nan")), mask


@wrong(token_mean, "reported: mask", r"0 times NaN", inputs=_holes)
def nan_times_mask(values, mask):
    return (values * mask).sum() / mask.sum()
