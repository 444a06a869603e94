"""Wrong losses for yes and no, and for several labels."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import wrong

SIGMOID = r"sigmoid"
UNSTABLE = r"stab|overflow|underflow|inf|nan|huge|large|satur|logsigmoid|log\(0\)|finite|clamp"
EPS = r"eps|1e-|clamp|clip|satur|bound|too (small|large)|-100"
CONVENTION = r"-1|label|0/1|0 and 1|sign|convention|similar|flip|negat"


@wrong(
    "bce_with_logits",
    "silent broadcasting",
    r"broadcast|\(?N, ?N\)?|N ?[x×] ?N|every|squeeze|table",
    build=lambda c: c(),
)
class BinaryHead(nn.Module):
    def forward(self, logits, target):
        logits = logits.squeeze()
        return (F.softplus(logits) - logits * target).mean()


@wrong(nn.BCEWithLogitsLoss, "reduction", r"sum|mean|divi|times|factor|reduc|averag")
def multilabel_bce(logits, target):
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return loss.reshape(len(loss), -1).sum(dim=1).mean()


@wrong("multilabel_soft_margin", "reduction", r"sum|mean|divi|times|factor|reduc|averag|class")
def multilabel_sum(x, y):
    return -(y * F.logsigmoid(x) + (1 - y) * F.logsigmoid(-x)).sum(dim=-1).mean()


@wrong("bce", "reduction", r"sum|mean|divi|times|factor|reduc|averag")
def vae_bce(recon, x):
    return F.binary_cross_entropy(recon, x, reduction="sum") / recon.size(0)


# --- sigmoid twice
@wrong("bce_with_logits", "softmax / sigmoid twice", SIGMOID)
def double_sigmoid(out, y):
    out = torch.sigmoid(out)
    return F.binary_cross_entropy_with_logits(out, y)


@wrong("bce", "softmax / sigmoid twice", SIGMOID + r"|logit|probab")
def bce_of_sigmoid(p, y):
    return nn.BCELoss()(p.sigmoid(), y)


@wrong("multilabel_soft_margin", "softmax / sigmoid twice", SIGMOID, build=lambda c: c())
class TagLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.Sigmoid())
        self.loss = nn.MultiLabelSoftMarginLoss()

    def forward(self, scores, tags):
        return self.loss(self.head(scores), tags)


# --- logits or probabilities
@wrong("bce", "logits or probabilities", r"logit|probab|sigmoid")
def bce_thinks_logits(p, y):
    return (F.softplus(p) - p * y).mean()


@wrong("bce_with_logits", "logits or probabilities", r"sigmoid|logit|probab|softmax")
def softmax_for_sigmoid(logits, y):
    p = logits.softmax(-1)
    return F.binary_cross_entropy(p, y)


@wrong(F.binary_cross_entropy_with_logits, "logits or probabilities", r"sigmoid|logit|probab|range|clamp")
def bce_clamps_logits(logits, y):
    return F.binary_cross_entropy(logits.clamp(0, 1), y)


# --- class weights
@wrong("bce_with_logits", "class weights", r"pos_?weight|weight|positive|both|term", pos_weight=torch.tensor(3.0))
def pos_weight_everywhere(logits, y):
    return 3.0 * F.binary_cross_entropy_with_logits(logits, y)


@wrong("bce_with_logits", "class weights", r"pos_?weight|weight|negative|term", pos_weight=torch.tensor(2.0))
def pos_weight_on_negatives(logits, y):
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    return -(y * log_p + 2.0 * (1 - y) * log_q).mean()


@wrong("bce", "class weights", r"weight", weight=torch.tensor([1.0, 2.0, 0.5]))
def bce_divides_weights(p, y):
    w = p.new_tensor([1.0, 2.0, 0.5]).expand_as(p)
    return F.binary_cross_entropy(p, y, weight=w, reduction="sum") / w.sum()


# --- label convention
@wrong("soft_margin", "label convention", CONVENTION)
def logistic_zero_one(x, y):
    return (F.softplus(x) - x * y).mean()


@wrong("hinge_embedding", "label convention", CONVENTION)
def hinge_zero_one(distance, y):
    return torch.where(y > 0, F.relu(1 - distance), distance).mean()


@wrong(nn.SoftMarginLoss, "label convention", CONVENTION)
def soft_margin_converts(x, y):
    y = 2 * y - 1
    return torch.nn.functional.softplus(-y * x).mean()


@wrong("multilabel_soft_margin", "label convention", CONVENTION)
def labels_flipped(x, y):
    return F.binary_cross_entropy_with_logits(x, 1 - y)


# --- swapped arguments
@wrong("bce", "swapped arguments", r"swap|order|exchang")
def bce_swapped(y, p):
    return F.binary_cross_entropy(p.clamp(0, 1), y)


@wrong("bce_with_logits", "swapped arguments", r"swap|order|exchang")
def bce_logits_swapped(y, logits):
    return torch.mean(F.softplus(logits) - logits * y)


# --- sign, log base
@wrong("bce", "sign, log base", r"sign|minus|negat|second|1 ?- ?y|term")
def bce_sign_of_second(p, y):
    log_p, log_q = p.log().clamp(min=-100), (1 - p).log().clamp(min=-100)
    return -(y * log_p - (1 - y) * log_q).mean()


@wrong("soft_margin", "sign, log base", r"sign|minus|negat|flip")
def soft_margin_sign(x, y):
    return F.softplus(x * y).mean()


@wrong("bce_with_logits", "sign, log base", r"base|log2|bits|log 2|ln|factor|1\.44|0\.69")
def bce_bits(logits, y):
    return F.binary_cross_entropy_with_logits(logits, y) / 0.6931471805599453


# --- unstable log, overflow
@wrong("bce_with_logits", "unstable log, overflow", UNSTABLE)
def log_sigmoid_by_hand(x, y):
    p = torch.sigmoid(x)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()


@wrong("bce_with_logits", "unstable log, overflow", UNSTABLE)
def log_one_plus_exp(x, y):
    return ((1 - y) * x + torch.log(1 + torch.exp(-x))).mean()


@wrong("bce", "unstable log, overflow", UNSTABLE)
def bce_bare(p, y):
    return -torch.mean(y * p.log() + (1 - y) * (1 - p).log())


@wrong("multilabel_soft_margin", "unstable log, overflow", UNSTABLE, build=torch.jit.script)
def scripted_multilabel(x, y):
    return -(y * torch.log(torch.sigmoid(x)) + (1 - y) * torch.log(1 - torch.sigmoid(x))).mean()


# --- eps too small
@wrong("bce", "eps too small", EPS)
def bce_tiny_eps(p, y):
    p = p.clamp(1e-8, 1 - 1e-8)
    return -(y * p.log() + (1 - y) * torch.log(1 - p)).mean()


@wrong("bce_with_logits", "eps too small", EPS, build=lambda c: c())
class SigmoidBCE(nn.Module):
    eps = 1e-7

    def forward(self, x, y):
        p = torch.sigmoid(x).clamp(self.eps, 1 - self.eps)
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean()


@wrong(nn.BCELoss(), "eps too small", EPS)
def bce_plus_eps(p, y):
    return -(y * torch.log(p + 1e-4) + (1 - y) * torch.log(1 - p + 1e-4)).mean()


# --- NaN gradient, finite value
@wrong("bce_with_logits", "NaN gradient, finite value", r"nan|where|inf|overflow|finite")
def where_over_exp(x, y):
    log_z = torch.where(x > 30, x, torch.log1p(torch.exp(x)))
    return (log_z - x * y).mean()


@wrong("multilabel_soft_margin", "NaN gradient, finite value", r"nan|where|inf|overflow|finite")
def margin_where(x, y):
    log_z = torch.where(x < 50, torch.log1p(x.exp()), x)
    return (log_z - x * y).mean()


# --- soft labels truncated
@wrong("bce_with_logits", "soft labels truncated", r"soft|long|integer|truncat|round|\bhard|label|between|fraction")
def bce_long_labels(logits, y):
    y = y.long().to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, y)


@wrong("bce", "soft labels truncated", r"soft|bool|integer|truncat|round|\bhard|label|between|fraction|thresh|> ?0")
def bce_masked_labels(p, y):
    positive = y > 0.5
    return F.binary_cross_entropy(torch.where(positive, p, 1 - p), torch.ones_like(p))


# --- wrong formula
@wrong(
    "multilabel_margin",
    "wrong formula",
    r"other label|target|include|pairs|itself|both|not.*label|margin|constant|offset",
)
def every_class_against_labels(x, y):
    if x.dim() != 2:
        raise ValueError("a batch (N, C), please")
    total = x.new_zeros(())
    for row, labels in zip(x, y, strict=True):
        stop = int((labels < 0).nonzero()[0]) if bool((labels < 0).any()) else len(labels)
        for j in labels[:stop]:
            total = total + (1 - row[j] + row).clamp(min=0).sum() - 1
    return total / x.numel()


@wrong("bce_with_logits", "wrong formula", r"negative|second|term|1 ?- ?(y|target)|missing|only|positive")
def only_positives(logits, y):
    return -(y * F.logsigmoid(logits)).mean()


@wrong("soft_margin", "wrong formula", r"hinge|margin|formula|relu|log|soft")
def svm_hinge(x, y):
    return (1 - x * y).clamp(min=0).mean()


@wrong("focal", "class weights", r"alpha|weight|class")
def focal_alpha_swapped(logits, y):
    log_p = torch.where(y == 1, F.logsigmoid(logits), F.logsigmoid(-logits))
    return -(torch.where(y == 1, 0.75, 0.25).to(logits.dtype) * (1 - log_p.exp()) ** 2 * log_p).mean()


# --- margins
@wrong("hinge_embedding", "missing margin", r"margin")
def hinge_without_margin(d, y):
    return torch.where(y == 1, d, (-d).clamp(min=0)).mean()


@wrong(
    nn.HingeEmbeddingLoss(margin=2.0),
    "constant offset in a margin",
    r"margin|offset|constant|shift|clamp|clip|one (part )?too m",
)
def hinge_margin_kept(d, y):
    push = torch.maximum(2.0 - d, torch.zeros_like(d))
    return torch.where(y == 1, d, push + 0.5).mean()
