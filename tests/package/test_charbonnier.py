"""Charbonnier loss against peers, and its digits beside a small and a large ε."""

import kornia
import pytest
import torch
from torch.testing import assert_close

from lossbook.beyond import charbonnier_loss
from tests.package.peers import assert_same, learned


def by_basicsr(eps):
    """BasicSR and MMagic: what they call eps is ε²."""
    return lambda x, t: torch.sqrt((x - t) ** 2 + eps**2)


@pytest.mark.parametrize("eps", [1e-6, 1e-3, 0.5, 1.0])
def test_equals_basicsr(eps, generator):
    x, t = learned(generator, 4, 3), learned(generator, 4, 3)
    assert_same(lambda x, t: charbonnier_loss(x, t, eps=eps, reduction="none"), by_basicsr(eps), x, t)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_equals_kornia(reduction, generator):
    x, t = learned(generator, 4, 3), learned(generator, 4, 3)
    settings = {"eps": 1.0, "from_zero": True, "reduction": reduction}
    theirs = kornia.losses.charbonnier_loss
    assert_same(lambda x, t: charbonnier_loss(x, t, **settings), lambda x, t: theirs(x, t, reduction), x, t)


def test_times_epsilon_it_is_pseudo_huber(generator):
    x, t, delta = learned(generator, 9), learned(generator, 9), 0.7
    expected = delta**2 * ((1 + ((x - t) / delta) ** 2).sqrt() - 1)
    assert_close(delta * charbonnier_loss(x, t, eps=delta, from_zero=True, reduction="none"), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_large_errors_and_small_epsilons_are_not_squared(dtype):
    x = torch.tensor([1e4 if dtype is torch.float16 else 1e30, 0.0], dtype=dtype, requires_grad=True)
    eps = 2.0**-20 if dtype is torch.float16 else 2.0**-100
    for from_zero in (False, True):
        losses = charbonnier_loss(x, torch.zeros_like(x), eps=eps, from_zero=from_zero, reduction="none")
        assert_close(losses, torch.stack([x[0], 0 * x[1] + (0 if from_zero else eps)]), rtol=1e-6, atol=0)
        assert torch.autograd.grad(losses.sum(), x)[0].tolist() == [1, 0]
    assert by_basicsr(eps)(x, torch.zeros_like(x))[0].isinf(), "the peer is not finite there, and neither is kornia"


def test_from_zero_keeps_the_digits_of_small_errors():
    e = torch.tensor([1e-4, 1e-3])
    exact = e.double().square() / ((e.double().square() + 1).sqrt() + 1)
    losses = charbonnier_loss(e, torch.zeros(2), eps=1.0, from_zero=True, reduction="none")
    assert_close(losses.double(), exact, rtol=1e-6, atol=0)


@pytest.mark.parametrize("eps", [0.0, -1.0, float("nan")])
def test_epsilon_is_positive(eps):
    with pytest.raises(ValueError, match="eps must be larger than 0"):
        charbonnier_loss(torch.ones(2), torch.ones(2), eps=eps)
