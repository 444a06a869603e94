"""CLIP's loss against peers that compute otherwise."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import CLIPLoss, clip_loss

from .test_info_nce import batch


def by_open_clip(images, texts, scale):
    """The formula of ClipLoss, of features that are normalized."""
    images, texts = F.normalize(images, dim=-1), F.normalize(texts, dim=-1)
    to_texts, to_images = scale * images @ texts.T, scale * texts @ images.T
    labels = torch.arange(len(images))
    return (F.cross_entropy(to_texts, labels) + F.cross_entropy(to_images, labels)) / 2


def pair_by_pair(images, texts, scale):
    cosines = torch.stack([torch.stack([F.cosine_similarity(u, v, 0) for v in texts]) for u in images])
    scores = scale * cosines
    return ((scores.logsumexp(1) + scores.logsumexp(0)) / 2 - scores.diagonal()).mean()


@pytest.mark.parametrize("peer", [by_open_clip, pair_by_pair])
@pytest.mark.parametrize("temperature", [0.01, 0.07, 1.0])
def test_equals_its_peers(peer, temperature):
    pair = batch("none")
    value, expected = clip_loss(*pair, temperature=temperature), peer(*pair, 1 / temperature)
    assert_close(value, expected)
    for ours, theirs in zip(torch.autograd.grad(value, pair), torch.autograd.grad(expected, pair), strict=True):
        assert_close(ours, theirs)
    losses = clip_loss(*pair, temperature=temperature, reduction="none")
    assert losses.shape == (4,)
    assert_close(losses.mean(), expected)
    assert_close(clip_loss(*pair, temperature=temperature, reduction="sum"), 4 * expected)


def test_its_scale_is_learnt():
    log_scale = torch.tensor(1 / 0.07, dtype=torch.float64).log().requires_grad_()
    pair = batch("none")
    value, expected = CLIPLoss()(*pair, log_scale.exp()), by_open_clip(*pair, log_scale.exp())
    assert_close(value, clip_loss(*pair, temperature=0.07))
    assert_close(*(torch.autograd.grad(v, log_scale)[0] for v in (value, expected)))
    assert torch.autograd.gradcheck(clip_loss, (*pair, log_scale.exp().detach().requires_grad_()))


def test_both_directions_are_alike():
    images, texts = batch("none")
    assert_close(clip_loss(images, texts), clip_loss(texts, images))


def test_pairs_that_are_all_alike():
    one = torch.ones(4, 3, requires_grad=True)
    loss = clip_loss(one, one.detach())
    assert_close(loss, torch.tensor(4.0).log())
    assert torch.autograd.grad(loss, one)[0].isfinite().all()
    assert clip_loss(one[:1], one[:1]) == 0


@pytest.mark.parametrize("temperature", [1e-3, 1e-30])
def test_a_temperature_near_0(temperature):
    images = torch.eye(3, requires_grad=True)
    for texts, expected in ((torch.eye(3), 0.0), (-torch.eye(3), 1 / temperature)):
        loss = clip_loss(images, texts, temperature=temperature)
        assert_close(loss, torch.tensor(expected), rtol=1e-2, atol=0)
        assert torch.autograd.grad(loss, images)[0].isfinite().all()


def test_empty_batch_and_nan():
    empty = torch.empty(0, 3)
    assert clip_loss(empty, empty).isnan()
    assert clip_loss(empty, empty, reduction="sum") == 0
    assert clip_loss(torch.tensor([[math.nan, 1.0], [1.0, 0.0]]), torch.ones(2, 2)).isnan()


@pytest.mark.parametrize(
    ("scale", "kind", "sentence"),
    [(torch.ones(2), ValueError, "logit_scale must hold one number"), (14.3, TypeError, "must be a torch.Tensor")],
    ids=["two numbers", "no tensor"],
)
def test_a_wrong_scale_is_told_in_a_sentence(scale, kind, sentence, refuses):
    with refuses(kind, sentence):
        clip_loss(*batch("none"), scale)


def test_its_steps_with_a_scale():
    assert r"\tau = 0.5" in lossbook.explain("clip", *batch("none"), torch.tensor(2.0)).formula


def test_verify_names_what_is_wrong():
    def one_way(images, texts):
        scores = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / 0.07
        return F.cross_entropy(scores, torch.arange(len(images)))

    assert "one of the two directions" in lossbook.verify(one_way, like="clip").diagnosis
