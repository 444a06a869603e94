"""The exercises of two pages of "In practice": a language model, and what a loss costs."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from ...language import gettext as _
from ..practice import peak_memory
from .exercise import Exercise
from .written_loss import WrittenLoss

LABELS = [-100, -100, -100, 5, 6, 7, 8, -100, -100]  # a prompt, an answer, padding
MEBIBYTE = 2**20
WITH_PROMPT = [1, 2, 3, 5, 6, 7, 8, -100, -100]


def _counted(labels: list[int]) -> float:
    """The tokens that a loss which shifts predicts: the first token has nothing before it."""
    return float(sum(token != -100 for token in labels[1:]))


def _peak(parts: int) -> float:
    """MiB of a step of cross-entropy over 256 samples and 2048 classes, each micro-batch with its own backward."""
    x, target = torch.zeros(256, 16), torch.zeros(256, dtype=torch.int64)
    weight = torch.zeros(2048, 16, requires_grad=True)

    def step() -> None:
        for rows, t in zip(x.chunk(parts), target.chunk(parts), strict=True):
            (F.cross_entropy(rows @ weight.T, t, reduction="sum") / 256).backward()

    return peak_memory(step) / MEBIBYTE


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
    "table-of-pairs": Exercise(
        answer=lambda: 4096 * 4096 * torch.float32.itemsize / MEBIBYTE,
        praise=lambda: _("Twice the batch would take four times as much, and more than one such table is held."),
        mistakes=lambda: [
            (16.0, _("That counts the numbers, in units of 1024 · 1024. Each takes four bytes.")),
            (128.0, _("A 32-bit float has four bytes.")),
            (67.0, _("You divided by a million. A MiB is 1024 · 1024 bytes.")),
            (512.0, _("Those are bits. A byte has eight.")),
        ],
        hint=lambda: _("One number for each pair, four bytes each, divided by 1024 · 1024."),
        digits=0,
    ),
    "micro-batch-memory": Exercise(
        answer=lambda: tuple(3 * 512 // parts * 4096 * torch.float32.itemsize / MEBIBYTE for parts in (1, 4)),
        praise=lambda: _("The tables shrink with the micro-batch. The gradient of the weights does not."),
        mistakes=lambda: [
            ((24.0, 24.0), _("Each micro-batch gives its tables back before the next is computed.")),
            ((8.0, 2.0), _("That is one table. Three are held at the peak.")),
            ((24.0, 8.0), _("The first is right. Four micro-batches have a quarter of the rows each.")),
        ],
        hint=lambda: _("One table is 512 · 4096 numbers of four bytes. Three of them, and then a quarter of the rows."),
        digits=0,
    ),
    "mend-micro-batches": Exercise(
        answer=lambda: _peak(8),
        praise=lambda: _("Each micro-batch goes back at once, and its graph is freed before the next is built."),
        mistakes=lambda: [
            (_peak(1), _("That is one large batch. Keep the eight micro-batches.")),
        ],
        hint=lambda: _("A loss keeps its graph until its backward. Where in the loop can each be called?"),
    ),
}
