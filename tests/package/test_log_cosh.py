"""Log-cosh loss against peers, and its digits where errors are small and where they are large."""

import math

import pytest
import torch
from torch.testing import assert_close

from lossbook.beyond import log_cosh_loss
from tests.package.peers import assert_same, learned


def by_softplus(x, t):
    return x - t + torch.nn.functional.softplus(-2 * (x - t)) - math.log(2)


def by_torchmetrics(x, t):
    return torch.log((torch.exp(x - t) + torch.exp(t - x)) / 2)


@pytest.mark.parametrize("peer", [by_softplus, by_torchmetrics])
def test_equals_its_peers(peer, generator):
    x, t = learned(generator, 4, 3), learned(generator, 4, 3)
    assert_same(lambda x, t: log_cosh_loss(x, t, reduction="none"), peer, x, t)


#: optax 0.2.8 in float64, log_cosh and its jax.grad; torchmetrics 1.9.0 has 8.512259715666797 for the mean
OPTAX = [0.12011450695827752, 2.309328504577785, 0.0, 1.3250027473578645, 38.80685281944005]
SLOPES = [-0.4621171572600099, 0.9950547536867304, 0.0, 0.9640275800758168, -1.0]


def test_equals_the_numbers_of_optax_and_torchmetrics():
    x = torch.tensor([0.0, 2.5, -1, 3, 0.5]).double().requires_grad_()
    losses = log_cosh_loss(x, torch.tensor([0.5, -0.5, -1, 1, 40]).double(), reduction="none")
    assert_close(losses, torch.tensor(OPTAX, dtype=torch.float64), rtol=1e-14, atol=1e-14)
    assert losses.mean().item() == pytest.approx(8.512259715666797, rel=1e-14)
    assert_close(
        torch.autograd.grad(losses.sum(), x)[0], torch.tensor(SLOPES, dtype=torch.float64), rtol=1e-14, atol=1e-14
    )


ERRORS = [1e-6, 1e-4, 1e-3, 0.01, 0.5, 3.0, 9.9, 10.1, 19.9, 20.1, 40.0, 89.0, 1e3]


def exact(e):
    """By the series for small errors, by the exponentials for the others: Python has no overflow at 700."""
    return e * e / 2 - e**4 / 12 if e < 0.01 else e + math.log1p(math.exp(-2 * e)) - math.log(2)


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float64, 1e-11), (torch.float32, 1e-6), (torch.float16, 4e-3)])
def test_keeps_its_digits(dtype, digits):
    e = torch.tensor([e for e in ERRORS if dtype != torch.float16 or e > 0.005], dtype=dtype)
    for sign in (1, -1):
        x = (sign * e).requires_grad_()
        losses = log_cosh_loss(x, torch.zeros_like(e), reduction="none")
        assert_close(
            losses.double(), torch.tensor([exact(v) for v in e.tolist()], dtype=torch.float64), rtol=digits, atol=0
        )
        (slope,) = torch.autograd.grad(losses.sum(), x)
        assert_close(slope.double(), x.detach().double().tanh(), rtol=digits, atol=0)


def test_the_peers_lose_them():
    """The test above can fail."""
    small, large = torch.tensor(1e-3), torch.tensor(100.0)
    assert abs(by_softplus(small, torch.tensor(0.0)).item() / exact(1e-3) - 1) > 0.04
    assert by_torchmetrics(large, torch.tensor(0.0)).isinf()


def test_curvature_is_one_at_zero_and_finite_everywhere():
    x = torch.tensor([0.0, 5.0, 100.0, 1e30], requires_grad=True)
    (slope,) = torch.autograd.grad(log_cosh_loss(x, torch.zeros(4), reduction="sum"), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    assert_close(curvature, 1 - x.tanh().square(), atol=1e-6, rtol=1e-3)
