"""Generalized IoU loss of boxes: IoU, and how empty the smallest box around both is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from ..kit.batches.batch import Kind
from ..kit.entry import Entry, Term
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import NotNegative, Reduction
from ..kit.text import given, number
from . import _boxes as of
from ._boxes import Box, area_by_hand, around_by_hand, shared_by_hand, union_by_hand


@loss_function
def generalized_box_iou_loss(
    input: Tensor,
    target: Tensor,
    *,
    eps: NotNegative = 1e-7,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""1 minus the intersection over union of two boxes, plus the empty part of the smallest box around both.

    .. math:: \ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon} + \frac{|c| - |b \cup g|}{|c| + \epsilon}

    c is the smallest box around both. Boxes that lie apart have a slope too: it draws them together.

    Args:
        input: predicted boxes, shape ``(*, 4)``: x1, y1, x2, y2, with x1 ≤ x2 and y1 ≤ y2, floating point.
        target: true boxes, shape of ``input``. In which unit does not matter, pixels or parts of the image.
        eps: added to what is divided by; 1e-7 is torchvision's, mmdetection and others have 1e-6 or 1e-7. Boxes in parts
            of an image have small areas: there it counts. With 0 nothing breaks either: 0 / 0 counts as 0.
        reduction: ``"mean"`` over the boxes; ``"sum"``; ``"none"``, torchvision's default.

    Returns:
        A tensor of shape ``()``, or one loss for each pair, shape ``(*)``, with ``reduction="none"``; between 0 and 2, without a
        unit. Equal boxes cost 0 (up to ``eps``); two boxes without an area cost 1 to 2.

    Raises:
        ValueError: shapes differ or do not end in 4, a box has its corners the other way round, ``eps`` is negative.
        TypeError: ``input`` holds no floating-point numbers.

    Source: H. Rezatofighi et al., "Generalized intersection over union: a metric and a loss for bounding box regression", 2019,
    https://arxiv.org/abs/1902.09630; torchvision's ``generalized_box_iou_loss``, whose name it has.

    >>> import torch
    >>> a, b = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])  # 1 − 2/6 + 0/6
    >>> generalized_box_iou_loss(a, b)
    tensor(0.6667)
    """
    a, b = of.boxes(input, target)
    shared, union = of.shared_and_union(a, b)
    around = of.enclosing_area(a, b)
    losses = 1 - of.over(shared, union, eps) + of.over(around - union, around, eps)
    return reduce(losses.to(input.dtype), reduction)


class GIoULoss(Loss):
    """Module form of :func:`lossbook.beyond.generalized_box_iou_loss`."""

    function = generalized_box_iou_loss


def definition(input: list[Box], target: list[Box], eps: float = 1e-7) -> Iterator[Term]:
    for a, b in zip(input, target, strict=True):
        union, around = union_by_hand(a, b), area_by_hand(around_by_hand(a, b))
        yield Term(1 - shared_by_hand(a, b) / (union + eps) + (around - union) / (around + eps))


def formula(eps: float) -> str:
    text = r"\ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon} + \frac{|c| - |b \cup g|}{|c| + \epsilon}"
    return text + given("c", r"\text{the smallest box around both}") + given(r"\epsilon", eps)


def term(shared: float, union: float, around: float, below: Callable[[float], str]) -> str:
    u, c = number(union), number(around)
    return f"1 − {number(shared)} / {below(union)} + ({c} − {u}) / {below(around)}"


ENTRY = Entry(
    name="giou",
    also=("giou_loss", "generalized_iou_loss", "GeneralizedIoULoss"),
    family="overlap",
    module=GIoULoss,
    page="practice/boxes",
    definition=definition,
    formula=formula,
    steps=of.steps_of_boxes(generalized_box_iou_loss, (of.SHARED, of.UNION, of.AROUND), term),
    views=(of.moved(2.0),),
    batches=Kind(of.box_batches, of.large_boxes, trials=({"eps": 0.0},)),
    sample=of.sample_of_boxes,
    settings=({}, {"eps": 0.5}),
)
