"""ListNet against peers that compute otherwise, with short lists and empty ones."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import list_net_loss

from .test_info_nce import wave

RELEVANCE = torch.tensor([[2, 0, 1, 0], [0, 3, 0, 1], [1, 1, 0, 0]]).double()
MASK = torch.tensor([[True, True, True, True], [True, True, False, False], [True, False, True, False]])


def by_allrank(scores, relevance, mask):
    """The formula of allRank's listNet, without its 1e-10 in the logarithm."""
    scores, relevance = scores.masked_fill(~mask, -math.inf), relevance.masked_fill(~mask, -math.inf)
    p, q = relevance.softmax(1), scores.softmax(1)
    return -torch.where(mask, p * torch.where(mask, q, 1).log(), 0).sum(1)


def list_by_list(scores, relevance, mask):
    return torch.stack(
        [F.cross_entropy(s[m], y[m].softmax(0)) for s, y, m in zip(scores, relevance, mask, strict=True)]
    )


@pytest.mark.parametrize("peer", [by_allrank, list_by_list])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_equals_its_peers(peer, mask):
    scores = 3 * wave(3, 4)
    losses = peer(scores, RELEVANCE, torch.ones_like(MASK) if mask is None else mask)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = list_net_loss(scores, RELEVANCE, mask, reduction=reduction)
        assert_close(value, expected)
        assert_close(*(torch.autograd.grad(v.sum(), scores, retain_graph=True)[0] for v in (value, expected)))


def test_relevance_as_it_is_and_over_its_sum():
    """The formula of optax' ranking_softmax_loss."""
    scores = 3 * wave(3, 4)
    raw = -(RELEVANCE * scores.log_softmax(1)).sum(1)
    assert_close(list_net_loss(scores, RELEVANCE, relevance="raw", reduction="none"), raw)
    assert_close(list_net_loss(scores, RELEVANCE, relevance="sum", reduction="none"), raw / RELEVANCE.sum(1))


def test_where_allrank_is_wrong():
    """log(q + 1e-10) is never below −23.03, and has no slope there: such a list does not learn."""
    scores = torch.tensor([[0.0, 40.0]], requires_grad=True)
    loss = list_net_loss(scores, torch.tensor([[1000.0, 0.0]]))
    assert_close(loss, torch.tensor(40.0))
    assert_close(torch.autograd.grad(loss, scores)[0], torch.tensor([[-1.0, 1.0]]))
    with_eps = -(scores.softmax(1) + 1e-10).log()[0, 0]
    assert_close(with_eps, torch.tensor(10.0).log() * 10)
    assert torch.autograd.grad(with_eps, scores)[0].abs().max() < 1e-6


@pytest.mark.parametrize("relevance", ["softmax", "sum", "raw"])
def test_lists_without_items_and_without_relevant_ones(relevance):
    scores = torch.tensor([[1.0, 2.0], [1.0, 2.0]], requires_grad=True)
    mask = torch.tensor([[True, True], [False, False]])
    losses = list_net_loss(scores, torch.zeros(2, 2), mask, relevance=relevance, reduction="none")
    assert losses[1] == 0
    if relevance != "softmax":
        assert losses[0] == 0
    mean = list_net_loss(scores, torch.zeros(2, 2), mask, relevance=relevance)
    assert_close(mean, losses[0])
    (slope,) = torch.autograd.grad(mean, scores)
    assert slope.isfinite().all()
    assert torch.equal(slope[1], torch.zeros(2))


def test_is_least_at_the_relevance():
    scores = (RELEVANCE + 5).requires_grad_()
    (slope,) = torch.autograd.grad(list_net_loss(scores, RELEVANCE), scores)
    assert_close(slope, torch.zeros_like(slope))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_is_finite_for_huge_scores(dtype):
    scores = torch.tensor([[1000.0, -1000.0, 0.0]], dtype=dtype, requires_grad=True)
    loss = list_net_loss(scores, torch.tensor([[0, 4, 1]]))
    assert loss.isfinite()
    assert torch.autograd.grad(loss, scores)[0].isfinite().all()


def test_no_nan_arises_on_the_way_back_of_an_empty_list():
    """None that torch's detection of anomalies would stop at."""
    scores = torch.zeros(2, 2, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        loss = list_net_loss(scores, torch.zeros(2, 2), torch.tensor([[True, True], [False, False]]))
        assert torch.autograd.grad(loss, scores)[0].isfinite().all()


def test_empty_batch_and_nan():
    empty = torch.empty(0, 3)
    assert list_net_loss(empty, empty).isnan()
    assert list_net_loss(empty, empty, reduction="sum") == 0
    assert list_net_loss(torch.tensor([math.nan, 1.0]), torch.ones(2)).isnan()


TWO = torch.ones(2, 3)
WRONG = {
    "shapes": ((TWO, TWO.T), {}, ValueError, "input and target must have the same shape"),
    "no items": ((torch.ones(2, 0), torch.ones(2, 0)), {}, ValueError, "a score for each item"),
    "a mask of numbers": ((TWO, TWO, TWO), {}, TypeError, r"Write mask.bool\(\)"),
    "a mask of lists": ((TWO, TWO, torch.ones(2).bool()), {}, ValueError, "input and mask must have the same shape"),
    "truth values": ((TWO, TWO.bool()), {}, TypeError, "For truth values write target.float"),
    "other relevance": ((TWO, TWO), {"relevance": "max"}, ValueError, "must be one of 'softmax', 'sum', 'raw'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        list_net_loss(*tensors, **settings)


def test_verify_names_what_is_wrong():
    def over_batch(scores, relevance):
        return -(relevance.softmax(0) * scores.log_softmax(0)).sum(0).mean()

    assert "dimension 0" in lossbook.verify(over_batch, like="listnet").diagnosis
