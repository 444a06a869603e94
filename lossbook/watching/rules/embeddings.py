"""Embeddings: all the same, triplets that teach nothing or the wrong thing, margins that cannot be kept."""

from __future__ import annotations

import math

import torch

from ...kit.text import number
from ...language import Phrase
from .. import graph
from ..finding import Told
from ..observation import Call
from ..training import Training
from .rule import in_call, in_training


@in_call(
    "margin-out-of-reach",
    Phrase("a margin larger than the distance that normalized embeddings can have"),
    page="guide/triplet-margin",
)
def margin_out_of_reach(call: Call) -> Told | None:
    margin = call.settings.get("margin")
    if call.name == "cosine_embedding" and isinstance(margin, (int, float)) and abs(margin) > 1:
        return Told(
            Phrase(
                "A cosine lies between −1 and 1, so the margin {margin} can never be reached, or always is.",
                margin=number(margin),
            ),
            Phrase("Take a margin between 0 and 0.5."),
        )
    if call.name not in ("triplet_margin", "triplet_margin_with_distance") or not isinstance(margin, (int, float)):
        return None
    if margin < 2 or call.settings.get("p", 2) != 2 or call.settings.get("distance_function") is not None:
        return None
    lengths = torch.cat(
        [part.detach().flatten(0, -2).norm(dim=-1) for part in call.predictions.values() if part.dim() > 1]
    )
    if not lengths.numel() or (lengths - 1).abs().max() > 1e-3:
        return None
    return Told(
        Phrase(
            "The embeddings have length 1, so no two are farther apart than 2; a margin of {margin} can never be "
            "reached, and no triplet ever gets to the loss 0.",
            margin=number(margin),
        ),
        Phrase("Take a margin between 0.1 and 1, or leave the embeddings' length free."),
    )


@in_call(
    "samples-compared-with-themselves",
    Phrase("similarities of samples with themselves among those with others"),
    page="practice/embeddings",
)
def compared_with_themselves(call: Call) -> Told | None:
    if call.name != "cross_entropy" or call.prediction.dim() != 2 or call.target.is_floating_point():
        return None
    similar, own = call.predicted.some, call.predicted.some.diagonal()
    if (
        len(similar) < 4
        or len(similar) != similar.shape[1]
        or len(call.target) != len(similar)
        or not call.predicted.finite
    ):
        return None
    places = torch.arange(len(similar), device=call.target.device)
    if bool((call.target == places).any()) or not torch.allclose(similar, similar.T, rtol=1e-4, atol=1e-4):
        return None
    if (own - own[0]).abs().max() > 1e-3 * own[0].abs() or bool((similar.amax(1) > own + 1e-3 * own.abs()).any()):
        return None
    return Told(
        Phrase(
            "{loss} gets {count} × {count} similarities, the diagonal included: each sample is most similar to "
            "itself, {own}, and that counts as a wrong answer which no training can make less likely.",
            loss=call.spoken,
            count=len(similar),
            own=number(round(own[0].item(), 3)),
        ),
        Phrase("Leave the diagonal out: similarities.fill_diagonal_(-torch.inf), before the loss."),
    )


@in_call(
    "cosines-without-scale",
    Phrase("cosines as scores, too close together for a softmax"),
    page="practice/embeddings",
)
def cosines_without_scale(call: Call) -> Told | None:
    if call.name != "cross_entropy" or call.prediction.dim() != 2 or not call.prediction.shape[1] >= 4:
        return None
    scale = graph.scaled_cosines(call.operations)
    if scale is None or not 0 < scale <= 0.5:
        return None
    classes = call.prediction.shape[1]
    least, nothing = math.log1p((classes - 1) * math.exp(-2 * scale)), math.log(classes)
    if least < 0.6 * nothing:
        return None
    return Told(
        Phrase(
            "The scores are cosines times {scale}, so no two of {classes} differ by more than {most}: the loss cannot "
            "fall below {least}, where knowing nothing has {nothing}.",
            scale=number(round(scale, 4)),
            classes=classes,
            most=number(round(2 * scale, 4)),
            least=number(round(least, 3)),
            nothing=number(round(nothing, 3)),
        ),
        Phrase("Divide the cosines by a temperature near 0.07, or multiply them by a scale of 10 to 30."),
    )


@in_training(
    "collapsed-embeddings", Phrase("embeddings that are all the same"), page="guide/triplet-margin", likely=True
)
def collapsed_embeddings(training: Training) -> Told | None:
    spreads = [seen.spread for seen in training.calls if seen.spread is not None]
    if not training.embeds or len(spreads) < 3:
        return None
    # Beside a side that stands still, embeddings come closer for a while and part again.
    free = all(seen.all_carry for seen in training.calls)
    fell = free and len(spreads) > 3 and max(spreads[-3:]) < 0.2 * spreads[0]
    if max(spreads[-3:]) > 1e-2 and not fell:
        return None
    return Told(
        Phrase(
            "The embeddings of a batch differ by {spread} of their size: all samples are mapped to one point, and no "
            "distance tells them apart.",
            spread=number(max(spreads[-3:])),
        ),
        Phrase(
            "Lower the learning rate, give the loss negatives, and stop the gradient of one side where both are free."
        ),
    )


@in_training(
    "triplets-too-easy",
    Phrase("triplets whose loss is 0 from the beginning"),
    page="guide/triplet-margin",
    likely=True,
)
def triplets_too_easy(training: Training) -> Told | None:
    seen = [one.triplets for one in training.calls if one.triplets is not None and one.carries]
    if len(seen) < 5 or min(one.easy for one in seen) < 0.95 or sum(one.number for one in seen) < 40:
        return None
    if min(one.lead for one in seen) < 5:
        return None  # of a margin that fits, and samples that are learned soon
    return Told(
        Phrase(
            "From the first call on, {share}% of the triplets have the loss 0, in {calls} calls: their negatives are "
            "already farther away than the positive plus the margin, and the model learns from the rest alone.",
            share=round(100 * sum(one.easy for one in seen) / len(seen)),
            calls=len(seen),
        ),
        Phrase("Choose negatives that are close to the anchor (hard or semi-hard mining), or raise the margin."),
    )


@in_training(
    "triplets-turned-round",
    Phrase("positive and negative of a triplet have changed places"),
    page="guide/triplet-margin",
    likely=True,
    hides=("learning-rate-too-high", "collapsed-embeddings"),
)
def triplets_turned_round(training: Training) -> Told | None:
    seen = [one.triplets for one in training.calls if one.triplets is not None and one.carries][:3]
    if len(seen) < 3 or any(one.mined or one.turned < 0.75 or one.ratio < 1.5 for one in seen):
        return None
    turned = sum(one.turned * one.number for one in seen) / sum(one.number for one in seen)
    if turned < 0.85:
        return None
    return Told(
        Phrase(
            "In {share}% of the triplets the positive is farther from the anchor than the negative, {ratio} times as "
            "far: they have changed places, and the model learns to separate what belongs together.",
            share=round(100 * turned),
            ratio=number(round(seen[0].ratio, 1)),
        ),
        Phrase("Write {loss}(anchor, positive, negative).", loss="criterion"),
    )


@in_training(
    "pairs-turned-round",
    Phrase("pairs that are similar labeled as different, and the other way round"),
    page="guide/cosine-embedding",
    likely=True,
    hides=("learning-rate-too-high", "collapsed-embeddings"),
)
def pairs_turned_round(training: Training) -> Told | None:
    seen = [one.pairs for one in training.calls if one.pairs is not None and one.carries][:3]
    if len(seen) < 3 or any(one.mined or one.fewest < 3 or one.turned < 0.9 for one in seen):
        return None
    if any(one.similar < 1.5 * one.different for one in seen):
        return None
    return Told(
        Phrase(
            "The pairs that are labeled similar are {similar} apart, those labeled different {different}, in the first "
            "calls already: the two labels have changed places, and the model learns to separate what belongs together.",
            similar=number(round(seen[0].similar, 3)),
            different=number(round(seen[0].different, 3)),
        ),
        Phrase("Flip the labels: 1 − target for labels 0 and 1, −target for 1 and −1."),
    )
