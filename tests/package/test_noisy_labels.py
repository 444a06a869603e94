"""Generalized and symmetric cross-entropy against peers, at their limits, and where a label is thought impossible."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import generalized_cross_entropy, symmetric_cross_entropy
from lossbook.catalogue import find
from tests.package.peers import assert_same, learned

LOSSES = {"gce": generalized_cross_entropy, "sce": symmetric_cross_entropy}
every_loss = pytest.mark.parametrize("name", LOSSES)


def by_softmax(z, target, q):
    """As the authors' code: the softmax, gathered, and its power."""
    p = z.softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
    return (1 - p**q) / q


def by_labels(z, target, alpha, beta, log_zero):
    """As the authors' code: both cross-entropies from one-hot labels, clamped so that log 0 is A."""
    p, hot = z.softmax(1), F.one_hot(target, z.shape[1]).movedim(-1, 1).to(z)
    forward = -(hot * z.log_softmax(1)).sum(1)
    return alpha * forward - beta * (p * hot.clamp(min=math.exp(log_zero)).log()).sum(1)


def by_other_classes(z, target, alpha, beta, log_zero):
    """As other code: the label's own probability set to 0, the rest summed and times A."""
    rest = z.softmax(1).scatter(1, target.unsqueeze(1), 0.0).sum(1)
    return alpha * F.cross_entropy(z, target, reduction="none") - beta * log_zero * rest


@pytest.mark.parametrize("shape", [(6, 4), (2, 4, 3)])
@pytest.mark.parametrize("q", [0.25, 0.7, 1.0])
def test_generalized_equals_its_peer(q, shape, generator):
    z, target = learned(generator, *shape), torch.randint(4, (shape[0], *shape[2:]), generator=generator)
    ours = lambda z: generalized_cross_entropy(z, target, q=q, reduction="none")  # noqa: E731
    assert_same(ours, lambda z: by_softmax(z, target, q), z)
    # The paper's other form: an integral of p^(q − 1) from p to 1, by the midpoint rule.
    p = z.detach().softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
    steps = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
    points = p.unsqueeze(-1) + (1 - p).unsqueeze(-1) * steps
    assert_close(ours(z).detach(), (points ** (q - 1)).mean(-1) * (1 - p), rtol=1e-5, atol=0)


@pytest.mark.parametrize("peer", [by_labels, by_other_classes])
@pytest.mark.parametrize(("alpha", "beta", "log_zero"), [(0.1, 1.0, -4.0), (6.0, 0.1, math.log(1e-4))])
def test_symmetric_equals_its_peers(alpha, beta, log_zero, peer, generator):
    for shape in ((6, 4), (2, 4, 3)):
        z, target = learned(generator, *shape), torch.randint(4, (shape[0], *shape[2:]), generator=generator)
        settings = {"alpha": alpha, "beta": beta, "log_zero": log_zero}
        assert_same(
            lambda z, t=target, s=settings: symmetric_cross_entropy(z, t, **s, reduction="none"),
            lambda z, t=target, s=settings: peer(z, t, **s),
            z,
        )


def test_limits(generator):
    z, target = learned(generator, 6, 4), torch.tensor([0, 1, 2, 3, -100, 0])
    plain = F.cross_entropy(z, target)
    assert_close(generalized_cross_entropy(z, target, q=0.0), plain)
    assert_close(generalized_cross_entropy(z, target, q=1e-7), plain, rtol=1e-6, atol=0)
    assert_close(symmetric_cross_entropy(z, target, alpha=1.0, beta=0.0), plain)
    reverse = symmetric_cross_entropy(z, target, alpha=0.0, log_zero=-2.0)
    assert_close(reverse, 2 * generalized_cross_entropy(z, target, q=1.0)), "1 − p, times −A"


def test_truncation(generator):
    """At most k: the loss of k, without a slope."""
    z = torch.tensor([[0.0, 3.0], [3.0, 0.0]], requires_grad=True)
    losses = generalized_cross_entropy(z, torch.tensor([0, 0]), k=0.5, reduction="none")
    assert_close(losses, torch.stack([torch.tensor((1 - 0.5**0.7) / 0.7), by_softmax(z, torch.tensor([0, 0]), 0.7)[1]]))
    (slopes,) = torch.autograd.grad(losses.sum(), z)
    assert (slopes[0] == 0).all()
    assert (slopes[1] != 0).all()


@every_loss
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_labels_thought_impossible(name, dtype):
    z = torch.tensor([[-1e4, 0.0], [1e4, 0.0], [40.0, 0.0]], dtype=dtype, requires_grad=True)
    value = LOSSES[name](z, torch.tensor([0, 0, 0]), reduction="none")
    assert value.isfinite().all()
    assert (value[1:] < 1e-6).all()
    assert torch.autograd.grad(value.sum(), z)[0].isfinite().all()
    one = torch.zeros(2, 1, dtype=dtype)
    assert LOSSES[name](one, torch.tensor([0, 0])) == 0, "one class only"
    assert LOSSES[name](z, torch.full((3,), -100)).isnan(), "the mean of nothing"


LOGITS, NUMBERS = torch.zeros(2, 3), torch.tensor([0, 1])
WRONG = {
    "a class too many": ("gce", (LOGITS, NUMBERS + 2), {}, IndexError, "class 3, but input has 3 classes"),
    "floats": ("sce", (LOGITS, NUMBERS.float()), {}, TypeError, "torch.int64, got torch.float32"),
    "q above 1": ("gce", (LOGITS, NUMBERS), {"q": 2.0}, ValueError, "q must lie between 0 and 1"),
    "A above 0": ("sce", (LOGITS, NUMBERS), {"log_zero": 4.0}, ValueError, "log_zero must lie between"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    name, tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        LOSSES[name](*tensors, **settings)


@every_loss
def test_goes_by_the_names_that_people_type(name):
    assert find(name).function is LOSSES[name]
    assert find(f"{name.upper()}Loss").function is LOSSES[name]


def test_verify_knows_them():
    def undivided(logits, target):
        return 0.7 * by_softmax(logits, target, 0.7).mean()

    def of_the_mean(logits, target):
        return by_labels(logits, target, 1.0, 0.1, -4.0).mean()

    assert "division by q" in lossbook.verify(undivided, like="gce").diagnosis
    assert "swapped" in lossbook.verify(of_the_mean, like="sce").diagnosis
