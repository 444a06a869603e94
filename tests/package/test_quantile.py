"""Quantile loss against peers, over several quantiles, and where it has no slope."""

import math
import statistics

import pytest
import torch
from torch.testing import assert_close

from lossbook.beyond import QuantileLoss, quantile_loss
from tests.package.peers import assert_same, learned


def by_maximum(q):
    """As in PyTorch Forecasting, but for its factor 2."""
    return lambda x, t: torch.max(q * (t - x), (q - 1) * (t - x))


def by_asymmetric_l1(q):
    return lambda x, t: (t - x).abs() / 2 + (q - 0.5) * (t - x)


@pytest.mark.parametrize("peer", [by_maximum, by_asymmetric_l1])
@pytest.mark.parametrize("q", [0.05, 0.5, 0.9])
def test_equals_its_peers(peer, q, generator):
    x, t = learned(generator, 4, 3), learned(generator, 4, 3)
    assert_same(lambda x, t: quantile_loss(x, t, quantile=q, reduction="none"), peer(q), x, t)


#: scikit-learn 1.9.1, mean_pinball_loss
SKLEARN = {0.1: 1.7, 0.5: 4.5, 0.9: 7.3}


@pytest.mark.parametrize("q", SKLEARN)
def test_equals_scikit_learns_numbers(q):
    x, t = torch.tensor([0.0, 2.5, -1, 3, 0.5]).double(), torch.tensor([0.5, -0.5, -1, 1, 40]).double()
    assert quantile_loss(x, t, quantile=q).item() == pytest.approx(SKLEARN[q], rel=1e-14)


def test_several_quantiles_are_one_after_the_other(generator):
    x, t, qs = learned(generator, 5, 3), learned(generator, 5), (0.1, 0.5, 0.9)

    def one_by_one(x, t):
        return torch.stack([quantile_loss(x[:, i], t, quantile=q, reduction="none") for i, q in enumerate(qs)], 1)

    for given in (qs, list(qs), torch.tensor(qs, dtype=torch.float64)):
        assert_same(lambda x, t, q=given: quantile_loss(x, t, quantile=q, reduction="none"), one_by_one, x, t)
    same = t.unsqueeze(1).expand(-1, 3)
    assert_close(quantile_loss(x, same, quantile=qs), quantile_loss(x, t, quantile=qs))
    assert_close(QuantileLoss(quantile=qs)(x, t), one_by_one(x, t).mean())


def test_a_tensor_of_quantiles_compiles(generator):
    x, t, qs = learned(generator, 5, 3), learned(generator, 5), torch.tensor([0.1, 0.5, 0.9])
    compiled = torch.compile(quantile_loss, fullgraph=True, backend="aot_eager")
    assert_close(compiled(x, t, quantile=qs), quantile_loss(x, t, quantile=qs))


def test_its_minimum_is_the_quantile():
    data = torch.arange(1.0, 101).double()
    costs = {g: quantile_loss(torch.full_like(data, g), data, quantile=0.9).item() for g in range(1, 101)}
    assert min(costs, key=costs.get) in (90, 91)
    median = statistics.median_low(data.tolist())
    assert min(costs, key=lambda g: quantile_loss(torch.full_like(data, g), data).item()) == median


def test_no_slope_where_prediction_and_target_agree():
    """The peers' maximum has ½ − q there: of two equal numbers it takes the mean of the slopes."""
    x = torch.zeros(2, requires_grad=True)
    (slope,) = torch.autograd.grad(quantile_loss(x, torch.zeros(2), quantile=0.9), x)
    assert slope.tolist() == [0, 0]
    (other,) = torch.autograd.grad(by_maximum(0.9)(x, torch.zeros(2)).sum(), x)
    assert_close(other, torch.full((2,), -0.4))


ONE = torch.ones(2)
WRONG = {
    "shapes": ((ONE, torch.ones(2, 1)), {}, ValueError, "same shape"),
    "too few predictions": ((ONE, ONE), {"quantile": (0.1, 0.5, 0.9)}, ValueError, r"last dimension, shape \(…, 3\)"),
    "no dimension": ((ONE[0], ONE[0]), {"quantile": (0.1,)}, ValueError, "last dimension"),
    "0": ((ONE, ONE), {"quantile": 0.0}, ValueError, "quantile must lie between 0 and 1, and be neither, got 0"),
    "one of them 1": ((ONE, ONE), {"quantile": (0.5, 1.0)}, ValueError, "be neither, got 1"),
    "nan": ((ONE, ONE), {"quantile": math.nan}, ValueError, "be neither, got nan"),
    "a table": ((ONE, ONE), {"quantile": ONE.reshape(2, 1) / 2}, ValueError, r"one row of numbers, got shape \(2, 1\)"),
    "a word": ((ONE, ONE), {"quantile": "median"}, TypeError, "quantile must be a number, got str"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_a_sentence(case):
    tensors, settings, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        quantile_loss(*tensors, **settings)
