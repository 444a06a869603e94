"""Wrong losses that torch does not have."""

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


@wrong("info_nce", "wrong formula", r"length|normali")
def info_nce_of_products(query, key):
    return F.cross_entropy(query @ key.T / 0.1, torch.arange(len(query), device=query.device))


@wrong("info_nce", "wrong formula", r"own key|negatives")
def info_nce_without_its_own_key(query, key):
    scores = F.normalize(query, dim=1) @ F.normalize(key, dim=1).T / 0.1
    own = torch.eye(len(query), dtype=torch.bool, device=query.device)
    return (scores.masked_fill(own, -torch.inf).logsumexp(1) - scores.diagonal()).mean()


@wrong("nt_xent", "wrong formula", r"itself|diagonal")
def nt_xent_of_all_rows(first, second):
    z = F.normalize(torch.cat([first, second]))
    labels = torch.arange(len(z), device=z.device).roll(len(first))
    return F.cross_entropy(z @ z.T / 0.5, labels)


@wrong("contrastive", "wrong formula", r"½|factor")
def contrastive_without_half(left, right, similar):
    d = torch.linalg.vector_norm(left - right, dim=-1)
    return (similar * d**2 + (1 - similar) * (1 - d).clamp(min=0) ** 2).mean()


@wrong("contrastive", "wrong formula", r"square")
def contrastive_of_plain_distances(left, right, similar):
    d = (left - right).pow(2).sum(-1).add(1e-12).sqrt()
    return 0.5 * torch.where(similar == 1, d, (1 - d).relu()).mean()


@wrong("dpo", "wrong formula", r"reference")
def dpo_without_a_reference(chosen, rejected, ref_chosen, ref_rejected):
    return -F.logsigmoid(0.1 * (chosen - rejected)).mean()


@wrong("dpo", "wrong formula", r"log-ratio alone|beta")
def dpo_with_beta_on_the_model(chosen, rejected, ref_chosen, ref_rejected):
    return F.softplus(ref_chosen - ref_rejected - 0.1 * (chosen - rejected)).mean()


@wrong("ipo", "wrong formula", r"1/\(2β\)")
def ipo_with_another_goal(chosen, rejected, ref_chosen, ref_rejected, beta=0.1):
    return ((chosen - rejected) - (ref_chosen - ref_rejected) - 1 / beta).square().mean()


@wrong("pairwise_logistic", "sign, log base", r"exchang|swap|turned")
def reward_model_prefers_the_rejected(first, second):
    return -F.logsigmoid(second - first).mean()


@wrong("pairwise_logistic", "wrong formula", r"logarithm")
def ranknet_without_logarithm(first, second, target):
    return -(target * torch.sigmoid(first - second) + (1 - target) * torch.sigmoid(second - first)).mean()


@wrong("clip", "wrong formula", r"direction")
def clip_in_one_direction(pictures, texts):
    scores = F.normalize(pictures, dim=1) @ F.normalize(texts, dim=1).T / 0.07
    return F.cross_entropy(scores, torch.arange(len(pictures), device=pictures.device))


@wrong("clip", "reduction", r"added|averaged|times|twice|factor")
def clip_of_both_added(pictures, texts):
    scores = F.normalize(pictures, dim=1) @ F.normalize(texts, dim=1).T / 0.07
    labels = torch.arange(len(pictures), device=pictures.device)
    return F.cross_entropy(scores, labels) + F.cross_entropy(scores.T, labels)


@wrong("supervised_contrastive", "wrong formula", r"itself|diagonal")
def supcon_with_itself(embeddings, labels):
    z = F.normalize(embeddings, dim=1)
    alike = (labels[:, None] == labels).to(z.dtype)
    return -((z @ z.T / 0.1).log_softmax(1) * alike).sum(1).div(alike.sum(1)).mean()


@wrong("supervised_contrastive", "reduction", r"divided by their number")
def supcon_summed_over_positives(embeddings, labels):
    z = F.normalize(embeddings, dim=1)
    own = torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_p = (z @ z.T / 0.1).masked_fill(own, -1e9).log_softmax(1)
    alike = (labels[:, None] == labels) & ~own
    return -(log_p * alike).sum(1).mean()


@wrong("list_net", "wrong formula", r"relevance|target")
def list_net_of_raw_relevance(scores, relevance):
    return -(relevance * scores.log_softmax(-1)).sum(-1).mean()


@wrong("list_net", "KLDiv", r"divergence|entropy")
def list_net_as_divergence(scores, relevance):
    return F.kl_div(scores.log_softmax(-1), relevance.log_softmax(-1), log_target=True, reduction="none").sum(-1).mean()


@wrong("arcface", "missing margin", r"margin")
def arcface_without_margin(embeddings, weight, target):
    return F.cross_entropy(64 * F.linear(F.normalize(embeddings), F.normalize(weight)), target)


@wrong("arcface", "wrong formula", r"CosFace|cosine")
def arcface_as_cosface(embeddings, weight, target):
    cosine = F.linear(F.normalize(embeddings), F.normalize(weight))
    return F.cross_entropy(64 * (cosine - 0.5 * F.one_hot(target, len(weight))), target)
