"""Wrong losses of boxes."""

import math

import torch

from . import wrong


def _iou(pred, true, below=0.0):
    low, high = torch.maximum(pred[..., :2], true[..., :2]), torch.minimum(pred[..., 2:], true[..., 2:])
    shared = (high - low).clamp(min=below).prod(-1)
    union = (pred[..., 2:] - pred[..., :2]).prod(-1) + (true[..., 2:] - true[..., :2]).prod(-1) - shared
    return shared / (union + 1e-7)


@wrong("iou", "wrong formula", r"apart|below 0|not set")
def iou_of_boxes_apart(pred, true):
    return (1 - _iou(pred, true, below=float("-inf"))).mean()


@wrong("diou", "wrong formula", r"squared|diagonal")
def diou_without_a_diagonal(pred, true):
    apart = ((pred[..., :2] + pred[..., 2:] - true[..., :2] - true[..., 2:]) / 2).square().sum(-1)
    return (1 - _iou(pred, true) + apart).mean()


def _around(pred, true):
    low, high = torch.minimum(pred[..., :2], true[..., :2]), torch.maximum(pred[..., 2:], true[..., 2:])
    return high - low


@wrong("giou", "wrong formula", r"sign")
def giou_rewards_the_empty_part(pred, true):
    iou = _iou(pred, true)
    union = sum((box[..., 2:] - box[..., :2]).prod(-1) for box in (pred, true)) / (1 + iou)
    around = _around(pred, true).prod(-1)
    return (1 - (iou + (around - union) / around)).mean()


@wrong("giou", "wrong formula", r"divided by the union|smallest box")
def giou_divides_by_the_union(pred, true):
    iou = _iou(pred, true)
    union = sum((box[..., 2:] - box[..., :2]).prod(-1) for box in (pred, true)) / (1 + iou)
    return (1 - iou + (_around(pred, true).prod(-1) - union) / union).mean()


def _ciou(pred, true, weigh, factor=4 / math.pi**2):
    iou = _iou(pred, true)
    apart = ((pred[..., :2] + pred[..., 2:] - true[..., :2] - true[..., 2:]) / 2).square().sum(-1)
    angles = [torch.atan((box[..., 2] - box[..., 0]) / (box[..., 3] - box[..., 1])) for box in (pred, true)]
    v = factor * (angles[1] - angles[0]) ** 2
    return (1 - iou + apart / _around(pred, true).square().sum(-1) + weigh(iou, v) * v).mean()


@wrong("ciou", "partial detach", r"detach")
def ciou_with_a_slope_of_alpha(pred, true):
    return _ciou(pred, true, lambda iou, v: v / (1 - iou + v + 1e-7))


@wrong("ciou", "wrong formula", r"4 / π²|factor")
def ciou_without_four_over_pi_squared(pred, true):
    return _ciou(pred, true, lambda iou, v: (v / (1 - iou + v + 1e-7)).detach(), factor=1.0)


@wrong("ciou", "wrong formula", r"alpha is missing|whole")
def ciou_without_alpha(pred, true):
    return _ciou(pred, true, lambda iou, v: 1.0)
