"""Focal loss against two peers that nobody here wrote or that compute otherwise, and where it is hard to compute."""

import math

import kornia
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import SigmoidFocalLoss, sigmoid_focal_loss


def batch(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(6, 5, generator=generator, dtype=dtype)
    return logits.requires_grad_(), torch.randint(2, (6, 5), generator=generator).to(dtype)


def by_the_paper(logits, target, alpha, gamma):
    """Equation 5 of the paper, in tensors: α_t (1 − p_t)^γ times the cross-entropy."""
    p = logits.sigmoid()
    p_t = p * target + (1 - p) * (1 - target)
    losses = (1 - p_t) ** gamma * F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return losses if alpha is None else (alpha * target + (1 - alpha) * (1 - target)) * losses


def by_kornia(logits, target, alpha, gamma):
    return kornia.losses.binary_focal_loss_with_logits(logits, target, alpha=alpha, gamma=gamma)


@pytest.mark.parametrize("peer", [by_the_paper, by_kornia])
@pytest.mark.parametrize("alpha", [0.25, 0.75, 0.0, 1.0, None])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_equals_its_peers(peer, alpha, gamma):
    logits, target = batch()
    losses = peer(logits, target, alpha, gamma)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = sigmoid_focal_loss(logits, target, alpha=alpha, gamma=gamma, reduction=reduction)
        assert_close(value, expected)
        slopes = [torch.autograd.grad(v.sum(), logits, retain_graph=True)[0] for v in (value, expected)]
        assert_close(*slopes)


def test_without_its_factors_it_is_binary_cross_entropy():
    logits, target = batch()
    plain = F.binary_cross_entropy_with_logits(logits, target)
    assert_close(sigmoid_focal_loss(logits, target, alpha=None, gamma=0.0), plain)
    assert_close(sigmoid_focal_loss(logits, target, alpha=0.5, gamma=0.0), plain / 2)


def test_torchvisions_word_for_no_weight():
    logits, target = batch()
    assert_close(sigmoid_focal_loss(logits, target, alpha=-1), sigmoid_focal_loss(logits, target, alpha=None))
    assert "(1 − 0.5)² · (ln (1 + e^0))" in str(lossbook.explain("focal", torch.zeros(1), torch.ones(1), alpha=-1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0, 5.0])
def test_is_finite_where_the_probability_rounds_to_one(gamma, dtype):
    """(1 − p)^γ has an infinite slope there for γ below 1, and 0 · ∞ is nan; so do its curvature and the peers'."""
    logits = torch.tensor([17.0, 40.0, 104.0, 1e4, -17.0, -40.0, -104.0, -1e4], dtype=dtype, requires_grad=True)
    for label in (0, 1):
        value = sigmoid_focal_loss(logits, torch.full_like(logits, label), gamma=gamma, reduction="none")
        (slope,) = torch.autograd.grad(value.sum(), logits, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), logits)
        for numbers in (value, slope, curvature):
            assert numbers.isfinite().all()
        right = logits > 0 if label else logits < 0
        assert (value[right].abs() < 1e-6).all()
        assert_close(value[~right], (0.25 if label else 0.75) * logits[~right].abs(), rtol=1e-2, atol=0)


def test_the_plain_formula_is_not_finite_there():
    """The test above can fail."""
    logits = torch.tensor([40.0], requires_grad=True)
    (slope,) = torch.autograd.grad(by_the_paper(logits, torch.ones(1), 0.25, 0.5).sum(), logits)
    assert not slope.isfinite().all()


def test_keeps_its_digits_in_float32():
    logits = torch.linspace(-30, 30, 121)
    for label in (0.0, 1.0):
        target = torch.full_like(logits, label)
        exact = sigmoid_focal_loss(logits.double(), target.double(), reduction="none")
        assert_close(sigmoid_focal_loss(logits, target, reduction="none").double(), exact, rtol=1e-5, atol=0)


def test_under_autocast_it_is_computed_in_float32():
    x, y = torch.full((4,), 3.0, dtype=torch.bfloat16), torch.ones(4, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert sigmoid_focal_loss(x, y).dtype == torch.float32


def test_labels_of_any_type():
    logits = torch.tensor([1.0, -2.0])
    expected = sigmoid_focal_loss(logits, torch.tensor([1.0, 0.0]))
    assert_close(sigmoid_focal_loss(logits, torch.tensor([1, 0])), expected)
    assert_close(sigmoid_focal_loss(logits, torch.tensor([1, 0], dtype=torch.uint8)), expected)


def test_empty_batch():
    empty = torch.empty(0)
    assert sigmoid_focal_loss(empty, empty).isnan()
    assert sigmoid_focal_loss(empty, empty, reduction="sum") == 0


def test_nan_is_not_hidden():
    assert sigmoid_focal_loss(torch.tensor([math.nan, 1.0]), torch.ones(2)).isnan()


ONE = torch.ones(2)
WRONG = {
    "soft labels": ((ONE, ONE / 2), {}, ValueError, "target must hold 1 and 0 only, got 0.5"),
    "signs": ((ONE, -ONE), {}, ValueError, r"For labels 1 and −1 write \(target \+ 1\) / 2"),
    "shapes": ((ONE, torch.ones(2, 1)), {}, ValueError, "same shape"),
    "alpha above 1": ((ONE, ONE), {"alpha": 2.0}, ValueError, "alpha must lie between 0 and 1"),
    "alpha below 0": ((ONE, ONE), {"alpha": -0.5}, ValueError, "alpha must lie between 0 and 1"),
    "gamma below 0": ((ONE, ONE), {"gamma": -1.0}, ValueError, "gamma must lie between 0 and inf"),
    "torchvision's order": ((ONE, ONE, 0.25), {}, TypeError, "Name the settings"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        sigmoid_focal_loss(*tensors, **settings)


def test_powers_are_written_as_powers():
    explanation = lossbook.explain("focal", torch.zeros(1), torch.ones(1), gamma=1.5)
    assert "0.25 · (1 − 0.5)^1.5 · (ln (1 + e^0)) ≈ 0.0613" in str(explanation)
    assert r"0.25 \cdot (1 - 0.5)^{1.5} \cdot (\ln (1 + e^{0})) \approx 0.0613" in explanation._repr_markdown_()


def test_module_says_what_it_is():
    assert repr(SigmoidFocalLoss(gamma=1.0)) == "SigmoidFocalLoss(alpha=0.25, gamma=1.0, reduction='mean')"
    assert not hasattr(lossbook.nn, "SigmoidFocalLoss")
    assert lossbook.beyond.SigmoidFocalLoss is SigmoidFocalLoss


def test_verify_knows_it():
    def powerless(input, target):
        return F.binary_cross_entropy_with_logits(input, target) / 2

    def right(input, target):
        return sigmoid_focal_loss(input.double(), target.double()).to(input.dtype)

    assert lossbook.verify(right, like="focal")
    assert "missing" in lossbook.verify(powerless, like="focal", alpha=0.5).diagnosis
