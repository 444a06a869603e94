"""Right losses of boxes, as people write them."""

import math

import torch
from torch import nn

from . import right


@right("giou")
def giou_by_sides(pred, true):
    low, high = torch.maximum(pred[..., :2], true[..., :2]), torch.minimum(pred[..., 2:], true[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = (pred[..., 2:] - pred[..., :2]).prod(-1) + (true[..., 2:] - true[..., :2]).prod(-1) - shared
    low, high = torch.minimum(pred[..., :2], true[..., :2]), torch.maximum(pred[..., 2:], true[..., 2:])
    around = (high - low).prod(-1)
    return (2 - shared / (union + 1e-7) - (union + 1e-7) / (around + 1e-7)).mean()


@right("iou")
class IoULossOfBoxes(nn.Module):
    def forward(self, boxes, targets):
        w = (torch.min(boxes[..., 2], targets[..., 2]) - torch.max(boxes[..., 0], targets[..., 0])).clamp(0)
        h = (torch.min(boxes[..., 3], targets[..., 3]) - torch.max(boxes[..., 1], targets[..., 1])).clamp(0)
        sizes = [(b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1]) for b in (boxes, targets)]
        return 1 - (w * h / (sum(sizes) - w * h + 1e-7)).mean()


def _parts(a, b, eps=1e-7):
    """IoU, squared distance of the centers and squared diagonal, as YOLO's repositories write them: by coordinates."""
    ax1, ay1, ax2, ay2 = a.chunk(4, -1)
    bx1, by1, bx2, by2 = b.chunk(4, -1)
    inter = (ax2.minimum(bx2) - ax1.maximum(bx1)).clamp(min=0) * (ay2.minimum(by2) - ay1.maximum(by1)).clamp(min=0)
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inter + eps
    diagonal = (ax2.maximum(bx2) - ax1.minimum(bx1)) ** 2 + (ay2.maximum(by2) - ay1.minimum(by1)) ** 2 + eps
    apart = ((bx1 + bx2 - ax1 - ax2) ** 2 + (by1 + by2 - ay1 - ay2) ** 2) / 4
    return inter / union, apart, diagonal


def _v(a, b):
    (w1, h1), (w2, h2) = ((box[..., 2:] - box[..., :2]).chunk(2, -1) for box in (a, b))
    return 4 / math.pi**2 * (torch.atan(w2 / h2) - torch.atan(w1 / h1)).pow(2)


@right("diou")
def diou_by_coordinates(pred, target):
    iou, apart, diagonal = _parts(pred, target)
    return (1.0 - (iou - apart / diagonal)).mean()


@right("ciou")
def ciou_as_in_yolo(pred, target):
    iou, apart, diagonal = _parts(pred, target)
    v = _v(pred, target)
    with torch.no_grad():
        alpha = v / (v + (1 - iou) + 1e-7)
    return (1.0 - (iou - (apart / diagonal + v * alpha))).mean()


@right("ciou", iou_threshold=0.5)
def ciou_from_a_half_on(pred, target):
    iou, apart, diagonal = _parts(pred, target)
    v = _v(pred, target)
    alpha = ((iou > 0.5) * v / (1 - iou + v + 1e-7)).detach()
    return (1 - iou + apart / diagonal + alpha * v).sum() / pred[..., 0].numel()
