"""Complete IoU loss of boxes: IoU, how far apart the centers are, and how much the proportions differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Annotated

import torch
from torch import Tensor

from ..kit.batches.batch import Kind
from ..kit.entry import Entry, Term
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import NotNegative, Reduction, UnitInterval, one_of
from ..kit.text import given, number, operand
from ..language import gettext as _
from . import _boxes as of


@loss_function
def complete_box_iou_loss(
    input: Tensor,
    target: Tensor,
    *,
    eps: NotNegative = 1e-7,
    iou_threshold: UnitInterval = 0.0,
    v_gradient: Annotated[str, one_of("exact", "unscaled")] = "exact",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""1 minus the intersection over union of two boxes, plus the distance of their centers and of their proportions.

    .. math:: \ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon} + \frac{\rho^2}{d^2 + \epsilon} + \alpha v, \qquad
              v = \frac{4}{\pi^2} \left(\arctan \tfrac{w_g}{h_g} - \arctan \tfrac{w}{h}\right)^2, \quad
              \alpha = \frac{v}{(1 - IoU) + v + \epsilon}

    ρ is the distance of the centers and d the diagonal of the smallest box around both. α is a weight: no gradient flows
    through it. So the gradient is not the derivative of the value, as in the authors' code and torchvision's.

    Args:
        input: predicted boxes, shape ``(*, 4)``: x1, y1, x2, y2, with x1 ≤ x2 and y1 ≤ y2, floating point.
        target: true boxes, shape of ``input``. In which unit does not matter, pixels or parts of the image.
        eps: added to what is divided by, as in :func:`lossbook.beyond.distance_box_iou_loss`. torchvision (0.29) adds the
            given one in α alone, and 1e-7 elsewhere.
        iou_threshold: α is 0 where the IoU is below it. 0 in torchvision, 0.5 in mmdetection.
        v_gradient: ``"exact"``, the derivative of v: torchvision, mmdetection, and the authors' code in PyTorch today.
            ``"unscaled"``, the paper's: w² + h², the denominator of the derivatives with respect to w and h, is replaced by 1,
            since it is small for boxes in parts of an image; the authors' Darknet. Of pixels it makes a huge gradient. The
            value is the same. Equation 12 of the paper has both signs turned round, and so had the authors' first code in
            PyTorch, which much code still copies: it drives the proportions apart.
        reduction: ``"mean"`` over the boxes; ``"sum"``; ``"none"``, torchvision's default.

    Returns:
        A tensor of shape ``()``, or one loss for each pair, shape ``(*)``, with ``reduction="none"``; between 0 and
        2.5, without a unit. Equal boxes cost 0 (up to ``eps``). Boxes without an area have a finite gradient
        (torchvision: ``nan``).

    Raises:
        ValueError: shapes differ or do not end in 4, a box has its corners the other way round, ``eps`` is negative.
        TypeError: ``input`` holds no floating-point numbers.

    Source: Z. Zheng et al., "Distance-IoU loss: faster and better learning for bounding box regression", 2020,
    https://arxiv.org/abs/1911.08287; torchvision's ``complete_box_iou_loss``, whose name it has.

    >>> a, b = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])  # 1 − 2/6 + 1/13 + 0
    >>> complete_box_iou_loss(a, b)
    tensor(0.7436)
    """
    a, b = of.boxes(input, target)
    iou = of.iou(a, b, eps)
    apart = of.over(of.center_distance(a, b), of.enclosing_diagonal(a, b), eps)
    v = 4 / math.pi**2 * (angle(b) - angle(a, v_gradient == "unscaled")).square()
    alpha = torch.where(iou < iou_threshold, 0, of.over(v, 1 - iou + v, eps)).detach()
    return reduce((1 - iou + apart + alpha * v).to(input.dtype), reduction)


def angle(box: of.Corners, unscaled: bool = False) -> Tensor:
    """arctan of width / height, with a slope for a height of 0 too; a point has the angle and the slope 0."""
    width, height = (box.high - box.low).unbind()
    point = (width == 0) & (height == 0)
    # torch before 2.10 has no slope at atan2(0, 0) but nan.
    angles = torch.where(point, 0, torch.atan2(width, torch.where(point, 1, height)))
    if not unscaled:
        return angles
    return angles.detach() + (angles - angles.detach()) * (width.square() + height.square()).detach()


class CIoULoss(Loss):
    """Module form of :func:`lossbook.beyond.complete_box_iou_loss`."""

    function = complete_box_iou_loss


def proportions(a: of.Box, b: of.Box) -> float:
    """v of two boxes, in plain Python."""
    angles = [math.atan2(box[2] - box[0], box[3] - box[1]) for box in (a, b)]
    return 4 / math.pi**2 * (angles[1] - angles[0]) ** 2


def definition(
    input: list[of.Box],
    target: list[of.Box],
    eps: float = 1e-7,
    iou_threshold: float = 0.0,
    v_gradient: str = "exact",  # the value is the same
) -> Iterator[Term]:
    for a, b in zip(input, target, strict=True):
        c, v = of.around_by_hand(a, b), proportions(a, b)
        diagonal = (c[2] - c[0]) ** 2 + (c[3] - c[1]) ** 2
        iou = of.shared_by_hand(a, b) / (of.union_by_hand(a, b) + eps)
        alpha = 0.0 if iou < iou_threshold else v / (1 - iou + v + eps)
        yield Term(1 - iou + of.distance_by_hand(a, b) / (diagonal + eps) + alpha * v)


def formula(eps: float, iou_threshold: float) -> str:
    text = r"\ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon} + \frac{\rho^2}{d^2 + \epsilon} + \alpha v"
    text += given("v", r"\frac{4}{\pi^2} \left(\arctan \tfrac{w_g}{h_g} - \arctan \tfrac{w}{h}\right)^2")
    alpha = r"\frac{v}{(1 - IoU) + v + \epsilon}"
    if iou_threshold:
        alpha = rf"\begin{{cases}} {alpha} & IoU \ge {iou_threshold:g} \\ 0 & IoU < {iou_threshold:g} \end{{cases}}"
    return text + given(r"\alpha", alpha) + given(r"\epsilon", eps)


def proportions_line(a: of.Box, b: of.Box) -> tuple[str, float]:
    angles = [math.atan2(box[2] - box[0], box[3] - box[1]) for box in (a, b)]
    return f"(4 / {number(math.pi)}²) · ({number(angles[1])} − {operand(angles[0])})²", proportions(a, b)


PROPORTIONS = (lambda: _("Difference of the proportions, from the arctangents of width / height"), proportions_line)


def term(
    shared: float,
    union: float,
    distance: float,
    diagonal: float,
    v: float,
    iou_threshold: float,
    below: Callable[[float], str],
    **_settings: str,
) -> str:
    iou = f"{number(shared)} / {below(union)}"
    text = f"1 − {iou} + {number(distance)} / {below(diagonal)}"
    if shared < iou_threshold * union:
        return text
    return text + (f" + {number(v)}² / {below(1 - shared / union + v)}" if v else "")


ENTRY = Entry(
    name="ciou",
    also=("ciou_loss", "complete_iou_loss", "CompleteIoULoss"),
    family="overlap",
    module=CIoULoss,
    page="practice/boxes",
    definition=definition,
    formula=formula,
    steps=of.steps_of_boxes(complete_box_iou_loss, (of.SHARED, of.UNION, of.DISTANCE, of.DIAGONAL, PROPORTIONS), term),
    views=(of.moved(2.0),),
    batches=Kind(
        of.box_batches, of.large_boxes, trials=({"eps": 0.0}, {"iou_threshold": 0.5}, {"v_gradient": "unscaled"})
    ),
    sample=of.sample_of_boxes,
    settings=({}, {"eps": 0.1}, {"iou_threshold": 0.5}, {"v_gradient": "unscaled"}),
)
