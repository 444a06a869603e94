"""The exercises of the part "A training case"."""

from __future__ import annotations

from ...language import gettext as _
from .exercise import Exercise

EXERCISES = {
    "fifty-by-fifty": Exercise(
        answer=lambda: "c",
        praise=lambda: _("Each prediction is pulled toward all 50 targets at once, and their mean is the best answer."),
        mistakes=lambda: [
            ("a", _("Subtract a tensor of shape (50,) from one of shape (50, 1) and print the shape of the result.")),
            ("b", _("Broadcasting is legal, so there is only a warning. Which numbers does it subtract?")),
            ("d", _("The minimum does not depend on the start. To which targets is each prediction compared?")),
        ],
        hint=lambda: _("Print the shape of the prediction minus the target. Which targets does each prediction meet?"),
    ),
}
