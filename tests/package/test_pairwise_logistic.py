"""The pairwise logistic loss against peers that compute otherwise."""

import math
from itertools import product

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import dpo_loss, pairwise_logistic_loss

from .test_info_nce import wave

SHARES = torch.tensor([1.0, 0.0, 0.5, 0.25, 1.0, 0.0], dtype=torch.float64)


def scores():
    return 3 * wave(6), 3 * wave(6, of=torch.cos)


def by_ranknet(a, b, y, sigma):
    """As the paper simplifies it; σ is of a later one."""
    o = sigma * (a - b)
    return -y * o + torch.log1p(o.exp())


def by_binary_cross_entropy(a, b, y, sigma):
    return F.binary_cross_entropy_with_logits(sigma * (a - b), y, reduction="none")


def by_bradley_and_terry(a, b, y, sigma):
    """Strengths: each wins in proportion to its own."""
    p = (sigma * a).exp() / ((sigma * a).exp() + (sigma * b).exp())
    return -y * p.log() - (1 - y) * (1 - p).log()


@pytest.mark.parametrize("peer", [by_ranknet, by_binary_cross_entropy, by_bradley_and_terry])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_equals_its_peers(peer, sigma):
    pair = scores()
    losses = peer(*pair, SHARES, sigma)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = pairwise_logistic_loss(*pair, SHARES, sigma=sigma, reduction=reduction)
        assert_close(value, expected)
        slopes = [torch.autograd.grad(v.sum(), pair, retain_graph=True) for v in (value, expected)]
        for ours, theirs in zip(*slopes, strict=True):
            assert_close(ours, theirs)


@pytest.mark.parametrize("sigma", [1.0, 3.0])
@pytest.mark.parametrize("margin", [0.0, 1.0, -0.5])
def test_equals_the_reward_trainer_of_trl(margin, sigma):
    """Which has no steepness of its own: it is that of the lead less the margin."""
    chosen, rejected = scores()
    expected, settings = -F.logsigmoid(sigma * (chosen - rejected - margin)).mean(), {"margin": margin, "sigma": sigma}
    assert_close(pairwise_logistic_loss(chosen, rejected, **settings), expected)
    ones = torch.ones_like(chosen)
    assert_close(pairwise_logistic_loss(chosen, rejected, ones, **settings), expected)
    assert_close(pairwise_logistic_loss(rejected, chosen, 0 * ones, **settings), expected)


def test_is_that_of_dpos_rewards():
    logps = [wave(6, step=step) for step in (1.0, 1.1, 1.2, 1.3)]
    rewards = [0.1 * (logps[i] - logps[i + 2]) for i in (0, 1)]
    assert_close(pairwise_logistic_loss(*rewards), dpo_loss(*logps))


@pytest.mark.parametrize("lead", [-1e4, 1e4])
@pytest.mark.parametrize("label", [0.0, 0.5, 1.0])
def test_is_finite_far_apart(lead, label):
    a = torch.tensor([lead], requires_grad=True)
    wrong = label if lead < 0 else 1 - label  # as much of the label is
    labels = [torch.tensor([label])] if label < 1 else [torch.tensor([label]), None]
    for target, margin in product(labels, (0.0, 100.0)):
        value = pairwise_logistic_loss(a, torch.zeros(1), target, margin=margin)
        (slope,) = torch.autograd.grad(value, a)
        assert_close(value, torch.tensor((1e4 + margin) * wrong))
        assert_close(slope, torch.tensor([-wrong if lead < 0 else wrong]))


def test_labels_of_any_type():
    a, b = torch.tensor([1.0, -2.0]), torch.zeros(2)
    expected = pairwise_logistic_loss(a, b, torch.tensor([1.0, 0.0]))
    assert_close(pairwise_logistic_loss(a, b, torch.tensor([1, 0])), expected)
    half = pairwise_logistic_loss(a.half(), b.half(), torch.tensor([1.0, 0.0]))
    assert half.dtype == torch.half


def test_empty_batch():
    empty = torch.empty(0)
    assert pairwise_logistic_loss(empty, empty).isnan()
    assert pairwise_logistic_loss(empty, empty, empty, reduction="sum") == 0


def test_nan_is_not_hidden():
    assert pairwise_logistic_loss(torch.tensor([math.nan, 1.0]), torch.ones(2)).isnan()


ONE = torch.ones(2)
WRONG = {
    "signs": ((ONE, ONE, -ONE), {}, ValueError, "target must lie between 0, which is no, and 1, which is yes, got -1"),
    "shapes": ((ONE, torch.ones(2, 1)), {}, ValueError, "input1 and input2 must have the same shape"),
    "shapes of labels": ((ONE, ONE, torch.ones(2, 1)), {}, ValueError, "input1 and target must have the same shape"),
    "truth values": ((ONE, ONE, ONE.bool()), {}, TypeError, "For truth values write target.float"),
    "integers": ((ONE, ONE.long()), {}, TypeError, "input2 must hold floating-point"),
    "no steepness": ((ONE, ONE), {"sigma": 0.0}, ValueError, "sigma must be larger than 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        pairwise_logistic_loss(*tensors, **settings)


def test_without_labels_the_formula_has_none():
    explanation = lossbook.explain("ranknet", *scores())
    assert explanation.formula.startswith(r"\ell(s_1, s_2) = -\log \sigma(d) \qquad")
    soft = lossbook.explain("ranknet", torch.ones(1), torch.ones(1), torch.full((1,), 0.5))
    assert "0.5 · (ln (1 + e^0)) + 0.5 · (ln (1 + e^0)) ≈ 0.6931" in str(soft)


def test_verify_names_what_is_wrong():
    def exchanged(chosen, rejected):
        return -F.logsigmoid(rejected - chosen).mean()

    report = lossbook.verify(exchanged, like="bradley_terry")
    assert "exchanged" in report.diagnosis or "swapped" in report.diagnosis
