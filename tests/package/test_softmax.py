"""Softmax, its logarithm and the derivation, against exact fractions and finite differences."""

import math
from fractions import Fraction

import pytest
import torch
from torch.testing import assert_close

from lossbook import functional as lf
from lossbook.softmax import cross_entropy_gradient, softmax_jacobian, softmax_steps


def test_by_exact_fractions():
    """The logits ln 1, ln 2, ln 5 have the softmax 1/8, 2/8, 5/8."""
    parts = [Fraction(n, 8) for n in (1, 2, 5)]
    logits = torch.tensor([math.log(n) for n in (1, 2, 5)], dtype=torch.float64)
    assert_close(lf.softmax(logits, dim=0), torch.tensor([float(p) for p in parts]).double())


def test_steps_lead_to_the_probabilities():
    logits = torch.tensor([[1.0, 2.0, 4.0], [-7.0, 0.0, 900.0]], dtype=torch.float64)
    steps = softmax_steps(logits, dim=1)
    assert_close(steps.shift, torch.tensor([[4.0], [900.0]]).double())
    assert (steps.shifted <= 0).all()
    assert (steps.shifted.amax(dim=1) == 0).all()
    assert (steps.normalizer >= 1).all()
    for row, shifted in zip(logits.tolist(), steps.numerator.tolist(), strict=True):
        assert shifted == pytest.approx([math.exp(z - max(row)) for z in row])
    assert_close(steps.probabilities, torch.softmax(logits, dim=1))


def test_the_shift_changes_nothing():
    logits = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    for shift in (-1000.0, 100.0, 1e6):
        assert_close(lf.softmax(logits + shift, dim=0), lf.softmax(logits, dim=0))


def test_no_overflow_and_no_logarithm_of_zero():
    logits = torch.tensor([1000.0, 0.0, -1000.0], requires_grad=True)
    assert_close(lf.softmax(logits, dim=0), torch.tensor([1.0, 0.0, 0.0]))
    log_p = lf.log_softmax(logits, dim=0)
    assert_close(log_p, torch.tensor([0.0, -1000.0, -2000.0]))
    assert torch.autograd.grad(log_p.sum(), logits)[0].isfinite().all()


def test_jacobian_is_the_derivative():
    logits = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    jacobian = softmax_jacobian(torch.softmax(logits, dim=0))
    h = 1e-6
    for j in range(3):
        moved = [logits.clone().index_add_(0, torch.tensor([j]), torch.tensor([s * h]).double()) for s in (1, -1)]
        slope = (torch.softmax(moved[0], 0) - torch.softmax(moved[1], 0)) / (2 * h)
        assert_close(jacobian[:, j], slope, rtol=1e-8, atol=1e-9)
    assert_close(jacobian, jacobian.T)
    assert_close(jacobian.sum(dim=0), torch.zeros(3).double())


@pytest.mark.parametrize("target", [torch.tensor(2), torch.tensor([0, 2])])
def test_gradient_of_cross_entropy_is_softmax_minus_one_hot(target, generator):
    logits = torch.rand(*target.shape, 3, generator=generator).double().requires_grad_()
    torch.nn.functional.cross_entropy(logits, target, reduction="sum").backward()
    assert_close(cross_entropy_gradient(logits.detach(), target), logits.grad)
