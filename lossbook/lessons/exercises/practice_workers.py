"""The exercises of In practice: averages over workers and small batches."""

from __future__ import annotations

import torch

from ...language import gettext as _
from .exercise import Exercise
from .written_loss import WrittenLoss

TOKENS, MEANS = torch.tensor([10.0, 20.0, 70.0]), torch.tensor([4.0, 3.0, 2.0])
WORKERS, SAMPLES = 4, 8


def two_means() -> tuple[float, float]:
    """The mean of the workers' means, and the mean over all tokens."""
    return MEANS.mean().item(), ((TOKENS * MEANS).sum() / TOKENS.sum()).item()


EXERCISES = {
    "mean-of-means": Exercise(
        answer=two_means,
        praise=lambda: _("The 10 tokens with a loss of 4 count a third in the first, and a tenth in the second."),
        mistakes=lambda: [
            (two_means()[::-1], _("Both numbers are right, in the wrong order: the mean of means first.")),
            ((3.0, 3.0), _("The first is right. In the second each mean counts by its share of the tokens.")),
            ((2.4, 2.4), _("The second is right. DDP knows nothing of tokens: it takes the mean of three numbers.")),
            ((3.0, 240.0), _("The first is right. You have the sum of all losses: divide by the 100 tokens.")),
            ((9.0, 2.4), _("The second is right. The first is the sum of three means: divide by 3.")),
        ],
        hint=lambda: _("First (4 + 3 + 2) / 3. Then the losses of all 100 tokens added up, divided by 100."),
    ),
    "sum-under-ddp": Exercise(
        answer=lambda: float(WORKERS * SAMPLES / WORKERS),
        praise=lambda: _("The sum over all 32 samples is 32 times the mean, and DDP divides by the 4 workers."),
        mistakes=lambda: [
            (32.0, _("That is the sum over all samples. DDP divides it by the number of workers.")),
            (4.0, _("That is the number of workers, by which DDP divides. What is left of 32?")),
            (1.0, _("The sums are not divided by the samples of a worker.")),
            (2.0, _("DDP divides by the 4 workers once. Which number does it divide?")),
            (1 / 8, _("You have the factor the wrong way round: the gradient is larger.")),
        ],
        hint=lambda: _("How much larger is the sum over 32 samples than their mean? What does DDP divide by?"),
    ),
    "mend-accumulation": WrittenLoss("mse", names_the_slip=False),
}
