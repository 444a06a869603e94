"""IPO against peers that compute otherwise."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import ipo_loss

from .test_dpo import batch


def by_trl(c, r, c0, r0, beta):
    """The formula of DPOTrainer, loss_type="ipo"."""
    return ((c - c0) - (r - r0) - 1 / (2 * beta)) ** 2


def by_regression(c, r, c0, r0, beta):
    """The paper's regression of the log-ratio on its goal, times (2β)²: its ½ is no β."""
    h = torch.log(torch.exp(c - r) * torch.exp(r0 - c0))
    return F.mse_loss(2 * beta * h, torch.ones_like(h), reduction="none") / (2 * beta) ** 2


@pytest.mark.parametrize("peer", [by_trl, by_regression])
@pytest.mark.parametrize("beta", [0.01, 0.1, 1.0])
def test_equals_its_peers(peer, beta):
    logps = batch()
    losses = peer(*logps, beta)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = ipo_loss(*logps, beta=beta, reduction=reduction)
        assert_close(value, expected)
        slopes = [torch.autograd.grad(v.sum(), logps, retain_graph=True) for v in (value, expected)]
        for ours, theirs in zip(*slopes, strict=True):
            assert_close(ours, theirs)


def test_is_least_at_its_goal():
    h, zero = torch.tensor([5.0], requires_grad=True), torch.zeros(1)
    value = ipo_loss(h, zero, zero, zero, beta=0.1)
    assert value == torch.autograd.grad(value, h)[0] == 0


def test_verify_names_what_is_wrong():
    def whole(c, r, c0, r0):
        return ((c - r) - (c0 - r0) - 1 / 0.1).square().mean()

    assert "1/(2β)" in lossbook.verify(whole, like="ipo").diagnosis
    assert lossbook.verify(lambda *logps: by_trl(*logps, 0.5).mean(), like="ipo", beta=0.5)
