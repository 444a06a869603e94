"""Distillation against peers, its labels, and temperatures near 0 and far from it."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from lossbook.beyond import DistillationLoss, distillation_loss
from tests.package.peers import assert_same, learned


def by_kl_div(student, teacher, T, direction):
    """As everybody writes it, per sample; the reverse as in TRL's GKDTrainer with beta = 1."""
    q, p = F.log_softmax(student / T, 1), F.log_softmax(teacher / T, 1)
    q, p = (q, p) if direction == "forward" else (p, q)
    return F.kl_div(q, p, reduction="none", log_target=True).sum(1) * T**2


def by_cross_entropy(student, teacher, T, direction):
    """The cross-entropy of the one under the other, minus the entropy that it cannot go below."""
    q, p = F.softmax(student / T, 1), F.softmax(teacher / T, 1)
    q, p = (q, p) if direction == "forward" else (p, q)
    return T**2 * ((p * p.log()).sum(1) - (p * q.log()).sum(1))


@pytest.mark.parametrize("peer", [by_kl_div, by_cross_entropy])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("T", [0.5, 1.0, 4.0])
def test_equals_its_peers(peer, direction, T, generator):
    student, teacher = learned(generator, 5, 4), learned(generator, 5, 4)
    target = torch.tensor([0, 1, 2, 3, -100])

    def ours(z, v):
        return distillation_loss(z, v, temperature=T, direction=direction, reduction="none")

    assert_same(ours, lambda z, v: peer(z, v, T, direction), student, teacher)

    def with_labels(z, v):
        settings = {"temperature": T, "direction": direction, "alpha": 0.3, "reduction": "none"}
        return distillation_loss(z, v, target, **settings)

    def theirs(z, v):
        soft = torch.where(target == -100, 0, peer(z, v, T, direction))
        return 0.3 * soft + 0.7 * F.cross_entropy(z, target, reduction="none")

    assert_same(with_labels, theirs, student, teacher)


def test_means_and_factors(generator):
    z, v = learned(generator, 6, 3), learned(generator, 6, 3)
    target = torch.tensor([0, 1, 2, 0, -100, -100])
    batchmean = F.kl_div((z / 3).log_softmax(1), (v / 3).softmax(1), reduction="batchmean")
    assert_close(distillation_loss(z, v, temperature=3.0), 9 * batchmean)
    assert_close(distillation_loss(z, v, temperature=3.0, t_squared=False), batchmean)
    assert_close(distillation_loss(z, v, temperature=3.0, alpha=0.1), 9 * batchmean), "no labels: no alpha"
    kept = distillation_loss(z[:4], v[:4], target[:4])
    assert_close(distillation_loss(z, v, target), kept)
    assert_close(DistillationLoss(alpha=0.0)(z, v, target), F.cross_entropy(z, target))
    assert distillation_loss(z, v, torch.full((6,), -100)).isnan()


def test_a_language_model(generator):
    z, v = learned(generator, 2, 3, 5), learned(generator, 2, 3, 5)
    target = torch.randint(5, (2, 3), generator=generator)
    flat = distillation_loss(z.flatten(0, 1), v.flatten(0, 1), target.flatten(), reduction="none")
    assert_close(distillation_loss(z, v, target, dim=-1, reduction="none"), flat.reshape(2, 3))
    last = distillation_loss(z.movedim(-1, 1), v.movedim(-1, 1), target, reduction="none")
    assert_close(last, flat.reshape(2, 3))


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_temperatures_near_zero(direction, dtype):
    """T² times a divergence of about gap / T: what is left is T times the gap of the logits, and goes to 0."""
    z = torch.tensor([[100.0, 0.0, -100.0]], dtype=dtype, requires_grad=True)
    v = torch.tensor([[-100.0, 90.0, 100.0]], dtype=dtype)
    for T in (1e-2, 1e-4, 1e-6):
        value = distillation_loss(z, v, temperature=T, direction=direction)
        gap = 200
        assert_close(value.double().item(), gap * T, rtol=2e-3, atol=1e-3 if dtype is torch.float16 else 0)
        assert torch.autograd.grad(value, z)[0].isfinite().all()


def test_temperatures_far_from_zero(generator):
    """There the loss is that of logits, half their squared distance over C, with the means taken away."""
    z, v = learned(generator, 4, 5), learned(generator, 4, 5)
    apart = (z - z.mean(1, keepdim=True)) - (v - v.mean(1, keepdim=True))
    assert_close(distillation_loss(z, v, temperature=1e4), apart.square().mean() / 2, rtol=1e-3, atol=0)


def test_classes_that_both_rule_out(generator):
    z = torch.tensor([[1.0, 2.0, -math.inf]], requires_grad=True)
    v = torch.tensor([[2.0, 1.0, -math.inf]])
    for direction in ("forward", "reverse"):
        value = distillation_loss(z, v, direction=direction)
        assert_close(value, distillation_loss(z[:, :2], v[:, :2], direction=direction))
        assert torch.autograd.grad(value, z)[0].isfinite().all()
    assert distillation_loss(z, torch.zeros(1, 3)).isinf(), "the teacher asks for what the student rules out"


LOGITS = torch.zeros(2, 3)
WRONG = {
    "a temperature of 0": ((LOGITS, LOGITS), {"temperature": 0.0}, ValueError, "temperature must be larger than 0"),
    "a direction": ((LOGITS, LOGITS), {"direction": "back"}, ValueError, "one of 'forward', 'reverse', got 'back'"),
    "labels for teacher": (
        (LOGITS, torch.tensor([0, 1])),
        {},
        ValueError,
        "input and teacher must have the same shape",
    ),
    "probabilities for labels": (
        (LOGITS, LOGITS, LOGITS),
        {},
        ValueError,
        r"one class number for each sample, shape \(2,\)",
    ),
    "float labels": ((LOGITS, LOGITS, torch.zeros(2)), {}, TypeError, "torch.int64, got torch.float32"),
    "a class too many": ((LOGITS, LOGITS, torch.tensor([0, 3])), {}, IndexError, "class 3, but input has 3"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_a_sentence(case):
    tensors, settings, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        distillation_loss(*tensors, **settings)
