"""NT-Xent against peers that compute otherwise."""

import math

import pytest
import torch
from torch.testing import assert_close

import lossbook
from lossbook.beyond import info_nce_loss, nt_xent_loss

from .test_info_nce import batch

#: Value, and gradient with respect to the first vector, of NTXentLoss from pytorch-metric-learning 2.9.0, of both views
#: with the label of each sample.
BY_PYTORCH_METRIC_LEARNING = {
    0.1: (9.8255558302, -1.2135106013, 0.8004232921, 2.0784517021),
    0.5: (2.4868733836, -0.2020556285, 0.1332745105, 0.3460726792),
}


@pytest.mark.parametrize("temperature", BY_PYTORCH_METRIC_LEARNING)
def test_equals_pytorch_metric_learning(temperature):
    one, other = batch("none")
    value = nt_xent_loss(one, other, temperature=temperature)
    (slope,) = torch.autograd.grad(value, one)
    assert [value.item(), *slope[0].tolist()] == pytest.approx(BY_PYTORCH_METRIC_LEARNING[temperature], abs=1e-9)


def by_halves(one, other, temperature):
    """As InfoNCE of each view, whose negatives of its own are the other views of its half."""
    n = len(one)
    rest = torch.tensor([[j for j in range(n) if j != i] for i in range(n)])
    losses = [
        info_nce_loss(a, b, a[rest], temperature=temperature, in_batch=True, reduction="none")
        for a, b in ((one, other), (other, one))
    ]
    return torch.cat(losses)


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
def test_is_info_nce_with_the_own_half_as_negatives(temperature):
    views = batch("none")
    losses = by_halves(*views, temperature)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = nt_xent_loss(*views, temperature=temperature, reduction=reduction)
        assert_close(value, expected)
        slopes = [torch.autograd.grad(v.sum(), views, retain_graph=True) for v in (value, expected)]
        for ours, theirs in zip(*slopes, strict=True):
            assert_close(ours, theirs)


def test_one_sample_has_no_negatives():
    one = torch.ones(1, 3, requires_grad=True)
    loss = nt_xent_loss(one, torch.rand(1, 3))
    assert loss == 0
    assert torch.equal(torch.autograd.grad(loss, one)[0], torch.zeros(1, 3))


def test_where_all_vectors_are_equal():
    """N samples: 2N − 1 views, alike."""
    same = torch.ones(4, 3, requires_grad=True)
    loss = nt_xent_loss(same, same.detach())
    assert_close(loss, torch.tensor(7.0).log())
    assert torch.autograd.grad(loss, same)[0].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_a_temperature_near_0(dtype):
    views = torch.eye(3, dtype=dtype, requires_grad=True)
    for other, expected in ((torch.eye(3, dtype=dtype), 0.0), (-torch.eye(3, dtype=dtype), 1e3)):
        loss = nt_xent_loss(views, other, temperature=1e-3)
        assert_close(loss.float(), torch.tensor(expected), atol=2.0, rtol=0)
        assert torch.autograd.grad(loss, views)[0].isfinite().all()


def test_empty_batch():
    empty = torch.empty(0, 3)
    assert nt_xent_loss(empty, empty).isnan()
    assert nt_xent_loss(empty, empty, reduction="sum") == 0


def test_nan_is_not_hidden():
    assert nt_xent_loss(torch.tensor([[math.nan, 1.0], [1.0, 0.0]]), torch.ones(2, 2)).isnan()


def test_one_vector_is_no_batch(refuses):
    with refuses(ValueError, "input1 must hold a batch of embeddings"):
        nt_xent_loss(torch.ones(3), torch.ones(3))


def test_verify_names_what_is_wrong():
    def across_only(one, other):
        return (info_nce_loss(one, other, temperature=0.5) + info_nce_loss(other, one, temperature=0.5)) / 2

    assert "between the two views" in lossbook.verify(across_only, like="nt_xent").diagnosis
