"""The exercises of In practice: boxes and their overlap."""

from __future__ import annotations

import torch

from ... import beyond as lb
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss

SHIFTED = torch.tensor([[0.0, 0.0, 4.0, 2.0]]), torch.tensor([[2.0, 0.0, 6.0, 2.0]])
UNIT = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


def giou_of_gap(gap: float) -> float:
    """The GIoU loss of two boxes with the side 1, side by side."""
    return float(lb.generalized_box_iou_loss(UNIT, UNIT + torch.tensor([1 + gap, 0.0, 1 + gap, 0.0])))


EXERCISES = {
    "iou-by-hand": Exercise(
        answer=lambda: (float(lb.box_iou_loss(*SHIFTED)), float(lb.generalized_box_iou_loss(*SHIFTED))),
        praise=lambda: _("4 of 12 are shared. The box around both is covered whole, so GIoU adds nothing."),
        mistakes=lambda: [
            ((1 / 3, 1 / 3), _("That is the IoU. The loss is 1 minus it.")),
            ((0.75, 0.75), _("The union is not 16: what both share counts once.")),
            ((0.5, 0.5), _("Divide what they share by the union of both, not by one box.")),
            ((2 / 3, 1.0), _("The first is right. How much of the box around both, 6 × 2, does neither cover?")),
        ],
        hint=lambda: _("They share 2 × 2. The union is 8 + 8 minus that. The box around both is 6 × 2."),
    ),
    "giou-of-a-gap": Exercise(
        answer=lambda: (giou_of_gap(1), giou_of_gap(8)),
        praise=lambda: _("A third and eight tenths of the box around both are empty. It never reaches 2."),
        mistakes=lambda: [
            (
                (1.0, 1.0),
                _("That is the IoU loss, which is 1 for all boxes that do not meet. GIoU adds the empty part."),
            ),
            ((2.0, 9.0), _("The empty part is a share of the box around both, so never more than 1.")),
            ((1 / 3, 0.8), _("That is the empty part. The IoU is 0, so 1 comes before it.")),
            ((1.5, 1 + 8 / 9), _("The box around both is as long as the gap and both boxes: 3 and 10.")),
        ],
        hint=lambda: _("1 minus an IoU of 0, plus the gap divided by the length of the box around both."),
    ),
    "mend-iou": WrittenLoss(
        "iou",
        names_the_slip=False,
        plain=Plain(
            "prediction, target",
            """
                width = min(prediction[2], target[2]) - max(prediction[0], target[0])
                height = min(prediction[3], target[3]) - max(prediction[1], target[1])
                shared = width * height
                areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (prediction, target)]
                return 1 - shared / (areas[0] + areas[1] - shared + 1e-7)
            """,
        ),
    ),
    "write-giou": WrittenLoss("giou", plain=Plain("prediction, target")),
}
