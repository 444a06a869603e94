"""NT-Xent, the loss of SimCLR: each of two views of a sample has to find the other among the whole batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.embeddings import check_batches
from ..kit.batches.batch import Kind, normal
from ..kit.batches.by_vector import batches_of_pairs
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import Positive, Reduction
from ..kit.steps import Step
from ..kit.text import given
from ._by_similarity import find_own, similarities, similarity, steps_of_similarities


@loss_function
def nt_xent_loss(
    input1: Tensor,
    input2: Tensor,
    *,
    temperature: Positive = 0.5,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of the cosines of each view with all other views: which one is of the same sample?

    .. math:: \ell_i = -\log \frac{e^{\cos(z_i, z_j) / \tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k) / \tau}}

    The 2N views z are those of ``input1``, then those of ``input2``; j is the other view of i's sample. Unlike in
    :func:`lossbook.beyond.info_nce_loss`, the views of the own half are negatives, too.

    Args:
        input1: embeddings of one view of each sample, shape ``(N, D)``, floating point.
        input2: those of the other view, shape of ``input1``.
        temperature: τ, larger than 0; 0.5 in lightly, 0.07 in pytorch-metric-learning, 0.1 for SimCLR's ImageNet models.
        reduction: ``"mean"`` divides by 2N, as in the paper; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(2N,)`` with ``reduction="none"``, the views of ``input1`` first; in nats, at least
        0. One sample alone has no negatives, and costs 0. A vector of zeros has the cosine 0 with all.

    Raises:
        ValueError: shapes differ or are not ``(N, D)``, or the temperature is not larger than 0.
        TypeError: embeddings are no floating-point numbers.

    Source: T. Chen et al., "A simple framework for contrastive learning of visual representations", 2020,
    https://arxiv.org/abs/2002.05709.

    >>> views = torch.eye(2)  # equal views of two samples: cosine 1 to the other view, 0 to two more: log(1 + 2/e)
    >>> nt_xent_loss(views, views, temperature=1.0)
    tensor(0.5514)
    """
    similar, other_view = compared(input1, input2)
    return find_own(similar, other_view, temperature, reduction).to(input1.dtype)


def compared(input1: Tensor, input2: Tensor) -> tuple[Tensor, Tensor]:
    """The cosines of all views with each other, −∞ with themselves, and for each the row of its other view."""
    check_batches(input1=input1, input2=input2)
    views = torch.cat([input1, input2])
    similar = similarities(views, views, True)
    itself = similar.new_full((len(views),), -math.inf).diag()
    other_view = torch.arange(len(views), device=views.device).roll(len(input1))
    return similar + itself, other_view


class NTXentLoss(Loss):
    """Module form of :func:`lossbook.beyond.nt_xent_loss`."""

    function = nt_xent_loss


def definition(first: list[list[float]], second: list[list[float]], temperature: float = 0.5) -> Iterator[Term]:
    views, n = first + second, len(first)
    for i, view in enumerate(views):
        own = similarity(view, views[(i + n) % (2 * n)], True)
        others = (similarity(view, other, True) for j, other in enumerate(views) if j != i)
        yield Term(math.log(sum(math.exp((cosine - own) / temperature) for cosine in others)))


def formula(temperature: float) -> str:
    numerator, denominator = r"e^{\cos(z_i, z_j) / \tau}", r"\sum_{k \ne i} e^{\cos(z_i, z_k) / \tau}"
    return (
        rf"\ell_i = -\log \frac{{{numerator}}}{{{denominator}}}" + given("j", r"i \pm N") + given(r"\tau", temperature)
    )


def steps(input1: Tensor, input2: Tensor, temperature: float, reduction: str) -> Iterator[Step]:
    similar, other_view = compared(input1, input2)
    return steps_of_similarities(similar, other_view, temperature, True, reduction)


ENTRY = Entry(
    name="nt_xent",
    also=("NTXent", "ntxent", "ntxent_loss", "simclr", "SimCLR"),
    family="distance",
    module=NTXentLoss,
    page="practice/embeddings",
    definition=definition,
    formula=formula,
    steps=steps,
    not_drawn="plot draws no NTXentLoss: each vector is compared with all others of the batch, so it depends on no number "
    "alone. One vector and its negatives are InfoNCE, as plot('info_nce') shows.",
    batches=Kind(
        batches_of_pairs,
        lambda g, rows, columns: (normal(g, rows, columns), normal(g, rows, columns)),
        wrt=(0, 1),
        trials=({"temperature": 0.1},),
    ),
    sample=lambda g: (uniform(g, 3, 4), uniform(g, 3, 4)),
    settings=({}, {"temperature": 0.1}),
    coupled=True,
)
