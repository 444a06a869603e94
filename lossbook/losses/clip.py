"""CLIP's loss: each picture has to find its text among those of the batch, and each text its picture."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.embeddings import check_batches
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.batch import Kind, normal
from ..kit.batches.by_vector import batches_of_pairs
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, given, number, row
from ..language import gettext as _
from ..language import message
from ._by_similarity import find_own, similarities, similarity, similarity_step


@loss_function
def clip_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor | None = None,
    *,
    temperature: Positive = 0.07,
    normalize: Switch = True,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""InfoNCE in both directions, averaged.

    .. math:: \ell_i = -\tfrac{1}{2} \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}}
              - \tfrac{1}{2} \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ji}}}, \qquad s_{ij} = \cos(u_i, v_j) / \tau

    Args:
        image_features: embeddings u of the pictures, shape ``(N, D)``, floating point.
        text_features: embeddings v of their texts, row by row, shape of ``image_features``.
        logit_scale: 1/τ as a tensor of shape ``()``, in the place of ``temperature``, so that it can be learnt. CLIP learns
            its logarithm, from 1/0.07 on and to 100 at most: give ``log_scale.exp().clamp(max=100)``. open_clip's argument.
        temperature: τ, larger than 0.
        normalize: cosines, or, where off, products of features that are normalized already, as open_clip's are.
        reduction: ``"mean"`` divides by N; ``"sum"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; in nats, at least 0. One pair alone costs 0. A
        vector of zeros has the cosine 0 with all.

    Raises:
        ValueError: shapes do not fit, or the temperature is not larger than 0.
        TypeError: features are no floating-point numbers.

    Source: A. Radford et al., "Learning transferable visual models from natural language supervision", 2021, figure 3,
    https://arxiv.org/abs/2103.00020; ``ClipLoss`` of open_clip.

    >>> pictures, texts = torch.eye(2), torch.eye(2)  # cosine 1 to its own, 0 to the other: log(1 + e⁻¹)
    >>> clip_loss(pictures, texts, temperature=1.0)
    tensor(0.3133)
    """
    scores, own = scores_of(image_features, text_features, logit_scale, temperature, normalize)
    to_texts, to_images = (find_own(s, own, 1.0, "none") for s in (scores, scores.T))
    return reduce(((to_texts + to_images) / 2).to(image_features.dtype), reduction)


def scores_of(
    image_features: Tensor, text_features: Tensor, logit_scale: Tensor | None, temperature: float, normalize: bool
) -> tuple[Tensor, Tensor]:
    """The score of each picture with each text, and the number of each pair."""
    check_batches(image_features=image_features, text_features=text_features)
    similar = similarities(image_features, text_features, normalize)
    own = torch.arange(len(similar), device=similar.device)
    if logit_scale is None:
        return similar / temperature, own
    check_tensors(image_features=image_features, logit_scale=logit_scale)
    check_floating(logit_scale=logit_scale)
    if logit_scale.numel() != 1:
        raise ValueError(
            message(
                "logit_scale must hold one number, got shape {logit_scale_shape}.",
                logit_scale_shape=tuple(logit_scale.shape),
            )
        )
    return similar * logit_scale.reshape(()), own


class CLIPLoss(Loss):
    """Module form of :func:`lossbook.beyond.clip_loss`."""

    function = clip_loss


def definition(
    images: list[list[float]],
    texts: list[list[float]],
    logit_scale: float | None = None,
    temperature: float = 0.07,
    normalize: bool = True,
) -> Iterator[Term]:
    scale = 1 / temperature if logit_scale is None else logit_scale
    scores = [[scale * similarity(u, v, normalize) for v in texts] for u in images]
    for i, to_texts in enumerate(scores):
        to_images = [line[i] for line in scores]
        directions = (math.log(sum(math.exp(s - scores[i][i]) for s in line)) for line in (to_texts, to_images))
        yield Term(sum(directions) / 2)


def formula(logit_scale: Tensor | None, temperature: float, normalize: bool) -> str:
    images, texts = (rf"\log \frac{{e^{{s_{{ii}}}}}}{{\sum_j e^{{s_{{{ij}}}}}}}" for ij in ("ij", "ji"))
    product = r"\cos(u_i, v_j)" if normalize else r"u_i^\top v_j"
    tau = temperature if logit_scale is None else 1 / float(logit_scale)
    return (
        rf"\ell_i = -\tfrac{{1}}{{2}} {images} - \tfrac{{1}}{{2}} {texts}"
        + given("s_{ij}", product + r" / \tau")
        + given(r"\tau", tau)
    )


def steps(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor | None,
    temperature: float,
    normalize: bool,
    reduction: str,
) -> Iterator[Step]:
    yield similarity_step(similarities(image_features, text_features, normalize), normalize)
    scores, own = scores_of(image_features, text_features, logit_scale, temperature, normalize)
    yield Step(_("Scores: divided by the temperature"), tuple(elided([row(values) for values in scores])), scores)
    directions = []
    for say, table in (
        (_("Loss of each picture: minus the logarithm of its text's probability"), scores),
        (_("Loss of each text: minus the logarithm of its picture's probability"), scores.T),
    ):
        losses = find_own(table, own, 1.0, "none")
        lines = [equals(f"−ln {number(math.exp(-loss))}", loss) for loss in losses.tolist()]
        yield Step(say, tuple(elided(lines)), losses)
        directions.append(losses)
    losses = (directions[0] + directions[1]) / 2
    texts = [f"({number(a)} + {number(b)}) / 2" for a, b in zip(*directions, strict=True)]
    lines = [equals(text, loss) for text, loss in zip(texts, losses, strict=True)]
    yield Step(_("Loss of each pair, the mean of both"), tuple(elided(lines)), losses)
    yield from reduction_steps(losses, None, reduction, [number(loss) for loss in losses])


ENTRY = Entry(
    name="clip",
    also=("CLIP", "ClipLoss", "symmetric_info_nce"),
    family="distance",
    module=CLIPLoss,
    page="practice/embeddings",
    definition=definition,
    formula=formula,
    steps=steps,
    not_drawn="plot draws no CLIPLoss: each picture is compared with all texts of the batch, and each text with all "
    "pictures. One vector and its negatives are InfoNCE, as plot('info_nce') shows.",
    batches=Kind(
        batches_of_pairs,
        lambda g, rows, columns: (normal(g, rows, columns), normal(g, rows, columns)),
        wrt=(0, 1),
        trials=({"temperature": 0.5}, {"normalize": False}),
    ),
    sample=lambda g: (uniform(g, 4, 3), uniform(g, 4, 3)),
    settings=({"temperature": 0.5}, {"normalize": False, "temperature": 2.0}),
    coupled=True,
)
