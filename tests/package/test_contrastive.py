"""Contrastive loss of pairs against peers, each with its own conventions."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import contrastive_loss

from .test_info_nce import wave

LABELS = torch.tensor([1, 0, 0, 1])


def by_sentence_transformers(a, b, y):
    """Its formula: labels of 1 are similar, cosine distances, ½."""
    d = 1 - F.cosine_similarity(a, b)
    return 0.5 * (y * d.pow(2) + (1 - y) * F.relu(0.5 - d).pow(2))


def by_the_paper(a, b, y):
    """As the paper writes it: Y = 0 is similar."""
    d = torch.linalg.vector_norm(a - b, dim=1)
    return (1 - y) / 2 * d**2 + y / 2 * (3 - d).clamp(min=0) ** 2


def by_tensorflow_addons(a, b, y):
    d = F.pairwise_distance(a, b, eps=0)
    return y * d**2 + (1 - y) * torch.maximum(3 - d, torch.zeros(())) ** 2


CONVENTIONS = {
    by_sentence_transformers: {"distance": "cosine", "margin": 0.5},
    by_the_paper: {"similar": 0, "margin": 3.0},
    by_tensorflow_addons: {"half": False, "margin": 3.0},
}


@pytest.mark.parametrize("peer", CONVENTIONS)
def test_equals_its_peers(peer):
    a, b = wave(4, 3), wave(4, 3, step=1.1)
    losses = peer(a, b, LABELS)
    assert (losses > 0).sum() >= 3
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = contrastive_loss(a, b, LABELS, **CONVENTIONS[peer], reduction=reduction)
        assert_close(value, expected)
        slopes = [torch.autograd.grad(v.sum(), (a, b), retain_graph=True) for v in (value, expected)]
        for ours, theirs in zip(*slopes, strict=True):
            assert_close(ours, theirs)


def test_equals_pytorch_metric_learning():
    """ContrastiveLoss 2.9.0 with Euclidean distances of vectors as they are, summed: value and two rows of the gradient."""
    expected = [5.968686796, -0.1557647958, 0.3156894866, 0.9359901049, -0.2899457224, 0.3771445128, 0.8795984848]
    a, b = wave(4, 3), wave(4, 3, step=1.1)
    value = contrastive_loss(a, b, LABELS, squared=False, half=False, margin=3.0, reduction="sum")
    (slope,) = torch.autograd.grad(value, a)
    assert [value.item(), *slope[:2].flatten().tolist()] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("label", [0, 1])
def test_equal_points_have_a_finite_gradient(distance, squared, label):
    """A bare root has none, and F.pairwise_distance avoids it by a shift of 1e-6."""
    a, b = torch.ones(2, 3, requires_grad=True), torch.ones(2, 3)
    loss = contrastive_loss(a, b, torch.full((2,), label), squared=squared, distance=distance, half=False)
    assert_close(loss, torch.tensor(1.0 - label), atol=1e-6, rtol=0)
    assert torch.autograd.grad(loss, a)[0].isfinite().all()


def test_the_curvature_at_equal_points():
    """A similar pair's loss is a parabola."""
    b = torch.zeros(2, dtype=torch.float64)
    curvature = torch.func.hessian(lambda a: contrastive_loss(a, b, torch.tensor(1)))(b + 1e-3)
    assert_close(curvature, torch.eye(2).double())


def test_in_float16_squares_of_the_coordinates_do_not_overflow():
    a = torch.full((1, 3), 300.0, dtype=torch.half, requires_grad=True)
    loss = contrastive_loss(a, torch.zeros(1, 3).half(), torch.tensor([0]))
    assert loss == 0
    assert torch.equal(torch.autograd.grad(loss, a)[0], torch.zeros(1, 3).half())


def test_a_pair_alone():
    assert_close(contrastive_loss(torch.zeros(2), torch.tensor([3.0, 4.0]), torch.tensor(1)), torch.tensor(12.5))


def test_empty_batch():
    empty = torch.empty(0, 3)
    assert contrastive_loss(empty, empty, torch.empty(0)).isnan()
    assert contrastive_loss(empty, empty, torch.empty(0), reduction="sum") == 0


def test_nan_is_not_hidden():
    a = torch.tensor([[math.nan, 1.0]])
    for label in (0, 1):
        assert contrastive_loss(a, torch.ones(1, 2), torch.tensor([label])).isnan()


ONE = torch.ones(2, 3)
WRONG = {
    "signs": ((ONE, ONE, torch.tensor([1, -1])), {}, ValueError, "target must hold 1 and 0 only, got -1"),
    "a column of labels": ((ONE, ONE, torch.ones(2, 1)), {}, ValueError, r"write target.squeeze\(1\)"),
    "no margin": ((ONE, ONE, torch.ones(2)), {"margin": 0.0}, ValueError, "margin must be larger than 0"),
    "another distance": (
        (ONE, ONE, torch.ones(2)),
        {"distance": "l1"},
        ValueError,
        "distance must be one of 'euclidean'",
    ),
    "integers": ((ONE.long(), ONE, torch.ones(2)), {}, TypeError, "input1 must hold floating-point"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        contrastive_loss(*tensors, **settings)


def test_verify_names_what_is_wrong():
    def of_the_paper(a, b, y):
        d = F.pairwise_distance(a, b)
        return ((1 - y) * d**2 + y * (1 - d).clamp(min=0) ** 2).mean() / 2

    assert lossbook.verify(of_the_paper, like="contrastive", similar=0)
    assert "labels are flipped" in lossbook.verify(of_the_paper, like="contrastive").diagnosis


def test_a_pair_too_far_apart_for_its_square_costs_nothing():
    a, b = torch.tensor([[1e25, 0.0]], requires_grad=True), torch.tensor([[0.0, 1e25]])
    loss = contrastive_loss(a, b, torch.tensor([0]))
    loss.backward()
    assert loss == 0
    assert a.grad.tolist() == [[0, 0]]
