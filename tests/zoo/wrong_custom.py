"""Wrong losses that torch does not have, each beside a reference written for it."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import references as ref
from . import wrong

GRADIENT = r"detach|graph|differentia|cut|no gradient|gradient (is|does|never|cannot|stops)|constant"


@wrong(ref.focal, "wrong formula", r"gamma|factor|power|exponent", inputs=ref.class_batch)
def focal_gamma_factor(logits, target, gamma=2.0):
    log_p = F.log_softmax(logits, dim=1).gather(1, target[:, None]).squeeze(1)
    return (gamma * (1 - log_p.exp()) * -log_p).mean()


@wrong(ref.focal, "wrong formula", r"mean|averag|each|pt", inputs=ref.class_batch, build=lambda c: c())
class FocalOfTheMean(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        ce = F.cross_entropy(logits, target)
        return (1 - torch.exp(-ce)) ** self.gamma * ce


@wrong(ref.focal, "partial detach", GRADIENT, inputs=ref.class_batch)
def focal_detached_weight(logits, target):
    ce = F.cross_entropy(logits, target, reduction="none")
    with torch.no_grad():
        weight = (1 - torch.exp(-ce)) ** 2
    return (weight * ce).mean()


@wrong(ref.focal, "wrong dim", r"dim|axis|batch|softmax", inputs=ref.class_batch)
def focal_softmax_over_batch(logits, target):
    log_p = torch.log_softmax(logits, 0)[torch.arange(len(target), device=target.device), target]
    return torch.mean((1 - log_p.exp()).pow(2) * -log_p)


@wrong(ref.focal, "unstable log, overflow", r"inf|nan|stab|log|satur|huge|large|finite", inputs=ref.class_batch)
def focal_log_softmax_by_hand(logits, target):
    p = F.softmax(logits, dim=1).gather(1, target[:, None])
    return ((1 - p) ** 2 * -torch.log(p)).mean()


@wrong(ref.focal, "softmax / sigmoid twice", r"softmax|twice", inputs=ref.class_batch)
def focal_on_probabilities(logits, target):
    return ref.focal(logits.softmax(dim=1), target)


@wrong(ref.focal, "silent broadcasting", r"broadcast|N ?[x×] ?N|shape|\(N|every", inputs=ref.class_batch)
def focal_broadcast(logits, target):
    log_p = F.log_softmax(logits, dim=1)
    pt = log_p.exp().gather(1, target.unsqueeze(1))
    return ((1 - pt) ** 2 * F.nll_loss(log_p, target, reduction="none")).mean()


@wrong(ref.binary_focal, "class weights", r"alpha|weight|class", inputs=ref.label_batch)
def focal_alpha_on_negatives(logits, target, alpha=0.25):
    ce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    pt = torch.exp(-ce)
    return ((alpha * (1 - target) + (1 - alpha) * target) * (1 - pt) ** 2 * ce).mean()


@wrong(ref.binary_focal, "reduction", r"sum|mean|times|divi|factor|averag|reduc", inputs=ref.label_batch)
def focal_per_positive(logits, target):
    ce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    alpha = torch.where(target == 1, 0.25, 0.75)
    return (alpha * (1 - torch.exp(-ce)) ** 2 * ce).sum() / target.sum().clamp(min=1)


@wrong(ref.binary_focal, "sign, log base", r"sign|minus|negat", inputs=ref.label_batch)
def focal_sign(logits, target):
    log_pt = -F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    alpha = 0.25 * target + 0.75 * (1 - target)
    return (alpha * (1 - log_pt.exp()) ** 2 * log_pt).mean()


@wrong(ref.dice, "reduction", r"batch|image|mean|sum|sample|each|averag|chunk", inputs=ref.mask_batch)
def dice_of_the_batch(logits, target, smooth=1.0):
    p, t = logits.sigmoid().reshape(-1), target.reshape(-1)
    return 1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)


@wrong(ref.dice, "wrong formula", r"factor|twice|\b2\b|doubl|half", inputs=ref.mask_batch)
def dice_without_two(logits, target):
    p, t = torch.sigmoid(logits).flatten(1), target.flatten(1)
    return (1 - ((p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)).mean()


@wrong(ref.dice, "not differentiable", GRADIENT + "|thresh|step|0 and 1, which has no slope", inputs=ref.mask_batch)
def dice_thresholded(logits, target):
    p, t = (logits.sigmoid() > 0.5).to(logits.dtype).flatten(1), target.flatten(1)
    score = (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)
    return (1 - score + 0 * logits.flatten(1).sum(1)).mean()


@wrong(ref.dice, "label convention", r"score|1 ?-|minus|sign", inputs=ref.mask_batch)
def dice_score(logits, target):
    return 1 - ref.dice(logits, target)


@wrong(ref.dice, "re-wrapped", GRADIENT + "|requires_grad|leaf", inputs=ref.mask_batch)
def dice_requires_grad(logits, target):
    return torch.tensor(float(ref.dice(logits, target)), dtype=logits.dtype, requires_grad=True)


@wrong(ref.dice, "eps too small", r"smooth|eps|empty", inputs=ref.mask_batch)
def dice_smooth_above_only(logits, target):
    p, t = torch.sigmoid(logits).flatten(1), target.flatten(1)
    return (1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1e-7)).mean()


@wrong(ref.tversky, "swapped arguments", r"alpha|beta|swap|false", inputs=ref.mask_batch)
def tversky_swapped(logits, target):
    return ref.tversky(logits, target, alpha=0.7, beta=0.3)


@wrong(ref.jaccard, "wrong formula", r"overlap|union|intersection|twice|dice", inputs=ref.mask_batch)
def jaccard_union_twice(logits, target):
    p, t = torch.sigmoid(logits).flatten(1), target.flatten(1)
    overlap = (p * t).sum(1)
    return (1 - (overlap + 1) / (p.sum(1) + t.sum(1) + 1)).mean()


@wrong(ref.info_nce, "wrong dim", r"dim|axis|normali", inputs=ref.pair_batch)
def info_nce_normalised_over_batch(q, k):
    scores = F.normalize(q, dim=0) @ F.normalize(k, dim=0).T / 0.1
    return F.cross_entropy(scores, torch.arange(len(q), device=q.device))


@wrong(ref.info_nce, "wrong formula", r"temperature|times|factor|divi", inputs=ref.pair_batch)
def info_nce_multiplies(q, k):
    scores = F.cosine_similarity(q[:, None], k[None], dim=2) * 0.1
    return F.cross_entropy(scores, torch.arange(len(q), device=q.device))


@wrong(ref.info_nce, "swapped arguments", r"swap|transpos|dim|axis|order|exchang|direction", inputs=ref.pair_batch)
def info_nce_transposed(queries, keys):
    return ref.info_nce(keys, queries)


@wrong(ref.info_nce, "softmax / sigmoid twice", r"softmax|twice", inputs=ref.pair_batch, build=lambda c: c())
class InfoNCETwice(nn.Module):
    def forward(self, q, k):
        scores = F.normalize(q, dim=1) @ F.normalize(k, dim=1).T / 0.1
        return F.cross_entropy(scores.softmax(1), torch.arange(len(q), device=q.device))


@wrong(ref.nt_xent, "wrong formula", r"itself|diagonal|self|mask", inputs=ref.pair_batch)
def nt_xent_with_itself(left, right):
    z = F.normalize(torch.cat([left, right]), dim=1)
    return F.cross_entropy(z @ z.T / 0.5, torch.arange(len(z), device=z.device).roll(len(left)))


@wrong(ref.contrastive, "label convention", r"label|flip|swap|similar|1 ?-|target", inputs=ref.labelled_pair_batch)
def contrastive_similar_is_one(left, right, same):
    d = F.pairwise_distance(left, right)
    return (same * d**2 + (1 - same) * F.relu(2 - d) ** 2).mean()


@wrong(ref.contrastive, "missing margin", r"margin", inputs=ref.labelled_pair_batch)
def contrastive_without_margin(left, right, different):
    d = F.pairwise_distance(left, right)
    return ((1 - different) * d**2 - different * d**2).mean()


@wrong(ref.contrastive, "wrong formula", r"square|margin", inputs=ref.labelled_pair_batch)
def contrastive_square_inside(left, right, different):
    d2 = F.pairwise_distance(left, right) ** 2
    return ((1 - different) * d2 + different * (2 - d2).clamp(min=0)).mean()


@wrong(ref.contrastive, "NaN gradient, finite value", r"nan|not finite|sqrt|root|eps", inputs=ref.labelled_pair_batch)
def contrastive_bare_root(left, right, different):
    d = (left - right).square().sum(1).sqrt()
    return ((1 - different) * d**2 + different * (2 - d).clamp(min=0) ** 2).mean()


@wrong(ref.distillation, "KLDiv", r"temperature|T²|T\*\*2|16|times|factor", inputs=ref.pair_batch)
def distillation_without_t2(student, teacher, T=4.0):
    return F.kl_div(F.log_softmax(student / T, 1), F.softmax(teacher / T, 1), reduction="batchmean")


@wrong(ref.distillation, "wrong variable", r"teacher|student|variab|zero|same|twice", inputs=ref.pair_batch)
def distillation_teacher_twice(student, teacher, T=4.0):
    q, p = F.log_softmax(teacher / T, dim=1), F.softmax(teacher / T, dim=1)
    return F.kl_div(q, p, reduction="batchmean") * T**2


@wrong(ref.distillation, "KLDiv", r"mean|batchmean|classes|times|factor|divi|reduc", inputs=ref.pair_batch)
def distillation_element_mean(student, teacher, T=4.0):
    return F.kl_div(F.log_softmax(student / T, 1), F.softmax(teacher / T, 1), reduction="mean") * T * T


@wrong(ref.distillation, "swapped arguments", r"swap|order|exchang|direction", inputs=ref.pair_batch)
def distillation_swapped(teacher, student):
    return ref.distillation(student, teacher)


@wrong(ref.quantile, "swapped arguments", r"swap|order|exchang|sign|quantile|1 ?- ?q|0\.1", inputs=ref.regression_batch)
def quantile_other_side(pred, target, q=0.9):
    error = pred - target
    return torch.max(q * error, (q - 1) * error).mean()


@wrong(ref.quantile, "wrong formula", r"abs|symmetr|quantile|both sides", inputs=ref.regression_batch)
def quantile_symmetric(pred, target, q=0.9):
    return (q * (target - pred).abs()).mean()


@wrong(ref.log_cosh, "unstable log, overflow", r"inf|overflow|large|huge|nan|finite", inputs=ref.regression_batch)
def log_cosh_overflows(pred, target):
    return torch.log(torch.cosh(pred - target)).mean()


@wrong(
    ref.log_cosh, "constant offset in a margin", r"log\(?2|constant|offset|0\.69|add(s|ed)", inputs=ref.regression_batch
)
def log_cosh_without_log_two(pred, target):
    e = pred - target
    return (e + F.softplus(-2 * e)).mean()


@wrong(ref.center, "wrong formula", r"half|0\.5|twice|times|factor", inputs=ref.center_batch)
def center_without_half(features, labels, centers):
    return (features - centers[labels]).pow(2).sum(1).mean()


@wrong(
    ref.center, "reduction", r"mean|sum|dimension|times|factor|divi|reduc", inputs=ref.center_batch, build=lambda c: c()
)
class CenterLoss(nn.Module):
    def forward(self, features, labels, centers):
        return 0.5 * F.mse_loss(features, centers.index_select(0, labels))


@wrong(ref.center, "expanded-square cancellation", r"float32|precis|cancel|large|expand|round", inputs=ref.center_batch)
def center_by_matrix(features, labels, centers):
    squares = features.pow(2).sum(1, keepdim=True) + centers.pow(2).sum(1) - 2 * features @ centers.T
    return 0.5 * squares.gather(1, labels[:, None]).mean()


@wrong(ref.charbonnier, "wrong formula", r"eps|square", inputs=ref.regression_batch)
def charbonnier_eps_not_squared(pred, target, eps=1e-3):
    return torch.sqrt((pred - target) ** 2 + eps).mean()


@wrong(ref.rmse, "reduction", r"mean|root|each|sum|averag|order", inputs=ref.regression_batch)
def rmse_per_row(pred, target):
    return torch.sqrt((pred - target).square().mean(1) + 1e-8).mean()


@wrong(ref.rmse, "NaN gradient, finite value", r"nan|not finite|sqrt|root|eps|inf", inputs=ref.regression_batch)
def rmse_bare(pred, target):
    return torch.sqrt(F.mse_loss(pred, target))


@wrong(ref.gaussian_kl, "wrong formula", r"std|standard deviation|variance|log_var|exp\(", inputs=ref.pair_batch)
def vae_log_std(mu, log_std):
    return (-0.5 * (1 + 2 * log_std - mu.pow(2) - (2 * log_std).exp()).sum(1)).mean()


@wrong(ref.gaussian_kl, "reduction", r"mean|sum|times|factor|divi|reduc", inputs=ref.pair_batch)
def vae_mean_of_all(mu, log_var):
    return -0.5 * torch.mean(1 + log_var - mu**2 - torch.exp(log_var))


@wrong(ref.gaussian_kl, "sign, log base", r"sign|minus|negat", inputs=ref.pair_batch)
def vae_sign(mu, log_var):
    return (0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(dim=1)).mean()


@wrong(ref.mape, "swapped arguments", r"swap|order|exchang|divi|pred", inputs=ref.positive_batch)
def mape_of_the_prediction(pred, target):
    return 100 * ((target - pred).abs() / pred.abs().clamp(min=1e-6)).mean()


@wrong(ref.masked_mse, "ignore_index averaging", r"mask|count|divi|mean|pad", inputs=ref.masked_batch)
def masked_mse_counts_all(pred, target, mask):
    return ((pred - target) ** 2 * mask).mean()


@wrong(ref.masked_mse, "accumulation normalisation", r"mask|row|sequence|mean of|averag|divi", inputs=ref.masked_batch)
def masked_mse_row_means(pred, target, mask):
    return (((pred - target) ** 2 * mask).sum(1) / mask.sum(1).clamp(min=1)).mean()


@wrong(ref.barlow_twins, "wrong formula", r"diagonal|weight|off", inputs=ref.pair_batch)
def barlow_diagonal_in_both(left, right):
    a, b = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt() for z in (left, right))
    c = a.T @ b / len(a)
    return (torch.diagonal(c) - 1).pow(2).sum() + 0.005 * c.pow(2).sum()


@wrong(ref.circle, "wrong formula", r"period|angle|turn|large", inputs=ref.regression_batch)
def angle_without_wrapping(pred, target):
    return ((pred - target) ** 2).mean()
