"""InfoNCE: a query has to find its own key among others."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.embeddings import check_batches, check_negative_keys
from ..kit.batches.batch import Batch, Kind, Settings, normal
from ..kit.batches.by_vector import batches_of_pairs
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import Positive, Reduction, Switch
from ..kit.steps import Step
from ..kit.text import given
from ..kit.views import COSINE, Inputs, View, with_cosine
from ..language import gettext as _
from ._by_similarity import find_own, similarities, similarity, steps_of_similarities


@loss_function
def info_nce_loss(
    query: Tensor,
    positive_key: Tensor,
    negative_keys: Tensor | None = None,
    *,
    temperature: Positive = 0.1,
    normalize: Switch = True,
    in_batch: Switch = False,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of a query's similarities to its own key and to others: which one is its own?

    .. math:: \ell_i = -\log \frac{e^{\cos(q_i, k_i) / \tau}}{\sum_{k \in K_i} e^{\cos(q_i, k) / \tau}}

    Here K_i are the keys that the query is compared with. Without ``negative_keys`` they are the keys of all queries of
    the batch. Of cosines the loss never falls below that of 1 and −1, log(1 + (\|K_i\| − 1) · e^(−2/τ)).

    Args:
        query: embeddings q, shape ``(N, D)``, floating point.
        positive_key: the key k of each query, shape of ``query``.
        negative_keys: keys that are wrong, shape ``(M, D)`` for all queries, as MoCo's queue, or ``(N, M, D)`` for each.
        temperature: τ, larger than 0. The smaller, the more the nearest negatives count. CPC and DPR have none (1), MoCo
            has 0.07; sentence-transformers writes ``scale=20``, which is 0.05.
        normalize: cosines, or, where off, dot products, as in CPC and DPR. A vector of zeros has the cosine 0 with all.
        in_batch: whether the keys of the other queries are negatives beside ``negative_keys``, too. So they are in
            sentence-transformers' ``MultipleNegativesRankingLoss``, and not in MoCo and info-nce-pytorch.
        reduction: ``"mean"`` divides by N; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; in nats, at least 0. A query without any negative
        costs 0. Where a negative is nearer than the own key, a temperature near 0 leaves the difference
        of the two, over τ.

    Raises:
        ValueError: shapes do not fit, or the temperature is not larger than 0.
        TypeError: embeddings are no floating-point numbers.

    Source: A. van den Oord et al., "Representation learning with contrastive predictive coding", 2018,
    https://arxiv.org/abs/1807.03748; with temperature, K. He et al., "Momentum contrast", 2019,
    https://arxiv.org/abs/1911.05722. Names as in the package info-nce-pytorch.

    >>> q, keys = torch.eye(2), torch.eye(2)  # cosine 1 to the own key, 0 to the other: log(1 + e⁻¹)
    >>> info_nce_loss(q, keys, temperature=1.0)
    tensor(0.3133)
    """
    similar, own = compared(query, positive_key, negative_keys, normalize, in_batch)
    return find_own(similar, own, temperature, reduction).to(query.dtype)


def compared(
    query: Tensor, positive_key: Tensor, negative_keys: Tensor | None, normalize: bool, in_batch: bool
) -> tuple[Tensor, Tensor]:
    """The similarities of each query to its keys, and the column of its own."""
    check_batches(query=query, positive_key=positive_key)
    rows = torch.arange(len(query), device=query.device)
    if negative_keys is None:
        return similarities(query, positive_key, normalize), rows
    check_negative_keys(negative_keys, query)
    wrong = similarities(query, negative_keys, normalize)
    if in_batch:
        return torch.cat([similarities(query, positive_key, normalize), wrong], 1), rows
    right = similarities(query, positive_key.unsqueeze(1), normalize)
    return torch.cat([right, wrong], 1), torch.zeros_like(rows)


class InfoNCELoss(Loss):
    """Module form of :func:`lossbook.beyond.info_nce_loss`."""

    function = info_nce_loss


def definition(
    queries: list[list[float]],
    keys: list[list[float]],
    negatives: list | None = None,
    temperature: float = 0.1,
    normalize: bool = True,
    in_batch: bool = False,
) -> Iterator[Term]:
    for i, query in enumerate(queries):
        others = [key for j, key in enumerate(keys) if j != i] if in_batch or negatives is None else []
        if negatives:
            each = isinstance(negatives[0][0], list)  # each query has negatives of its own
            others += negatives[i] if each else negatives
        own = similarity(query, keys[i], normalize)
        leads = [(similarity(query, key, normalize) - own) / temperature for key in others]
        yield Term(math.log(1 + sum(math.exp(lead) for lead in leads)))


def formula(negative_keys: Tensor | None, temperature: float, normalize: bool, in_batch: bool) -> str:
    own, other = (r"\cos(q_i, k_i)", r"\cos(q_i, k)") if normalize else (r"q_i^\top k_i", r"q_i^\top k")
    text = rf"\ell_i = -\log \frac{{e^{{{own} / \tau}}}}{{\sum_{{k \in K_i}} e^{{{other} / \tau}}}}"
    keys = [r"k_1, \dots, k_N" if in_batch or negative_keys is None else "k_i"]
    if negative_keys is not None:
        keys.append(r"n_1, \dots, n_M" if negative_keys.dim() == 2 else r"n_{i1}, \dots, n_{iM}")
    return text + given("K_i", rf"\{{{', '.join(keys)}\}}") + given(r"\tau", temperature)


def steps(
    query: Tensor,
    positive_key: Tensor,
    negative_keys: Tensor | None,
    temperature: float,
    normalize: bool,
    in_batch: bool,
    reduction: str,
) -> Iterator[Step]:
    similar, own = compared(query, positive_key, negative_keys, normalize, in_batch)
    return steps_of_similarities(similar, own, temperature, normalize, reduction)


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    yield from batches_of_pairs(settings, g)
    pairs, said = (lambda: (normal(g, 4, 3), normal(g, 4, 3))), _("with negative keys")
    yield Batch((*pairs(), normal(g, 5, 3)), f"(N, D), {said} (M, D)")
    yield Batch((*pairs(), normal(g, 4, 2, 3)), f"(N, D), {said} (N, M, D)")


def beside_negatives(count: int) -> Inputs:
    """A query, a key at the cosine, and as many negatives at right angles."""

    def inputs(cosine: Tensor) -> tuple[Tensor, ...]:
        query, key = with_cosine(cosine)
        across = torch.tensor([0.0, 0.0, 1.0], dtype=cosine.dtype)
        pad = torch.nn.functional.pad
        return pad(query, (0, 1)), pad(key, (0, 1)), across.expand(count, -1)

    return inputs


ENTRY = Entry(
    name="info_nce",
    also=("InfoNCE", "infonce"),
    family="distance",
    module=InfoNCELoss,
    page="practice/embeddings",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(COSINE, {f"M = {m}": beside_negatives(m) for m in (1, 10, 100)}),),
    batches=Kind(
        batches,
        lambda g, rows, columns: (normal(g, rows, columns), normal(g, rows, columns)),
        wrt=(0, 1),
        trials=({"temperature": 0.5}, {"normalize": False}),
    ),
    sample=lambda g: (uniform(g, 4, 3), uniform(g, 4, 3), uniform(g, 2, 3)),
    settings=({}, {"in_batch": True, "temperature": 0.5}, {"normalize": False, "temperature": 1.0}),
    coupled=True,
)
