"""The Gaussian KL divergence against peers."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence
from torch.testing import assert_close

from lossbook.beyond import gaussian_kl_div
from tests.package.peers import assert_same, learned


def by_distributions(mu, log_var):
    return kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu)))


def by_pytorchs_example(mu, log_var):
    """examples/vae, where it is summed up."""
    return -0.5 * (1 + log_var - mu.pow(2) - log_var.exp())


@pytest.mark.parametrize("peer", [by_distributions, by_pytorchs_example])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "batchmean"])
def test_equals_its_peers(peer, reduction, generator):
    def theirs(mu, log_var):
        losses = peer(mu, log_var)
        reduced = {"none": losses, "mean": losses.mean(), "sum": losses.sum(), "batchmean": losses.sum() / 4}
        return reduced[reduction]

    tensors = learned(generator, 4, 3), learned(generator, 4, 3)
    assert_same(lambda mu, log_var: gaussian_kl_div(mu, log_var, reduction=reduction), theirs, *tensors)


def test_the_sum_over_the_latents_is_that_of_the_joint_distribution(generator):
    mu, log_var = learned(generator, 4, 3), learned(generator, 4, 3)
    joint = MultivariateNormal(mu, torch.diag_embed(log_var.exp()))
    standard = MultivariateNormal(torch.zeros(3, dtype=mu.dtype), torch.eye(3, dtype=mu.dtype))
    assert_close(gaussian_kl_div(mu, log_var, reduction="none").sum(1), kl_divergence(joint, standard))


def test_by_numerical_integration():
    z = np.linspace(-30, 30, 200_001)
    for m, s in ((0.5, -1.0), (-2.0, 1.5)):
        log_q = -((z - m) ** 2) / (2 * np.exp(s)) - 0.5 * (s + np.log(2 * np.pi))
        log_p = -(z**2) / 2 - 0.5 * np.log(2 * np.pi)
        integral = np.trapezoid(np.exp(log_q) * (log_q - log_p), z)
        assert gaussian_kl_div(torch.tensor(m), torch.tensor(s)).item() == pytest.approx(integral, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extremes(dtype):
    mu = torch.tensor([0.0, 0.0, 1e4], dtype=dtype, requires_grad=True)
    log_var = torch.tensor([0.0, -200.0, 0.0], dtype=dtype, requires_grad=True)
    losses = gaussian_kl_div(mu, log_var, reduction="none")
    assert_close(losses.double(), torch.tensor([0, 99.5, 5e7], dtype=torch.float64), rtol=8e-3, atol=0)
    slopes = torch.autograd.grad(losses.sum(), (mu, log_var))
    assert_close(slopes[1].double(), torch.tensor([0, -0.5, 0], dtype=torch.float64))


def test_wrong_input():
    with pytest.raises(ValueError, match="mu and log_var must have the same shape"):
        gaussian_kl_div(torch.zeros(2, 3), torch.zeros(3))
    with pytest.raises(ValueError, match="one of 'none', 'mean', 'batchmean', 'sum'"):
        gaussian_kl_div(torch.zeros(2), torch.zeros(2), reduction="avg")
