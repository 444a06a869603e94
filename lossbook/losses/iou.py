"""IoU loss of boxes: how much of two boxes taken together is not in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from ..kit.batches.batch import Kind
from ..kit.entry import Entry, Term
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import NotNegative, Reduction
from ..kit.text import given, number
from . import _boxes as of


@loss_function
def box_iou_loss(
    input: Tensor,
    target: Tensor,
    *,
    eps: NotNegative = 1e-7,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""1 minus the intersection over union of two boxes.

    .. math:: \ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon}

    Where the boxes do not overlap it is 1 and has no slope; GIoU, DIoU and CIoU have one there. That of masks is
    :func:`lossbook.beyond.jaccard_loss`.

    Args:
        input: predicted boxes, shape ``(*, 4)``: x1, y1, x2, y2, with x1 ≤ x2 and y1 ≤ y2, floating point.
        target: true boxes, shape of ``input``. In which unit does not matter, pixels or parts of the image.
        eps: added to what is divided by; 1e-7 is torchvision's, mmdetection and others have 1e-6 or 1e-7. Boxes in parts
            of an image have small areas: there it counts. With 0 nothing breaks either: 0 / 0 counts as 0.
        reduction: ``"mean"`` over the boxes; ``"sum"``; ``"none"``, torchvision's default.

    Returns:
        A tensor of shape ``()``, or one loss for each pair, shape ``(*)``, with ``reduction="none"``; between 0 and 1, without a
        unit. Equal boxes cost 0 (up to ``eps``); two boxes without an area cost 1.

    Raises:
        ValueError: shapes differ or do not end in 4, a box has its corners the other way round, ``eps`` is negative.
        TypeError: ``input`` holds no floating-point numbers.

    Source: J. Yu et al., "UnitBox: an advanced object detection network", 2016, https://arxiv.org/abs/1608.01471, which takes
    −ln IoU; 1 − IoU is what H. Rezatofighi et al., 2019, https://arxiv.org/abs/1902.09630, compare with.

    >>> import torch
    >>> a, b = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])  # 1 − 2/6
    >>> box_iou_loss(a, b)
    tensor(0.6667)
    """
    a, b = of.boxes(input, target)
    return reduce((1 - of.iou(a, b, eps)).to(input.dtype), reduction)


class BoxIoULoss(Loss):
    """Module form of :func:`lossbook.beyond.box_iou_loss`."""

    function = box_iou_loss


def definition(input: list[of.Box], target: list[of.Box], eps: float = 1e-7) -> Iterator[Term]:
    for a, b in zip(input, target, strict=True):
        yield Term(1 - of.shared_by_hand(a, b) / (of.union_by_hand(a, b) + eps))


def formula(eps: float) -> str:
    return r"\ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon}" + given(r"\epsilon", eps)


def term(shared: float, union: float, below: Callable[[float], str]) -> str:
    return f"1 − {number(shared)} / {below(union)}"


ENTRY = Entry(
    name="iou",
    also=("box_iou", "iou_loss", "IoULoss"),
    family="overlap",
    module=BoxIoULoss,
    page="practice/boxes",
    definition=definition,
    formula=formula,
    steps=of.steps_of_boxes(box_iou_loss, (of.SHARED, of.UNION), term),
    views=(of.moved(4.0),),
    batches=Kind(of.box_batches, of.large_boxes, trials=({"eps": 0.0},)),
    sample=of.sample_of_boxes,
    settings=({}, {"eps": 0.5}),
)
