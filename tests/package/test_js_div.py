"""Jensen–Shannon divergence against peers, and where probabilities are 0."""

import math

import kornia
import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from lossbook.beyond import js_div
from tests.package.peers import assert_same, learned


def by_trl(logits, teacher, beta):
    """generalized_jsd_loss of TRL's GKDTrainer: student and teacher in logits, the mixture by logsumexp."""
    q, p, share = logits.log_softmax(-1), teacher.log_softmax(-1), torch.tensor(beta, dtype=logits.dtype)
    mixture = torch.logsumexp(torch.stack([q + torch.log1p(-share), p + torch.log(share)]), dim=0)
    from_p = F.kl_div(mixture, p, reduction="none", log_target=True)
    from_q = F.kl_div(mixture, q, reduction="none", log_target=True)
    return (beta * from_p + (1 - beta) * from_q).sum(-1)


def by_entropies(logits, teacher, beta):
    """Lin's form: the entropy of the mixture minus the mixed entropies."""
    q, p = logits.softmax(-1), teacher.softmax(-1)

    def entropy(x):
        return -torch.xlogy(x, x).sum(-1)

    return entropy(beta * p + (1 - beta) * q) - beta * entropy(p) - (1 - beta) * entropy(q)


@pytest.mark.parametrize("peer", [by_trl, by_entropies])
@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("log_target", [False, True])
def test_equals_its_peers(peer, beta, log_target, generator):
    def ours(logits, teacher):
        target = teacher.log_softmax(-1) if log_target else teacher.softmax(-1)
        settings = {"beta": beta, "log_target": log_target, "dim": -1, "reduction": "none"}
        return js_div(logits.log_softmax(-1), target, **settings)

    student, teacher = learned(generator, 2, 3, 5), learned(generator, 2, 3, 5)
    assert_same(ours, lambda z, v: peer(z, v, beta), student, teacher)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_equals_kornia(reduction, generator):
    q, p = (learned(generator, 2, 1, 3, 3).flatten(2).softmax(-1).reshape(2, 1, 3, 3).detach() for _ in "qp")
    q.requires_grad_()

    def ours(q, p):
        losses = js_div(q.flatten(1).log(), p.flatten(1), reduction=reduction)
        return losses.unsqueeze(1) if reduction == "none" else losses

    assert_same(ours, lambda q, p: kornia.losses.js_div_loss_2d(q, p, reduction), q, p)


def test_equals_scipys_number():
    """scipy 1.17.1: the square of scipy.spatial.distance.jensenshannon."""
    p, q = torch.tensor([[0.5, 0.3, 0.2, 0], [0.1, 0.2, 0, 0.7]], dtype=torch.float64)
    for a, b in ((p, q), (q, p)):
        assert js_div(a.log(), b).item() == pytest.approx(0.3897259011477397, rel=1e-14)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_probabilities_of_zero(dtype):
    logits = torch.tensor([[0.0, -math.inf, -math.inf], [0.0, 0.0, -math.inf]], dtype=dtype, requires_grad=True)
    target = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=dtype, requires_grad=True)
    losses = js_div(logits.log_softmax(1), target, reduction="none")
    half = (math.log(1 / 0.75) + 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)) / 2
    assert_close(losses.double(), torch.tensor([math.log(2), half], dtype=torch.float64), rtol=8e-3, atol=0)
    for slope in torch.autograd.grad(losses.sum(), (logits, target)):
        assert slope.isfinite().all()


def test_bounds(generator):
    for scale in (1e-3, 1.0, 30.0):
        q, p = (learned(generator, 100, 6, scale=scale).log_softmax(1).float() for _ in "qp")
        losses = js_div(q, p, log_target=True, reduction="none")
        assert_close(losses, js_div(p, q, log_target=True, reduction="none"))
        assert (losses > -1e-6).all()
        assert (losses < math.log(2) + 1e-6).all()


def test_towards_the_ends_of_beta_it_is_the_kl_divergence(generator):
    q, p = learned(generator, 4, 5).log_softmax(1), learned(generator, 4, 5).log_softmax(1)
    forward, reverse = (F.kl_div(a, b, reduction="batchmean", log_target=True) for a, b in ((q, p), (p, q)))
    assert_close(js_div(q, p, log_target=True, beta=1e-7) / 1e-7, forward, rtol=1e-5, atol=0)
    assert_close(js_div(q, p, log_target=True, beta=1 - 1e-7) / 1e-7, reverse, rtol=1e-5, atol=0)


def test_classes_in_any_dimension(generator):
    q, p = learned(generator, 2, 4, 3).log_softmax(1), learned(generator, 2, 4, 3).softmax(1)
    last = js_div(q.movedim(1, -1), p.movedim(1, -1), dim=-1, reduction="none")
    assert_close(js_div(q, p, reduction="none"), last)
    assert np.allclose(js_div(q, p).item(), last.mean().item())
    for dim in (3, -4):
        with pytest.raises(ValueError, match="dim must be the dimension of the classes"):
            js_div(q, p, dim=dim)
    for beta in (0, 1, -0.1):
        with pytest.raises(ValueError, match="beta must lie between 0 and 1, and be neither"):
            js_div(q, p, beta=beta)
