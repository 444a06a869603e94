"""Supervised contrastive loss: each sample has to find all others of its class."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from ..guards.classes import check_class_numbers
from ..guards.embeddings import check_batches, check_pair_labels
from ..guards.tensors import check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, normal
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch, one_of, positive
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, given, number, row
from ..language import gettext as _
from ._by_similarity import similarities, similarity, similarity_step


def positive_or_none(name: str, value: Any) -> None:
    if value is not None:
        positive(name, value)


@loss_function
def supervised_contrastive_loss(
    input: Tensor,
    target: Tensor,
    *,
    temperature: Positive = 0.1,
    base_temperature: Annotated[float | None, positive_or_none] = None,
    positives: Annotated[str, one_of("out", "in")] = "out",
    count_alone: Switch = False,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of a sample's cosines with all others, averaged over those of its class.

    .. math:: \ell_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{e^{\cos(z_i, z_p) / \tau}}{\sum_{k \ne i}
              e^{\cos(z_i, z_k) / \tau}}

    P_i are the other samples of i's class, its positives. With two views of each sample, and each sample a class of its own,
    it is :func:`lossbook.beyond.nt_xent_loss`. For features of shape ``(N, views, D)``, as its authors' code takes them, write
    ``features.flatten(0, 1)`` and ``labels.repeat_interleave(views)``.

    Args:
        input: embeddings z, shape ``(N, D)``, floating point.
        target: the class of each, shape ``(N,)``, int64; any numbers.
        temperature: τ, larger than 0; 0.1 in the paper and in pytorch-metric-learning, 0.07 in the authors' code.
        base_temperature: where given, the loss is multiplied by τ over this: the authors' code has 0.07, so that its
            gradients do not grow as 1/τ. The paper's equations and pytorch-metric-learning have no such
            factor.
        positives: ``"out"``, the mean of the logarithms, the paper's better one and everybody's; ``"in"``, the logarithm of
            the mean.
        count_alone: whether a sample without another of its class counts in what the mean divides by, with a loss of 0. The
            authors' code first gave ``nan`` there, now counts it; pytorch-metric-learning leaves it out, as here.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; in nats, at least 0. The mean is ``nan`` where no
        sample has another of its class, and none counts. A vector of zeros has the cosine 0 with all.

    Raises:
        ValueError: shapes do not fit, or a setting lies outside its range.
        TypeError: embeddings are no floating-point numbers, or classes no integers.

    Source: P. Khosla et al., "Supervised contrastive learning", 2020, equations 2 and 3, https://arxiv.org/abs/2004.11362;
    its authors' code, github.com/HobbitLong/SupContrast.

    >>> z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # cosine 1 to its like, 0 to the third: log(1 + e⁻¹)
    >>> supervised_contrastive_loss(z, torch.tensor([0, 0, 1]), temperature=1.0, reduction="none")
    tensor([0.3133, 0.3133, 0.0000])
    """
    log_p, alike = compared(input, target, temperature)
    count = alike.sum(1, dtype=log_p.dtype)
    if positives == "out":
        losses = torch.where(alike, -log_p, 0).sum(1) / count.clamp_min(1)
    else:
        some = (count > 0).unsqueeze(1)
        found = torch.where(some, log_p.masked_fill(~alike, -math.inf), 0)  # −∞ in a whole row has no slope
        losses = torch.where(count > 0, count.clamp_min(1).log() - found.logsumexp(1), 0)
    if base_temperature is not None:
        losses = temperature / base_temperature * losses
    return reduce(losses.to(input.dtype), reduction, divisor=None if count_alone else (count > 0).sum())


def compared(input: Tensor, target: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """The log-probability of each other sample, −∞ for the sample itself, and which others are of its class."""
    check_batches(input=input)
    check_tensors(input=input, target=target)
    check_pair_labels(target, input)
    check_class_numbers(target)
    itself = torch.eye(len(input), dtype=torch.bool, device=input.device)
    alike = (target.unsqueeze(0) == target.unsqueeze(1)) & ~itself
    scores = (similarities(input, input, True) / temperature).masked_fill(itself, -math.inf)
    if len(input) < 2:  # nothing to compare with
        return scores, alike
    return log_softmax(scores, 1), alike


class SupConLoss(Loss):
    """Module form of :func:`lossbook.beyond.supervised_contrastive_loss`."""

    function = supervised_contrastive_loss


def definition(
    vectors: list[list[float]],
    target: list[int],
    temperature: float = 0.1,
    base_temperature: float | None = None,
    positives: str = "out",
    count_alone: bool = False,
) -> Iterator[Term]:
    factor = 1.0 if base_temperature is None else temperature / base_temperature
    for i, z in enumerate(vectors):
        others = [j for j in range(len(vectors)) if j != i]
        powers = {j: math.exp(similarity(z, vectors[j], True) / temperature) for j in others}
        shares = [powers[j] / sum(powers.values()) for j in others if target[j] == target[i]]
        if not shares:
            yield Term(0.0, float(count_alone))
        elif positives == "out":
            yield Term(-factor * sum(math.log(p) for p in shares) / len(shares))
        else:
            yield Term(-factor * math.log(sum(shares) / len(shares)))


def formula(temperature: float, base_temperature: float | None, positives: str) -> str:
    share = r"\frac{e^{\cos(z_i, z_p) / \tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k) / \tau}}"
    mean = r"\frac{1}{|P_i|} \sum_{p \in P_i} "
    factor = "" if base_temperature is None else r"\frac{\tau}{\tau_0} "
    text = mean + r"\log " + share if positives == "out" else r"\log \Bigl(" + mean + share + r"\Bigr)"
    text = rf"\ell_i = -{factor}{text}" + given("P_i", r"\{p \ne i : t_p = t_i\}") + given(r"\tau", temperature)
    return text + ("" if base_temperature is None else given(r"\tau_0", base_temperature))


def steps(input: Tensor, target: Tensor, reduction: str, **settings: Any) -> Iterator[Step]:
    yield similarity_step(similarities(input, input, True), True)
    log_p, alike = compared(input, target, settings["temperature"])
    shares, lines = log_p.exp(), []
    losses = supervised_contrastive_loss(input, target, reduction="none", **settings)
    base = settings["base_temperature"]
    factor = "" if base is None else f"{number(settings['temperature'] / base)} · "
    for probabilities, of_class, loss in zip(shares, alike, losses, strict=True):
        found = [number(p) for p in probabilities[of_class]]
        if not found:
            lines.append(equals("0", loss))
        elif settings["positives"] == "out":
            lines.append(equals(f"−{factor}({' + '.join(f'(ln {p})' for p in found)}) / {len(found)}", loss))
        else:
            lines.append(equals(f"−{factor}(ln (({' + '.join(found)}) / {len(found)}))", loss))
    yield Step(
        _("Probability of each other sample, the softmax of the cosines over the temperature"),
        tuple(elided([row(p) for p in shares])),
        shares,
    )
    yield Step(_("Loss of each sample, from the probabilities of those of its class"), tuple(elided(lines)), losses)
    kept = alike.any(1)
    share = None if settings["count_alone"] or bool(kept.all()) else kept.to(losses.dtype)
    yield from reduction_steps(losses, share, reduction, [number(loss) for loss in losses])


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    for n, d, classes in ((6, 3, 2), (8, 4, 3), (8, 2, 2), (5, 6, 2)):
        yield Batch((normal(g, n, d), torch.arange(n) % classes), "(N, D)")
    same = normal(g, 2, 3)
    yield Batch(
        (same.repeat(2, 1), torch.tensor([0, 1, 0, 1])), "(N, D)", "(N, D)", edge=True, name=_("pairs of equal vectors")
    )
    yield Batch((normal(g, 4, 3), torch.zeros(4).long()), "(N, D)", "(N, D)", edge=True, name=_("one class only"))


ENTRY = Entry(
    name="supervised_contrastive",
    also=("supcon", "SupCon", "supcon_loss"),
    family="distance",
    module=SupConLoss,
    page="practice/embeddings",
    definition=definition,
    formula=formula,
    steps=steps,
    not_drawn="plot draws no SupConLoss: each vector is compared with all others of the batch, so it depends on no number "
    "alone. One vector and its negatives are InfoNCE, as plot('info_nce') shows.",
    batches=Kind(
        batches,
        lambda g, rows, columns: (normal(g, rows, columns), torch.arange(rows) % 4),
        trials=({"temperature": 0.5}, {"positives": "in"}),
    ),
    sample=lambda g: (uniform(g, 6, 3), torch.tensor([0, 1, 0, 2, 1, 0])),
    settings=(
        {},
        {"temperature": 0.5, "base_temperature": 0.25, "count_alone": True},
        {"temperature": 0.5, "positives": "in"},
    ),
    coupled=True,
)
