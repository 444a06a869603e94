"""Which triplets of a batch to hand to the triplet loss: all, the hard ones, the semi-hard ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..guards.classes import check_class_numbers
from ..guards.embeddings import check_batches, check_distances, check_pair_labels
from ..guards.tensors import check_tensors
from ..kit.settings import callable_or_none, one_of, positive
from ..language import message

Triplets = tuple[Tensor, Tensor, Tensor]  #: numbers of the samples: anchors, positives, negatives
Distance = Callable[[Tensor, Tensor], Tensor]


def all_triplets(target: Tensor) -> Triplets:
    r"""Every triplet of a batch: an anchor, another sample of its class, and a sample of another class.

    Hermans et al. call the loss of them "batch all". With K samples of each of P classes they are PK (K − 1)(PK − K).

    Args:
        target: the class of each sample, shape ``(N,)``, int64; any numbers.

    Returns:
        Three tensors of shape ``(T,)``, int64, on the device of ``target``: the numbers of anchors, positives and negatives,
        in their order. Empty where there are none. For :func:`lossbook.functional.triplet_margin_loss` write
        ``triplet_margin_loss(*(x[i] for i in all_triplets(t)))``; the mean over no triplet is ``nan``, ``"sum"`` is 0.

    Raises:
        ValueError: another shape.
        TypeError: classes are no integers.

    Source: A. Hermans et al., "In defense of the triplet loss for person re-identification", 2017,
    https://arxiv.org/abs/1703.07737; pytorch-metric-learning's ``get_all_triplets_indices``.

    >>> all_triplets(torch.tensor([0, 0, 1]))
    (tensor([0, 1]), tensor([1, 0]), tensor([2, 2]))
    """
    check_tensors(target=target)
    if target.dim() != 1:
        raise ValueError(
            message(
                "target must hold the class of each sample, shape (N,), got {shape}. For a target of shape (N, 1) "
                "write target.squeeze(1).",
                shape=tuple(target.shape),
            )
        )
    alike, other = _pairs(target)
    anchor, near = alike.nonzero(as_tuple=True)
    pair, far = other[anchor].nonzero(as_tuple=True)
    return anchor[pair], near[pair], far


def hard_triplets(input: Tensor, target: Tensor, *, distance_function: Distance | None = None) -> Triplets:
    r"""For each anchor the farthest sample of its class, and the nearest of the other classes.

    Hermans et al. call the loss of them "batch hard". In pytorch-metric-learning it is ``BatchHardMiner``;
    ``TripletMarginMiner(type_of_triplets="hard")`` is something else, all triplets whose negative is no farther than the
    positive.

    Args:
        input: embeddings, shape ``(N, D)``, floating point. Divide them by their lengths before, where the loss does.
        target: the class of each, shape ``(N,)``, int64; any numbers.
        distance_function: takes two batches of embeddings, ``(N, D)``, and gives the distance of each pair, ``(N,)``, as in
            :func:`lossbook.functional.triplet_margin_with_distance_loss`: take the one that the loss has. ``None``: the
            Euclidean distance.

    Returns:
        Three tensors of shape ``(T,)``, int64: the numbers of anchors, positives and negatives, T ≤ N. An anchor without
        another of its class, or without one of another class, is left out. Of samples equally far it is the first.
        No gradient flows through the choice. A distance of ``nan`` is chosen, so that the loss shows it.

    Raises:
        ValueError: shapes do not fit.
        TypeError: embeddings are no floating-point numbers, or classes no integers.

    Source: A. Hermans et al., "In defense of the triplet loss for person re-identification", 2017,
    https://arxiv.org/abs/1703.07737.

    >>> x = torch.tensor([[0.0], [1.0], [3.0], [4.0]])  # of the class of 0 is 3 the farthest; of the others 1 the nearest
    >>> hard_triplets(x, torch.tensor([0, 1, 0, 1]))
    (tensor([0, 1, 2, 3]), tensor([2, 3, 0, 1]), tensor([1, 0, 3, 2]))
    """
    distances, alike, other = _compared(input, target, distance_function)
    if not len(input):
        return all_triplets(target)  # argmax does not take an empty table
    anchor = (alike.any(1) & other.any(1)).nonzero().squeeze(1)
    near = distances.masked_fill(~alike, -math.inf).argmax(1)
    far = distances.masked_fill(~other, math.inf).argmin(1)
    return anchor, near[anchor], far[anchor]


def semi_hard_triplets(
    input: Tensor,
    target: Tensor,
    *,
    margin: float = 1.0,
    negatives: str = "all",
    distance_function: Distance | None = None,
) -> Triplets:
    r"""For each anchor and positive the negatives that are farther away than the positive, but not by the margin.

    .. math:: d(a, p) < d(a, n) < d(a, p) + m

    Negatives nearer than that may draw all embeddings into one point early in training, those farther away cost nothing.

    Args:
        input: embeddings, shape ``(N, D)``, floating point. FaceNet divides them by their lengths.
        target: the class of each, shape ``(N,)``, int64; any numbers.
        margin: m, that of the loss, larger than 0; with ``math.inf`` a negative may be as far as it likes.
        negatives: ``"all"`` of them, as pytorch-metric-learning's ``TripletMarginMiner(type_of_triplets="semihard")``, which
            has 0.2 as its margin; the ``"nearest"`` for each anchor and positive; ``"nearest_or_farthest"``: where none is
            semi-hard, the farthest of all its negatives, as TensorFlow Addons and sentence-transformers, both without a
            margin: ``math.inf``.
        distance_function: as in :func:`hard_triplets`. In FaceNet the squared distance:
            ``lambda a, b: (a - b).square().sum(-1)``.

    Returns:
        Three tensors of shape ``(T,)``, int64: the numbers of anchors, positives and negatives, in the order of the first
        two. Empty where no negative is semi-hard: the mean over no triplet is ``nan``, ``reduction="sum"`` is 0. Of negatives
        equally far ``"nearest"`` is the first. No gradient flows through the choice. A distance of ``nan`` is chosen, so that
        the loss shows it.

    Raises:
        ValueError: shapes do not fit, or a setting lies outside its range.
        TypeError: embeddings are no floating-point numbers, or classes no integers.

    Source: F. Schroff et al., "FaceNet: a unified embedding for face recognition and clustering", 2015, section 3.2,
    https://arxiv.org/abs/1503.03832.

    >>> x = torch.tensor([[0.0], [2.0], [1.0], [2.5], [4.0]])  # from 0 to 1: 2 and 2.5 are less than 2 farther, 4 is not
    >>> anchor, near, far = semi_hard_triplets(x, torch.tensor([0, 1, 0, 1, 1]), margin=2.0)
    >>> far[anchor == 0]
    tensor([1, 3])
    """
    positive("margin", margin)
    one_of("all", "nearest", "nearest_or_farthest")("negatives", negatives)
    distances, alike, other = _compared(input, target, distance_function)
    if not len(input):
        return all_triplets(target)  # argmax does not take an empty table
    anchor, near = alike.nonzero(as_tuple=True)
    from_anchor, other = distances[anchor], other[anchor]
    to_near = from_anchor.gather(1, near.unsqueeze(1))
    # Written so that a distance of nan passes both.
    semi_hard = other & ~(from_anchor <= to_near) & ~(from_anchor >= to_near + margin)
    if negatives == "all":
        pair, far = semi_hard.nonzero(as_tuple=True)
        return anchor[pair], near[pair], far
    some = semi_hard.any(1)
    far = from_anchor.masked_fill(~semi_hard, math.inf).argmin(1)
    if negatives == "nearest_or_farthest":
        far = torch.where(some, far, from_anchor.masked_fill(~other, -math.inf).argmax(1))
        some = other.any(1)
    return anchor[some], near[some], far[some]


def _compared(input: Tensor, target: Tensor, distance_function: Distance | None) -> tuple[Tensor, Tensor, Tensor]:
    """The distance of each sample to each, which others are of its class, and which of another."""
    callable_or_none("distance_function", distance_function)
    check_batches(input=input)
    check_tensors(input=input, target=target)
    check_pair_labels(target, input)
    alike, other = _pairs(target)
    with torch.no_grad():
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        if distance_function is None:
            # By differences: the product of matrices, which cdist takes for large batches, loses digits.
            distances = torch.cdist(wide, wide, compute_mode="donot_use_mm_for_euclid_dist")
        else:
            rows = [distance_function(row.expand_as(wide), wide) for row in wide]
            for row in rows:
                check_distances(row, wide)
            distances = torch.stack(rows) if rows else wide.new_empty(0, 0)
    # Farther than all that a float holds is still nearer than what does not count, which is set to ∞.
    return distances.clamp(max=torch.finfo(distances.dtype).max), alike, other


def _pairs(target: Tensor) -> tuple[Tensor, Tensor]:
    """Tables of who is of one class, without the sample itself, and who is not."""
    check_class_numbers(target)
    same = target.unsqueeze(0) == target.unsqueeze(1)
    return same & ~torch.eye(len(target), dtype=torch.bool, device=target.device), ~same
