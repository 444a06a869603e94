"""The exercises of two pages of "In practice": a language model, and what a loss costs."""

from __future__ import annotations

import math

from ...language import gettext as _
from .exercise import Exercise
from .written_loss import WrittenLoss

LABELS = [-100, -100, -100, 5, 6, 7, 8, -100, -100]  # a prompt, an answer, padding
WITH_PROMPT = [1, 2, 3, 5, 6, 7, 8, -100, -100]


def _counted(labels: list[int]) -> float:
    """The tokens that a loss which shifts predicts: the first token has nothing before it."""
    return float(sum(token != -100 for token in labels[1:]))


EXERCISES = {
    "perplexity-of-two-batches": Exercise(
        answer=lambda: math.exp((2 * 300 + 3 * 100) / 400),
        praise=lambda: _("The mean over all 400 tokens is 2.25, and its exponential is the perplexity."),
        mistakes=lambda: [
            (math.exp(2.5), _("That averages the two batches alike. The first has three times as many tokens.")),
            ((3 * math.exp(2) + math.exp(3)) / 4, _("Take the exponential last, of the mean.")),
            (
                (math.exp(2) + math.exp(3)) / 2,
                _("Average the losses over the tokens first, then take the exponential."),
            ),
            (2.25, _("That is the mean loss. The perplexity is its exponential.")),
        ],
        hint=lambda: _("Add up the losses of all tokens, divide by their number, and take the exponential."),
    ),
    "tokens-that-count": Exercise(
        answer=lambda: (_counted(LABELS), _counted(WITH_PROMPT)),
        praise=lambda: _("The first token of the answer has the prompt before it, so all four count."),
        mistakes=lambda: [
            ((3.0, 6.0), _("The second is right. The first token of the answer is predicted from the prompt.")),
            ((4.0, 7.0), _("The first is right. The first token of the prompt has nothing before it.")),
            ((3.0, 7.0), _("The shift takes away the first token of the row, whatever it is.")),
            ((6.0, 8.0), _("Padding is marked too, so it does not count.")),
        ],
        hint=lambda: _("Leave out the first token of the row, then count those that are not −100."),
        digits=0,
    ),
    "mend-token-loss": WrittenLoss("token_cross_entropy", names_the_slip=False),
}
