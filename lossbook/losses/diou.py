"""Distance IoU loss of boxes: IoU, and how far apart the centers are."""

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
def distance_box_iou_loss(
    input: Tensor,
    target: Tensor,
    *,
    eps: NotNegative = 1e-7,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""1 minus the intersection over union of two boxes, plus the distance of their centers.

    .. math:: \ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon} + \frac{\rho^2}{d^2 + \epsilon}

    ρ is the distance of the centers and d the diagonal of the smallest box around both. Where one box lies in the other,
    GIoU is no more than IoU; this one still draws the centers together.

    Args:
        input: predicted boxes, shape ``(*, 4)``: x1, y1, x2, y2, with x1 ≤ x2 and y1 ≤ y2, floating point.
        target: true boxes, shape of ``input``. In which unit does not matter, pixels or parts of the image.
        eps: added to what is divided by; 1e-7 is torchvision's, mmdetection and others have 1e-6 or 1e-7. Boxes in parts
            of an image have small areas: there it counts. With 0 nothing breaks either: 0 / 0 counts as 0.
        reduction: ``"mean"`` over the boxes; ``"sum"``; ``"none"``, torchvision's default.

    Returns:
        A tensor of shape ``()``, or one loss for each pair, shape ``(*)``, with ``reduction="none"``; between 0 and 2, without a
        unit. Equal boxes cost 0 (up to ``eps``); two equal points cost 1.

    Raises:
        ValueError: shapes differ or do not end in 4, a box has its corners the other way round, ``eps`` is negative.
        TypeError: ``input`` holds no floating-point numbers.

    Source: Z. Zheng et al., "Distance-IoU loss: faster and better learning for bounding box regression", 2020,
    https://arxiv.org/abs/1911.08287; torchvision's ``distance_box_iou_loss``, whose name it has.

    >>> import torch
    >>> a, b = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])  # 1 − 2/6 + 1/13
    >>> distance_box_iou_loss(a, b)
    tensor(0.7436)
    """
    a, b = of.boxes(input, target)
    losses = 1 - of.iou(a, b, eps) + of.over(of.center_distance(a, b), of.enclosing_diagonal(a, b), eps)
    return reduce(losses.to(input.dtype), reduction)


class DIoULoss(Loss):
    """Module form of :func:`lossbook.beyond.distance_box_iou_loss`."""

    function = distance_box_iou_loss


def definition(input: list[of.Box], target: list[of.Box], eps: float = 1e-7) -> Iterator[Term]:
    for a, b in zip(input, target, strict=True):
        c = of.around_by_hand(a, b)
        diagonal = (c[2] - c[0]) ** 2 + (c[3] - c[1]) ** 2
        iou = of.shared_by_hand(a, b) / (of.union_by_hand(a, b) + eps)
        yield Term(1 - iou + of.distance_by_hand(a, b) / (diagonal + eps))


def formula(eps: float) -> str:
    return r"\ell(b, g) = 1 - \frac{|b \cap g|}{|b \cup g| + \epsilon} + \frac{\rho^2}{d^2 + \epsilon}" + given(
        r"\epsilon", eps
    )


def term(shared: float, union: float, distance: float, diagonal: float, below: Callable[[float], str]) -> str:
    return f"1 − {number(shared)} / {below(union)} + {number(distance)} / {below(diagonal)}"


ENTRY = Entry(
    name="diou",
    also=("diou_loss", "distance_iou_loss", "DistanceIoULoss"),
    family="overlap",
    module=DIoULoss,
    page="practice/boxes",
    definition=definition,
    formula=formula,
    steps=of.steps_of_boxes(distance_box_iou_loss, (of.SHARED, of.UNION, of.DISTANCE, of.DIAGONAL), term),
    views=(of.moved(2.0),),
    batches=Kind(of.box_batches, of.large_boxes, trials=({"eps": 0.0},)),
    sample=of.sample_of_boxes,
    settings=({}, {"eps": 0.5}),
)
