"""The exercises of CTC and of the two losses that hold the last layer: linear cross-entropy, adaptive log-softmax."""

from __future__ import annotations

import math

import torch

from ... import functional as lf
from ...language import gettext as _
from ...nn import AdaptiveLogSoftmaxWithLoss
from .exercise import Exercise
from .written_loss import WrittenLoss

HALF = torch.full((3, 1, 2), 0.5, dtype=torch.float64).log()  # three frames; a blank and one label, equally likely

MEBIBYTE = 2**20


def _label_once() -> float:
    return float(lf.ctc_loss(HALF, torch.tensor([[1]]), (3,), (1,)))


def _fewest_frames(labels: list[int]) -> float:
    """The first number of frames in which the target can be spelled."""
    frames, lengths = 1, (len(labels),)
    while lf.ctc_loss(torch.zeros(frames, 1, 3), torch.tensor([labels]), (frames,), lengths).isinf():
        frames += 1
    return float(frames)


EXERCISES = {
    "ctc-by-hand": Exercise(
        answer=_label_once,
        praise=lambda: _(
            "Six of the eight alignments spell the label: all but the blanks alone and label, blank, label."
        ),
        mistakes=lambda: [
            (
                -math.log(7 / 8),
                _("One of the seven spells the label twice: a blank between two labels keeps them apart."),
            ),
            (-math.log(3 / 8), _("The label may also fill two or three frames in a row: equal neighbors merge.")),
            (-math.log(1 / 8), _("That is one alignment. Add up all that spell the label.")),
            (6 / 8, _("That is the probability. The loss is minus its logarithm.")),
        ],
        hint=lambda: _(
            "List the eight rows of three symbols. How many spell the label once? Each has the probability 1/8."
        ),
    ),
    "frames-needed": Exercise(
        answer=lambda: tuple(_fewest_frames(labels) for labels in ([1, 2], [1, 1], [1, 1, 1, 2])),
        praise=lambda: _("One frame for each label, and a blank between each two equal neighbors."),
        mistakes=lambda: [
            ((2.0, 2.0, 4.0), _("Equal neighbors merge. What must stand between the two labels of [1, 1]?")),
            ((2.0, 3.0, 5.0), _("The first two are right. The last target has two places where a label repeats.")),
            ((3.0, 3.0, 7.0), _("Different neighbors need no blank between them.")),
            ((5.0, 5.0, 9.0), _("Those are the states with all blanks. A walk may begin at a label and skip blanks.")),
        ],
        hint=lambda: _("Write each target as a row of symbols that collapses to it, as short as you can."),
        digits=0,
    ),
    "mend-ctc": WrittenLoss("ctc", names_the_slip=False),
    "write-ctc": WrittenLoss("ctc"),
    "logits-in-mebibytes": Exercise(
        answer=lambda: 4096 * 32_000 * torch.bfloat16.itemsize / MEBIBYTE,
        praise=lambda: _(
            "4096 · 32 000 numbers of two bytes each, and cross-entropy in two parts holds three such tables."
        ),
        mistakes=lambda: [
            (125.0, _("Each number takes two bytes.")),
            (500.0, _("A bfloat16 has 16 bits. How many bytes is that?")),
            (262.144, _("You divided by a million. A MiB is 1024 · 1024 bytes.")),
            (2000.0, _("Those are bits. A byte has eight.")),
        ],
        hint=lambda: _("One number for each token and each class, two bytes each, divided by 1024 · 1024."),
        digits=0,
    ),
    "chunks-of-logits": Exercise(
        answer=lambda: (float(2048 // 128), torch.zeros(128, 8192).nbytes / MEBIBYTE),
        praise=lambda: _("The whole table would take 64 MiB, so a sixteenth of it is held at once."),
        mistakes=lambda: [
            ((16.0, 64.0), _("The first is right. 64 MiB is the whole table; a chunk is a sixteenth of it.")),
            ((128.0, 4.0), _("The second is right. 128 are the rows of a chunk. How many chunks make 2048 rows?")),
            ((64.0, 4.0), _("The second is right. The chunks go over the samples, not over the classes.")),
            ((16.0, 1.0), _("The first is right. Each number of 32 bits takes four bytes.")),
        ],
        hint=lambda: _("The chunks split the 2048 samples. A chunk holds 128 rows of 8192 numbers, four bytes each."),
        digits=0,
    ),
    "mend-linear-cross-entropy": WrittenLoss("linear_cross_entropy", names_the_slip=False),
    "write-linear-cross-entropy": WrittenLoss("linear_cross_entropy", takes=("linear_bias", "reduction")),
    "rare-class-by-hand": Exercise(
        answer=lambda: math.log(4 * 8),
        praise=lambda: _("The cluster has the probability 1/4 and the class 1/8 of that, together 1/32."),
        mistakes=lambda: [
            (math.log(8), _("That is the softmax inside the cluster. The head had to choose the cluster first.")),
            (math.log(4), _("That is the head's choice of the cluster. Which of its classes is it?")),
            (math.log(11), _("The classes are not all alike: the head shares among four, the cluster among eight.")),
            (1 / 32, _("That is the probability. The loss is minus its logarithm.")),
            (math.log(12), _("The two probabilities are multiplied, so their logarithms are added.")),
        ],
        hint=lambda: _("The head chooses among four entries, then the cluster among eight classes, all alike."),
    ),
    "adaptive-parameters": Exercise(
        answer=lambda: float(sum(p.numel() for p in AdaptiveLogSoftmaxWithLoss(64, 1000, [100, 400]).parameters())),
        praise=lambda: _("6528 in the head, 5824 and 2656 in the clusters. One linear layer would have 64 000."),
        mistakes=lambda: [
            (64_000.0, _("That is one linear layer over all classes.")),
            (14_880.0, _("The head has an entry for each cluster too: 100 + 2.")),
            (13_728.0, _("Those are the matrices up to the classes. Each cluster has one down to its features too.")),
            (22_976.0, _("The second cluster has 64 // 4² features, not 64 // 4.")),
        ],
        hint=lambda: _("Head: 64 · (100 + 2). Each cluster: from 64 to its features, and from those to its classes."),
        digits=0,
    ),
    "mend-two-softmaxes": Exercise(
        answer=lambda: math.exp(1) / (math.exp(2) + 2 * math.exp(1)) / (1 + math.exp(-1)),
        praise=lambda: _("The head's logarithm for the cluster is added to all its classes, and the five sum to 1."),
        mistakes=lambda: [
            (
                1 / (1 + math.exp(-1)),
                _("That is the class given its cluster. The cluster's own probability is missing."),
            ),
            (
                math.exp(1) / (math.exp(2) + 2 * math.exp(1)),
                _("That is the whole cluster. Which share of it is that of class 3?"),
            ),
        ],
        hint=lambda: _("A row of probabilities must sum to 1. Print the sum after your change."),
    ),
    "write-adaptive-log-softmax": WrittenLoss("adaptive_log_softmax"),
}
