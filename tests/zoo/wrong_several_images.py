"""Wrong losses of several arguments: pixels, depths, boxes, ranking and recommendation."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import references_several as ref
from . import wrong

IGNORED = r"ignor|255|mask|left out|counted|pixels|label"
GRADIENT = r"detach|gradient"


@wrong(ref.pixel_ce, "ignore_index averaging", IGNORED + "|mean|divi", inputs=ref.pixel_batch)
def pixel_ce_over_all(logits, labels):
    losses = F.cross_entropy(logits, labels, ignore_index=255, reduction="none")
    return losses.mean()


@wrong(ref.pixel_ce, "ignore_index averaging", IGNORED + "|mean|image|each", inputs=ref.pixel_batch)
def pixel_ce_per_image(logits, labels):
    losses = F.cross_entropy(logits, labels, ignore_index=255, reduction="none").flatten(1)
    return (losses.sum(1) / (labels != 255).flatten(1).sum(1)).mean()


@wrong(ref.pixel_ce, "reshape without permute", r"permut|reshape|view|axis|dim", inputs=ref.pixel_batch)
def pixel_ce_view(logits, labels):
    return F.cross_entropy(logits.reshape(-1, logits.shape[1]), labels.reshape(-1), ignore_index=255)


@wrong(ref.boundary_bce, "position weights", r"weight|edge|1 \+|divi|norm|sum", inputs=ref.edge_batch)
def boundary_normalised(logits, mask, edge):
    weight = 1 + 5 * edge
    return F.binary_cross_entropy_with_logits(logits, mask, weight, reduction="sum") / weight.sum()


@wrong(ref.boundary_bce, "wrong variable", r"edge|weight", inputs=ref.edge_batch)
def boundary_of_the_mask(logits, mask, edge):
    return F.binary_cross_entropy_with_logits(logits, mask, 1 + 5 * mask)


@wrong(ref.boundary_bce, "unstable log, overflow", r"log|satur|inf|finite|large|exp", inputs=ref.edge_batch)
def boundary_by_hand(logits, mask, edge):
    p = logits.sigmoid()
    losses = -(mask * p.log() + (1 - mask) * (1 - p).log())
    return (losses * (1 + 5 * edge)).mean()


@wrong(ref.multiclass_dice, "wrong dim", r"dim|axis|softmax|class", inputs=ref.segment_batch)
def dice_softmax_over_rows(logits, labels):
    p = logits.softmax(-1)
    y = F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2).to(p.dtype)
    overlap, total = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return (1 - (2 * overlap + 1e-5) / (total + 1e-5)).mean()


@wrong(ref.multiclass_dice, "reduction", r"class|background|first|leaves|one of", inputs=ref.segment_batch)
def dice_without_background(logits, labels):
    p = logits.softmax(1)[:, 1:]
    y = F.one_hot(labels, logits.shape[1]).movedim(-1, 1)[:, 1:]
    overlap, total = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return (1 - (2 * overlap + 1e-5) / (total + 1e-5)).mean()


@wrong(
    ref.multiclass_dice, "reshape without permute", r"permut|reshape|view|axis|one.hot|dim", inputs=ref.segment_batch
)
def dice_one_hot_viewed(logits, labels):
    p = logits.softmax(1)
    y = F.one_hot(labels, logits.shape[1]).view_as(p)
    overlap, total = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return (1 - (2 * overlap + 1e-5) / (total + 1e-5)).mean()


@wrong(ref.depth, "ignore_index averaging", r"valid|mask|count|mean|divi|left out", inputs=ref.depth_batch)
def depth_over_all(pred, target, valid):
    error = (pred.log() - target.log()) * valid
    return (error.square().mean((1, 2)) - 0.5 * error.mean((1, 2)).square()).mean()


@wrong(ref.depth, "missing margin", r"valid|mask|no effect", inputs=ref.depth_batch)
def depth_ignores_valid(pred, target, valid):
    error = pred.log() - target.log()
    return (error.square().mean((1, 2)) - 0.5 * error.mean((1, 2)).square()).mean()


@wrong(ref.depth, "sign, log base", r"log|base|2\.3|10", inputs=ref.depth_batch)
def depth_log10(pred, target, valid):
    error = (pred.log10() - target.log10()) * valid
    n = valid.sum((1, 2))
    return (error.square().sum((1, 2)) / n - 0.5 * (error.sum((1, 2)) / n).square()).mean()


@wrong(ref.gradient_l1, "wrong dim", r"dim|axis|direction|twice|vertical", inputs=ref.picture_batch)
def gradient_same_way_twice(pred, target):
    down = (pred[:, 1:] - pred[:, :-1] - target[:, 1:] + target[:, :-1]).abs().mean()
    return down + down


@wrong(ref.gradient_l1, "wrong formula", r"abs|sign|order", inputs=ref.picture_batch)
def gradient_of_sizes(pred, target):
    down = (pred.diff(dim=1).abs() - target.diff(dim=1).abs()).abs().mean()
    return down + (pred.diff(dim=2).abs() - target.diff(dim=2).abs()).abs().mean()


@wrong(ref.centernet, "wrong formula", r"beta|power|exponent|target|weight|centre", inputs=ref.heat_batch)
def centernet_without_beta(heat, target):
    p = heat.sigmoid()
    positive = (1 - p) ** 2 * F.logsigmoid(heat) * (target == 1)
    negative = p**2 * F.logsigmoid(-heat) * (target < 1)
    return -(positive + negative).sum() / (target == 1).sum()


@wrong(ref.centernet, "reduction", r"mean|sum|divi|number|count|times", inputs=ref.heat_batch)
def centernet_mean(heat, target):
    p = heat.sigmoid()
    positive = (1 - p) ** 2 * F.logsigmoid(heat)
    negative = (1 - target) ** 4 * p**2 * F.logsigmoid(-heat)
    return -torch.where(target == 1, positive, negative).mean()


@wrong(ref.detection, "reduction", r"divi|count|mean|number|positive|batch|anchor", inputs=ref.anchor_batch)
def detection_over_all(scores, boxes, labels, targets):
    box = F.smooth_l1_loss(boxes, targets, beta=0.1, reduction="none").sum(1)
    return F.cross_entropy(scores, labels) + (box * (labels > 0)).mean()


@wrong(ref.detection, "reported: boxes", r"background|positive|mask|label|left out|which|row", inputs=ref.anchor_batch)
def detection_regresses_background(scores, boxes, labels, targets):
    box = F.smooth_l1_loss(boxes, targets, beta=0.1, reduction="none").sum(1)
    return F.cross_entropy(scores, labels) + box.sum() / (labels > 0).sum()


@wrong(ref.detection, "wrong formula", r"beta|Huber|smooth|factor|small|region", inputs=ref.anchor_batch)
def detection_huber(scores, boxes, labels, targets):
    kept = labels > 0
    box = F.huber_loss(boxes[kept], targets[kept], delta=0.1, reduction="sum") / kept.sum()
    return F.cross_entropy(scores, labels) + box


@wrong(ref.detection, "reported: detach", GRADIENT, inputs=ref.anchor_batch)
def detection_without_box_gradient(scores, boxes, labels, targets):
    kept = labels > 0
    box = F.smooth_l1_loss(boxes[kept].detach(), targets[kept], beta=0.1, reduction="sum") / kept.sum()
    return F.cross_entropy(scores, labels) + box


@wrong(ref.bpr, "unstable log, overflow", r"log|sigmoid|inf|satur|finite|underflow", inputs=ref.triple_batch)
def bpr_log_of_sigmoid(user, liked, other):
    margin = (user * liked).sum(1) - (user * other).sum(1)
    size = (user**2 + liked**2 + other**2).sum(1)
    return (-margin.sigmoid().log() + 0.01 * size).mean()


@wrong(ref.bpr, "eps too small", r"log|sigmoid|inf|satur|eps|gradient|flat|large", inputs=ref.triple_batch)
def bpr_log_with_eps(user, liked, other):
    margin = (user * liked).sum(1) - (user * other).sum(1)
    size = (user**2 + liked**2 + other**2).sum(1)
    return (-(margin.sigmoid() + 1e-10).log() + 0.01 * size).mean()


@wrong(ref.bpr, "partial detach", r"(other|argument|input 3).*gradient|detach", inputs=ref.triple_batch)
def bpr_negatives_detached(user, liked, other):
    other = other.detach()
    margin = (user * (liked - other)).sum(1)
    size = (user**2 + liked**2 + other**2).sum(1)
    return (F.softplus(-margin) + 0.01 * size).mean()


@wrong(ref.bpr, "partial detach", r"gradient|detach", inputs=ref.triple_batch)
def bpr_size_without_gradient(user, liked, other):
    margin = (user * (liked - other)).sum(1)
    size = (user.detach() ** 2 + liked**2 + other**2).sum(1)
    return (F.softplus(-margin) + 0.01 * size).mean()


@wrong(ref.list_mle, "reported: ranking", r"order|flip|sort|ascend|direction|reverse|sign", inputs=ref.list_batch)
def list_mle_from_the_end(scores, relevance):
    ranked = scores.gather(1, relevance.argsort(dim=1))
    return (ranked.flip(1).logcumsumexp(1).flip(1) - ranked).sum(1).mean()


@wrong(ref.list_mle, "unstable log, overflow", r"exp|overflow|inf|large|logcumsumexp|finite", inputs=ref.list_batch)
def list_mle_cumsum_of_exp(scores, relevance):
    ranked = scores.gather(1, relevance.argsort(dim=1, descending=True))
    return (ranked.exp().flip(1).cumsum(1).flip(1).log() - ranked).sum(1).mean()


@wrong(ref.list_mle, "reported: ranking", r"order|sort|relevance|no effect|rank", inputs=ref.list_batch)
def list_mle_by_its_own_order(scores, relevance):
    ranked = scores.sort(dim=1, descending=True).values
    return (ranked.flip(1).logcumsumexp(1).flip(1) - ranked).sum(1).mean()


@wrong(ref.pair_margin, "reduction", r"mean|divi|number|pairs|count|times", inputs=ref.graded_batch)
def pair_margin_over_all_pairs(scores, labels):
    pairs = labels.unsqueeze(2) > labels.unsqueeze(1)
    return ((0.5 - scores.unsqueeze(2) + scores.unsqueeze(1)).relu() * pairs).mean()


@wrong(ref.pair_margin, "sign, log base", r"sign|swap|order|turned|revers|minus", inputs=ref.graded_batch)
def pair_margin_turned(scores, labels):
    pairs = labels.unsqueeze(2) > labels.unsqueeze(1)
    return ((0.5 - scores.unsqueeze(1) + scores.unsqueeze(2)).relu() * pairs).sum() / pairs.sum()


@wrong(ref.reward, "missing margin", r"margin|no effect", inputs=ref.reward_batch)
def reward_without_margin(chosen, rejected, margin):
    return -F.logsigmoid(chosen - rejected).mean()


@wrong(ref.reward, "sign, log base", r"margin|sign|plus|minus", inputs=ref.reward_batch)
def reward_margin_added(chosen, rejected, margin):
    return -F.logsigmoid(chosen - rejected + margin).mean()


@wrong(ref.reward, "unstable log, overflow", r"log|sigmoid|inf|satur|finite|underflow", inputs=ref.reward_batch)
def reward_log_sigmoid(chosen, rejected, margin):
    return -torch.log(torch.sigmoid(chosen - rejected - margin)).mean()


@wrong(ref.reward, "partial detach", r"rejected.*gradient|detach", inputs=ref.reward_batch)
def reward_detaches_rejected(chosen, rejected, margin):
    return F.softplus(margin - chosen + rejected.detach()).mean()
