"""ListNet: the scores of a list should name the same item first as their relevance does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softmax

from ..guards.tensors import check_floating, check_real, check_same_shape, check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, normal, row
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Reduction, one_of
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, given, number
from ..kit.text import row as as_row
from ..kit.views import SCORE, View, same_rows, scores
from ..language import gettext as _
from ..language import message


@loss_function
def list_net_loss(
    input: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    *,
    relevance: Annotated[str, one_of("softmax", "sum", "raw")] = "softmax",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of the probabilities that each item of a list is the first.

    .. math:: \ell(s, y) = -\sum_j p_j \log \frac{e^{s_j}}{\sum_k e^{s_k}}, \qquad p_j = \frac{e^{y_j}}{\sum_k e^{y_k}}

    Args:
        input: scores s of the items of each list, the items last, shape ``(L,)`` or ``(*, L)``, floating point.
        target: the relevance y of each item, shape of ``input``, any real numbers.
        mask: ``True`` for items, ``False`` for what fills up a short list, shape of ``input``.
        relevance: what the probabilities p are: ``"softmax"`` of y, as in the paper and in allRank; y over its ``"sum"``;
            or ``"raw"`` y, as in optax' ``ranking_softmax_loss`` and TensorFlow Ranking's ``SoftmaxLoss``. The last two
            need y of at least 0; a list without relevant items costs 0 in both.
        reduction: ``"mean"`` divides by the number of lists, without those that have no item; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or that of ``input`` without its last dimension with ``reduction="none"``; in nats, at
        least 0; with ``"softmax"`` least, though rarely 0, where the scores are the relevance but for a constant.

    Raises:
        ValueError: shapes differ, or a list has no place for an item.
        TypeError: scores are no floating-point numbers, or ``mask`` holds no truth values.

    Source: Z. Cao et al., "Learning to rank: from pairwise approach to listwise approach", 2007.

    >>> list_net_loss(torch.zeros(1, 2), torch.tensor([[1000.0, 0.0]]))  # undecided, where the first is certain: ln 2
    tensor(0.6931)
    """
    p, log_q = distributions(input, target, mask, relevance)
    losses = -torch.where(p == 0, 0, p * log_q).sum(-1).to(input.dtype)
    return reduce(losses, reduction, divisor=None if mask is None else mask.any(-1).sum())


def distributions(input: Tensor, target: Tensor, mask: Tensor | None, relevance: str) -> tuple[Tensor, Tensor]:
    """What each item's probability should be, and the logarithm of what it is; in float32 at least."""
    check_tensors(input=input, target=target)
    check_same_shape(input=input, target=target)
    check_floating(input=input)
    check_real(target=target)
    if not input.dim() or not input.shape[-1]:
        raise ValueError(
            message(
                "input must hold a score for each item, shape (L,) or (N, L), got {input_shape}.",
                input_shape=tuple(input.shape),
            )
        )
    wide = torch.promote_types(input.dtype, torch.float32)
    s, y = input.to(wide), target.to(wide)
    if mask is not None:
        check_tensors(input=input, mask=mask)
        check_same_shape(input=input, mask=mask)
        if mask.dtype is not torch.bool:
            raise TypeError(message("mask must hold truth values, got {dtype}. Write mask.bool().", dtype=mask.dtype))
        kept = mask | ~mask.any(-1, keepdim=True)  # an empty list is kept whole, so that no softmax is of nothing
        s, y = s.masked_fill(~kept, -math.inf), y.masked_fill(~kept, -math.inf if relevance == "softmax" else 0)
    if relevance == "softmax":
        p = softmax(y, -1)
    else:
        total = y.sum(-1, keepdim=True)
        p = y if relevance == "raw" else y / torch.where(total == 0, 1, total)
    return p if mask is None else torch.where(mask, p, 0), log_softmax(s, -1)


class ListNetLoss(Loss):
    """Module form of :func:`lossbook.beyond.list_net_loss`."""

    function = list_net_loss


def definition(
    lists: list[list[float]],
    targets: list[list[float]],
    masks: list[list[bool]] | None = None,
    relevance: str = "softmax",
) -> Iterator[Term]:
    for i, (values, target) in enumerate(zip(lists, targets, strict=True)):
        kept = [j for j in range(len(values)) if masks is None or masks[i][j]]
        normalizer = math.log(sum(math.exp(values[j]) for j in kept)) if kept else 0.0
        wanted = [math.exp(target[j]) if relevance == "softmax" else target[j] for j in kept]
        total = 1.0 if relevance == "raw" else sum(wanted) or 1.0
        losses = [w / total * (normalizer - values[j]) for j, w in zip(kept, wanted, strict=True)]
        yield Term(sum(losses), float(bool(kept)))


def formula(mask: Tensor | None, relevance: str) -> str:
    p = {"softmax": r"\frac{e^{y_j}}{\sum_k e^{y_k}}", "sum": r"\frac{y_j}{\sum_k y_k}", "raw": "y_j"}[relevance]
    return r"\ell(s, y) = -\sum_j p_j \log \frac{e^{s_j}}{\sum_k e^{s_k}}" + given("p_j", p)


def steps(input: Tensor, target: Tensor, mask: Tensor | None, relevance: str, reduction: str) -> Iterator[Step]:
    p, log_q = distributions(input, target, mask, relevance)
    length = input.shape[-1]
    for say, tables in (
        (_("What the probability of each item should be"), p),
        (_("What it is, the softmax of the scores"), log_q.exp()),
    ):
        yield Step(say, tuple(elided([as_row(line) for line in tables.reshape(-1, length)])), tables)
    losses = list_net_loss(input, target, mask, relevance=relevance, reduction="none")
    lines = []
    for wanted, found, loss in zip(p.reshape(-1, length), log_q.reshape(-1, length), losses.flatten(), strict=True):
        terms = [f"{number(w)} · (−ln {number(q.exp())})" for w, q in zip(wanted, found, strict=True) if w]
        lines.append(equals(" + ".join(terms) or "0", loss))
    yield Step(_("Loss of each list"), tuple(elided(lines)), losses)
    if losses.dim():
        share = None if mask is None or bool(mask.any(-1).all()) else mask.any(-1).flatten().to(losses.dtype)
        yield from reduction_steps(losses.flatten(), share, reduction, [number(loss) for loss in losses.flatten()])


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    def draw(*shape: int) -> tuple[Tensor, Tensor]:
        return normal(g, *shape) * 2, torch.randint(5, shape, generator=g).double()

    for n, length in ((5, 4), (4, 4), (7, 3), (3, 6)):
        yield Batch(draw(n, length), "(N, L)")
    yield Batch(draw(1, 4), "(1, L)", "(N, L)")
    yield Batch(draw(4), "(L)")
    mask = torch.tensor([[True, True, True, True], [True, True, False, False], [True, False, True, False]])
    yield Batch((*draw(3, 4), mask), _("with a mask"))
    equal, one = row(1, 1, 1, 0, 0, 0).reshape(2, 3), row(1, 0, 0, 0, 4, 0).reshape(2, 3)
    yield Batch((equal, one), "(N, L)", "(N, L)", edge=True, name=_("equal scores"))
    yield Batch((40 * one, one), "(N, L)", "(N, L)", edge=True, name=_("large scores"))


ENTRY = Entry(
    name="list_net",
    also=("listnet", "ListNet", "listNet"),
    family="ranking",
    module=ListNetLoss,
    page="practice/preferences",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(SCORE, {"y = 2, 1, 0": lambda x: (scores(x), same_rows(x, [2, 1, 0], x.dtype))}),),
    batches=Kind(
        batches,
        lambda g, rows, columns: (normal(g, rows, columns), torch.randint(5, (rows, columns), generator=g).double()),
        trials=({"relevance": "sum"},),
    ),
    sample=lambda g: (
        uniform(g, 4, 3),
        torch.tensor([[2, 0, 1], [0, 3, 0], [1, 1, 0], [0, 0, 0]]).double(),
        torch.tensor([[True, True, True], [True, True, False], [True, True, True], [False, False, False]]),
    ),
    settings=({}, {"relevance": "sum"}, {"relevance": "raw"}),
)
