"""Cross-entropy with soft targets and masks against peers, and padding that holds anything."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from lossbook.beyond import soft_target_cross_entropy
from tests.package.peers import assert_same, learned

Z = torch.tensor([[1.0, 2, 0], [0, -1, 3]], dtype=torch.float64)
Q = torch.tensor([[0.2, 0.5, 0.3], [1, 0, 0]]).double()  # as timm got them


def by_timm(z, q):
    """SoftTargetCrossEntropy: the classes are last."""
    return torch.sum(-q * F.log_softmax(z, dim=-1), dim=-1)


def by_torch(z, q):
    return F.cross_entropy(z, q, reduction="none")


def by_kl(z, q):
    """The KL divergence from the target plus its entropy."""
    return F.kl_div(z.log_softmax(1), q, reduction="none").sum(1) - torch.xlogy(q, q).sum(1)


@pytest.mark.parametrize("peer", [by_timm, by_torch, by_kl])
def test_equals_its_peers(peer, generator):
    z, v = learned(generator, 5, 4), learned(generator, 5, 4)
    assert_same(
        lambda z, v: soft_target_cross_entropy(z, v.softmax(1), reduction="none"),
        lambda z, v: peer(z, v.softmax(1)),
        z,
        v,
    )
    mask = torch.tensor([1, 0, 1, 1, 0])

    def masked(z, v):
        return soft_target_cross_entropy(z, v.softmax(1), mask)

    assert_same(masked, lambda z, v: peer(z, v.softmax(1))[mask.bool()].mean(), z, v)
    weights = torch.tensor([0.5, 0, 2, 1, 0], dtype=torch.float64)

    def weighted(z, v):
        return (peer(z, v.softmax(1)) * weights).sum() / weights.sum()

    assert_same(lambda z, v: soft_target_cross_entropy(z, v.softmax(1), weights), weighted, z, v)


def test_equals_timms_number():
    """timm 1.0.31, with its gradient."""
    z = Z.clone().requires_grad_()
    value = soft_target_cross_entropy(z, Q)
    assert value.item() == pytest.approx(2.136744950548851, rel=1e-14)
    slopes = [
        [0.0223642358606519, 0.08262048284384226, -0.10498471870449422],
        [-0.47669368871101303, 0.008573912772760194, 0.4681197759382529],
    ]
    expected = torch.tensor(slopes, dtype=torch.float64)
    assert_close(torch.autograd.grad(value, z)[0], expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("padding", [math.nan, math.inf, 1e30])
def test_padding_may_hold_anything(padding):
    z, q = Z.clone(), Q.clone()
    z[1], q[1] = padding, padding
    z.requires_grad_()
    value = soft_target_cross_entropy(z, q, torch.tensor([True, False]))
    assert_close(value, soft_target_cross_entropy(Z[:1], Q[:1]))
    (slope,) = torch.autograd.grad(value, z)
    assert not slope[1].any()
    assert slope[0].all()


def test_sequences_and_images(generator):
    z, v = learned(generator, 2, 3, 5), learned(generator, 2, 3, 5)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    flat = soft_target_cross_entropy(z.flatten(0, 1), v.softmax(-1).flatten(0, 1), mask.flatten())
    assert_close(soft_target_cross_entropy(z, v.softmax(-1), mask, dim=-1), flat)
    assert_close(soft_target_cross_entropy(z.movedim(-1, 1), v.softmax(-1).movedim(-1, 1), mask), flat)
    assert_close(flat, by_timm(z, v.softmax(-1))[mask].mean())


def test_a_class_that_is_ruled_out():
    z = torch.tensor([[1.0, 2.0, -math.inf]], requires_grad=True)
    value = soft_target_cross_entropy(z, torch.tensor([[0.5, 0.5, 0.0]]))
    assert_close(value, soft_target_cross_entropy(z[:, :2], torch.full((1, 2), 0.5)))
    assert torch.autograd.grad(value, z)[0].isfinite().all()


def test_nothing_left():
    none = torch.tensor([False, False])
    assert soft_target_cross_entropy(Z, Q, none).isnan()
    assert soft_target_cross_entropy(Z, Q, none, reduction="sum") == 0
    assert soft_target_cross_entropy(Z, Q, none, reduction="none").tolist() == [0, 0]


WRONG = {
    "a mask of classes": (
        (Z, Q, Q > 0),
        ValueError,
        r"without the classes, \(2,\), got \(2, 3\).*set its logit to −inf",
    ),
    "class numbers": ((Z, torch.tensor([0, 1])), ValueError, "same shape"),
    "a list": ((Z, Q, [True, False]), TypeError, "mask must be a torch.Tensor, got list"),
    "integers": ((Z, Q.long()), TypeError, "target must hold floating-point numbers"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_a_sentence(case):
    tensors, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        soft_target_cross_entropy(*tensors)
