"""Wrong losses of boxes."""

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
