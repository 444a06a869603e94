"""DPO against peers that compute otherwise, and where it is hard to compute."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import dpo_loss, ipo_loss

from .test_info_nce import wave


def batch():
    return tuple(10 * wave(6, step=step) - 20 for step in (1.0, 1.1, 1.2, 1.3))


def by_trl(c, r, c0, r0, beta, label_smoothing):
    """The formula of DPOTrainer up to 0.28, loss_type="sigmoid"."""
    logits = (c - c0) - (r - r0)
    return -F.logsigmoid(beta * logits) * (1 - label_smoothing) - F.logsigmoid(-beta * logits) * label_smoothing


def by_cross_entropy(c, r, c0, r0, beta, label_smoothing):
    """Bradley and Terry's model: a choice between two rewards, with smoothed labels."""
    rewards = beta * torch.stack([c - c0, r - r0], 1)
    target = torch.tensor([1 - label_smoothing, label_smoothing], dtype=rewards.dtype).expand_as(rewards)
    return F.cross_entropy(rewards, target, reduction="none")


@pytest.mark.parametrize("peer", [by_trl, by_cross_entropy])
@pytest.mark.parametrize("beta", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.5, 1.0])
def test_equals_its_peers(peer, beta, label_smoothing):
    logps = batch()
    losses = peer(*logps, beta, label_smoothing)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = dpo_loss(*logps, beta=beta, label_smoothing=label_smoothing, reduction=reduction)
        assert_close(value, expected)
        slopes = [torch.autograd.grad(v.sum(), logps, retain_graph=True) for v in (value, expected)]
        for ours, theirs in zip(*slopes, strict=True):
            assert_close(ours, theirs)


@pytest.mark.parametrize("h", [-1e4, -1e3, 0.0, 1e3, 1e4])
def test_is_finite_for_large_log_ratios(h):
    c, zero = torch.tensor([h], requires_grad=True), torch.zeros(1)
    value = dpo_loss(c, zero, zero, zero, beta=1.0)
    (slope,) = torch.autograd.grad(value, c, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, c)
    assert_close(value, torch.tensor(math.log(2) if h == 0 else max(-h, 0.0)))
    assert_close(slope, torch.tensor([-0.5 if h == 0 else -float(h < 0)]))
    assert curvature.isfinite()


def test_in_bfloat16_the_differences_keep_their_digits():
    """100.25 and 99.75 are no bfloat16, both would be 100: the differences are taken in float32."""
    c, r, c0, r0 = (torch.tensor([x], dtype=torch.bfloat16) for x in (-100.5, -0.25, -100.0, -0.25))
    exact = dpo_loss(*(x.double() for x in (c, r, c0, r0)), beta=1.0)
    assert_close(exact, torch.tensor(0.5).exp().add(1).log().double())
    assert_close(dpo_loss(c, r, c0, r0, beta=1.0).double(), exact, rtol=4e-3, atol=0)


def test_without_reference():
    c, r, *_ = batch()
    zero = torch.zeros_like(c)
    assert_close(dpo_loss(c, r, zero, zero), F.softplus(-0.1 * (c - r)).mean())


def test_empty_batch():
    empty = torch.empty(0)
    assert dpo_loss(empty, empty, empty, empty).isnan()
    assert dpo_loss(empty, empty, empty, empty, reduction="sum") == 0


def test_nan_is_not_hidden():
    one = torch.ones(2)
    for loss in (dpo_loss, ipo_loss):
        assert loss(torch.tensor([math.nan, 1.0]), one, one, one).isnan()


ONE = torch.ones(2)
WRONG = {
    "shapes": (
        (ONE, ONE, ONE, torch.ones(2, 1)),
        {},
        ValueError,
        "chosen_logps and ref_rejected_logps must have the same",
    ),
    "integers": ((ONE, ONE.long(), ONE, ONE), {}, TypeError, "rejected_logps must hold floating-point"),
    "beta of 0": ((ONE, ONE, ONE, ONE), {"beta": 0.0}, ValueError, "beta must be larger than 0"),
    "much smoothing": ((ONE, ONE, ONE, ONE), {"label_smoothing": 1.5}, ValueError, "between 0 and 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        dpo_loss(*tensors, **settings)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (lambda c, r, c0, r0: -F.logsigmoid(0.1 * (c - r)).mean(), "reference is missing"),
        (lambda c, r, c0, r0: -F.logsigmoid(0.1 * (c - r) - (c0 - r0)).mean(), "model's log-ratio alone"),
        (lambda c, r, c0, r0: -F.logsigmoid(0.1 * ((r - c) - (r0 - c0))).mean(), "exchanged"),
        (lambda c, r, c0, r0: -F.logsigmoid((c - r) - (c0 - r0)).mean(), "beta is missing"),
    ],
    ids=["reference", "parentheses", "exchanged", "beta"],
)
def test_verify_names_what_is_wrong(loss, told):
    assert told in lossbook.verify(loss, like="dpo").diagnosis
