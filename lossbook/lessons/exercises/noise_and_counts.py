"""The exercises on losses for wild values, for counts and for noise that varies: Huber, Poisson, Gaussian."""

from __future__ import annotations

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise
from .written_loss import WrittenLoss

THREE_ERRORS = torch.tensor([1.0, -2.0, 6.0])


def huber_constant(delta: float) -> float:
    """The best constant for 1, 2, 3, 4 and 90, where 90 pulls with δ and the others with their errors."""
    return (1 + 2 + 3 + 4 + delta) / 4


EXERCISES = {
    "huber-by-hand": Exercise(
        answer=lambda: float(lf.huber_loss(THREE_ERRORS, torch.zeros(3), delta=2.0)),
        praise=lambda: _("0.5, 2 and 10, divided by 3. At the error −2 both lines of the formula give 2."),
        mistakes=lambda: [
            (12.5, _("That is the sum. The mean divides it by 3.")),
            (20.5 / 3, _("Half of each square is right up to δ. The error 6 lies beyond it, on the line.")),
            (14.5 / 3, _("The line does not start at 0: it is δ · (|e| − δ/2).")),
            (7.5 / 3, _("On the line the error is multiplied by δ: 2 · (6 − 1).")),
            (25 / 3, _("Below δ it is half the square, not the whole.")),
        ],
        hint=lambda: _(
            "Which of the three errors lie within 2? Take that line of the formula for each, then the mean."
        ),
    ),
    "huber-constant": Exercise(
        answer=lambda: huber_constant(5.0),
        praise=lambda: _(
            "Four errors on the parabola balance one pull of 5: the constant lies 5/4 above their mean, 2.5."
        ),
        mistakes=lambda: [
            (3.0, _("That is the median, the best constant with L1.")),
            (20.0, _("That is the mean, the best constant with MSE.")),
            (2.5, _("That is the mean of the four. The 90 still pulls, with 5.")),
            (7.5, _("The four pull together: each needs only a quarter of 5.")),
            (1.25, _("That is how far it lies above the mean of the four.")),
        ],
        hint=lambda: _("Let the constant be c. The four pull down with 4 · c − 10. Set this equal to 5."),
    ),
    "mend-huber": WrittenLoss("huber", takes=("delta",), names_the_slip=False),
    "write-weighted-huber": WrittenLoss("huber", takes=("delta", "weight")),
}
