"""The exercises of the guide to losses: writing your own."""

from __future__ import annotations

from ...language import gettext as _
from .exercise import Exercise

EXERCISES = {
    "repair-f1": Exercise(
        answer=lambda: "d",
        praise=lambda: _("The probabilities themselves have a slope, so the gradient finds its way to the weights."),
        mistakes=lambda: [
            ("a", _("A new tensor has no past: there is a gradient then, but no path from it to the weights.")),
            ("b", _("The data type is not the problem. The comparison has cut the gradient already.")),
            ("c", _("detach cuts the gradient too, and round is flat: its slope is 0 wherever it exists.")),
        ],
        hint=lambda: _("Which of the four lines lets a small change of p change the loss a little?"),
    ),
    "verify-report": Exercise(
        answer=lambda: "b",
        praise=lambda: _("The mean goes over all elements; len counts the rows only."),
        mistakes=lambda: [
            ("a", _("That counts the columns alone, and a single row of numbers has none. What does the mean count?")),
            ("c", _("Both tensors have the same length, so that is the loss as it was.")),
            ("d", _("That mends this input by chance. Try it on three columns.")),
        ],
        hint=lambda: _("Compare what came with what should have come, and count the elements of the smallest input."),
    ),
}
