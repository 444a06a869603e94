"""RMSE against peers, and its slope where all errors are 0."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from lossbook.beyond import RMSELoss, rmse_loss
from tests.package.peers import assert_same, learned


@pytest.mark.parametrize("eps", [0.0, 1e-8, 0.5])
@pytest.mark.parametrize("shape", [(7,), (4, 3), (2, 3, 2)])
def test_equals_its_peers(eps, shape, generator):
    x, t = learned(generator, *shape), learned(generator, *shape)
    assert_same(
        lambda x, t: rmse_loss(x, t, eps=eps), lambda x, t: (torch.nn.functional.mse_loss(x, t) + eps).sqrt(), x, t
    )

    def by_norm(x, t):
        return (
            torch.linalg.vector_norm((x - t).reshape(len(x), -1), dim=1).square() / (x.numel() / len(x)) + eps
        ).sqrt()

    assert_same(lambda x, t: rmse_loss(x, t, batch=False, eps=eps, reduction="none"), by_norm, x, t)
    rows = np.sqrt(np.square((x - t).detach().numpy()).reshape(len(x), -1).mean(1) + eps)
    assert rmse_loss(x, t, batch=False, eps=eps).item() == pytest.approx(rows.mean(), rel=1e-14)
    assert rmse_loss(x, t, batch=False, eps=eps, reduction="sum").item() == pytest.approx(rows.sum(), rel=1e-14)


def test_equals_the_numbers_of_scikit_learn_and_torchmetrics():
    """scikit-learn 1.9.1, root_mean_squared_error; torchmetrics 1.9.0, mean_squared_error(squared=False)."""
    x, t = torch.tensor([0.0, 2.5, -1, 3, 0.5]).double(), torch.tensor([0.5, -0.5, -1, 1, 40]).double()
    assert rmse_loss(x, t).item() == pytest.approx(17.73978579352073, rel=1e-14)


@pytest.mark.parametrize("batch", [True, False])
def test_perfect_predictions_have_the_slope_zero(batch):
    """torch.sqrt(mse), torchmetrics too, has nan there."""
    x = torch.zeros(3, 2, requires_grad=True)
    value = rmse_loss(x, torch.zeros(3, 2), batch=batch)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    assert value == 0
    assert not slope.any()
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    assert not curvature.any()
    (bad,) = torch.autograd.grad(torch.nn.functional.mse_loss(x, torch.zeros(3, 2)).sqrt(), x)
    assert bad.isnan().all()


def test_one_perfect_sample_does_not_spoil_the_others():
    x = torch.tensor([[1.0, 1.0], [3.0, 4.0]], requires_grad=True)
    value = rmse_loss(x, torch.tensor([[1.0, 1.0], [0.0, 0.0]]), batch=False, reduction="sum")
    assert_close(value, torch.tensor(12.5).sqrt())
    (slope,) = torch.autograd.grad(value, x)
    assert_close(slope, torch.tensor([[0.0, 0.0], [1.5, 2.0]]) / 12.5**0.5)


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 1e30), (torch.float32, 1e-30), (torch.float16, 1e3)])
@pytest.mark.parametrize("eps", [0.0, 1e-30])
def test_squares_neither_overflow_nor_vanish(dtype, size, eps):
    x = torch.tensor([3 * size, 4 * size], dtype=dtype, requires_grad=True)
    value = rmse_loss(x, torch.zeros_like(x), eps=eps if dtype is torch.float32 and size > 1 else 0.0)
    assert_close(value, torch.tensor(12.5**0.5 * size, dtype=dtype))
    (slope,) = torch.autograd.grad(value, x)
    assert_close(slope, torch.tensor([1.5, 2.0], dtype=dtype) / 12.5**0.5)


@pytest.mark.parametrize("beside", [0.0, 1e30])
def test_an_epsilon_that_is_large_beside_the_errors(beside):
    """The square of 1e30 overflows, and then every row is reckoned in the unit of its largest error."""
    x = torch.tensor([[1e-30, 0.0], [1e-5, 0.0], [beside, 0.0]], requires_grad=True)
    values = rmse_loss(x, torch.zeros(3, 2), batch=False, eps=1e-8, reduction="none")
    assert_close(values[:2], torch.tensor([1e-4, (0.5e-10 + 1e-8) ** 0.5]), atol=0, rtol=1e-5)
    assert torch.autograd.grad(values.sum(), x)[0].isfinite().all()


def test_what_is_no_number_is_not_hidden():
    zeros = torch.zeros(2)
    assert rmse_loss(torch.tensor([math.nan, 0.0]), zeros).isnan()
    assert rmse_loss(torch.tensor([math.inf, 0.0]), zeros).isinf()
    assert rmse_loss(zeros[:0], zeros[:0]).isnan(), "the mean of nothing"
    assert rmse_loss(zeros[:0].reshape(0, 3), zeros[:0].reshape(0, 3), batch=False, reduction="sum") == 0
    assert rmse_loss(torch.tensor(3.0), torch.tensor(1.0), batch=False) == 2
    assert repr(RMSELoss(batch=False)) == "RMSELoss(batch=False, eps=0.0, reduction='mean')"
