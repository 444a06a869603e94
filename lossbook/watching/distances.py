"""How far apart the embeddings of a batch are: within triplets, and within pairs that are labeled."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, pairwise_distance

from . import graph
from .observation import Call, part

#: Operations that choose embeddings by index, as mining does.
_CHOOSING = {"Gather", "Index", "IndexSelect", "MaskedSelect", "Select", "Take"}

MOST = 1000  #: pairs of either label that are looked at: each is compared with each of the other label


class Triplets(NamedTuple):
    """The triplets of one batch."""

    number: int
    easy: float  #: the share of those whose loss is 0
    lead: float  #: how many margins farther the negative is than the positive; the median
    ratio: float  #: how much farther the positive is than the negative; the median
    turned: float  #: the share of those whose positive is farther than their negative
    mined: bool  #: whether embeddings were chosen by index


class Pairs(NamedTuple):
    """The pairs of one batch, some labeled similar and some not."""

    similar: float  #: their distance; the median
    different: float
    turned: float  #: of a similar pair and one that is not, how often the similar one is farther apart
    fewest: int  #: of either label
    mined: bool


def triplets(call: Call) -> Triplets | None:
    """What the distances within triplets are."""
    if call.name not in ("triplet_margin", "triplet_margin_with_distance") or len(call.predictions) != 3:
        return None
    measure, p = call.settings.get("distance_function"), call.settings.get("p", 2.0)
    if isinstance(measure, torch.nn.PairwiseDistance):
        p, measure = measure.norm, None
    if call.settings["margin"] is None or measure not in (None, pairwise_distance):
        return None  # a function of the reader's own may do more than measure
    anchor, positive, negative = (part(tensor.detach()).float() for tensor in call.predictions.values())
    if anchor.dim() != 2 or not anchor.shape == positive.shape == negative.shape or len(anchor) < 4:
        return None
    near, far = (pairwise_distance(anchor, other, p) for other in (positive, negative))
    if call.settings["swap"]:
        far = torch.minimum(far, pairwise_distance(positive, negative, p))
    return Triplets(
        number=len(anchor),
        easy=(near - far + call.settings["margin"] <= 0).double().mean().item(),
        lead=((far - near).median() / max(call.settings["margin"], 1e-12)).item(),
        ratio=(near / far.clamp_min(1e-12)).median().item(),
        turned=(near > far).double().mean().item(),
        mined=any(link.name in _CHOOSING for t in call.predictions.values() for link in graph.chain(t)),
    )


def pairs(call: Call) -> Pairs | None:
    """What the distances of pairs are, by their label."""
    measured = _distances(call)
    if measured is None:
        return None
    distances, labels = measured
    if distances.dim() != 1 or distances.shape != labels.shape:
        return None
    similar, different = distances[labels > 0][:MOST], distances[labels <= 0][:MOST]
    if min(len(similar), len(different)) < 1:
        return None
    return Pairs(
        similar=similar.median().item(),
        different=different.median().item(),
        turned=(similar[:, None] > different).double().mean().item(),
        fewest=min(len(similar), len(different)),
        mined=any(call.ancestry.names[name] for name in _CHOOSING),
    )


def _distances(call: Call) -> tuple[Tensor, Tensor] | None:
    """The distance of each pair, and its label, above 0 for a similar one."""
    if call.name == "hinge_embedding" and call.prediction.dim() == 1:
        return call.predicted.some.float(), call.targeted.some
    if call.name not in ("cosine_embedding", "contrastive") or len(call.predictions) != 2:
        return None
    one, other = (part(tensor.detach()).float() for tensor in call.predictions.values())
    if one.dim() != 2 or one.shape != other.shape:
        return None
    labels = call.target.detach()[: len(one)]
    if call.name == "contrastive":
        labels = (labels == call.settings["similar"]).float()
        if call.settings["distance"] == "euclidean":
            return pairwise_distance(one, other), labels
    return 1 - cosine_similarity(one, other), labels
