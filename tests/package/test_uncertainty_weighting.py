"""Uncertainty weighting against peers, and the module that learns its variances."""

import copy
import math
import pickle

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import lossbook
from lossbook.beyond import UncertaintyWeighting, uncertainty_weighting
from tests.package.peers import assert_same, learned


def by_kendall(losses, log_var, kinds):
    """As the paper derives it, with σ: L / 2σ² + log σ, and L / σ² + log σ for classes."""
    sigma = (log_var / 2).exp()
    factor = torch.tensor([{"regression": 2.0, "classification": 1.0}[kind] for kind in kinds], dtype=losses.dtype)
    return losses / (factor * sigma**2) + sigma.log()


def by_likelihood(losses, log_var, kinds):
    """A squared error L under a Gaussian of variance σ² costs L / 2σ² + log σ, but for the constant."""
    gaussian = nn.functional.gaussian_nll_loss(losses.sqrt(), torch.zeros_like(losses), log_var.exp(), reduction="none")
    return torch.where(
        torch.tensor([kind == "regression" for kind in kinds]), gaussian, by_kendall(losses, log_var, kinds)
    )


@pytest.mark.parametrize("peer", [by_kendall, by_likelihood])
@pytest.mark.parametrize("kinds", [("regression",) * 3, ("classification", "regression", "classification")])
def test_equals_its_peers(peer, kinds, generator):
    losses = learned(generator, 3).detach().square().requires_grad_()
    log_var = learned(generator, 3)
    assert_same(
        lambda x, s: uncertainty_weighting(x, s, kind=kinds), lambda x, s: peer(x, s, kinds).sum(), losses, log_var
    )


def test_equals_liebel_and_koerner(generator):
    """AutomaticWeightedLoss, as it goes round: 0.5 / σ² · L + log (1 + σ²)."""
    losses, log_var = learned(generator, 3), learned(generator, 3)

    def theirs(x, s):
        sigma = (s / 2).exp()
        return (0.5 / sigma**2 * x + torch.log(1 + sigma**2)).sum()

    assert_same(lambda x, s: uncertainty_weighting(x, s, regularizer="log1p"), theirs, losses, log_var)


def test_e_to_the_minus_s_plus_s_is_twice_the_regression():
    x, s = torch.tensor([2.0, 0.5]), torch.tensor([0.3, -1.0])
    assert_close(2 * uncertainty_weighting(x, s), ((-s).exp() * x + s).sum())


def test_it_learns_the_loss_as_the_variance():
    weighting = UncertaintyWeighting(2, dtype=torch.float64)
    losses = torch.tensor([4.0, 0.25], dtype=torch.float64)
    optimizer = torch.optim.LBFGS(weighting.parameters(), max_iter=100)

    def step():
        optimizer.zero_grad()
        value = weighting(losses)
        value.backward()
        return value

    optimizer.step(step)
    assert_close(weighting.log_var.exp().detach(), losses, rtol=1e-4, atol=0)


def test_the_module_is_the_function():
    weighting = UncertaintyWeighting(2, kind=("regression", "classification"), regularizer="log1p")
    with torch.no_grad():
        weighting.log_var.copy_(torch.tensor([0.5, -1.0]))
    losses = torch.tensor([3.0, 2.0])
    expected = uncertainty_weighting(
        losses, weighting.log_var, kind=("regression", "classification"), regularizer="log1p"
    )
    for twin in (weighting, pickle.loads(pickle.dumps(weighting)), copy.deepcopy(weighting)):
        assert_close(twin(losses), expected)
        assert_close(twin(*losses), expected)
    assert list(weighting.state_dict()) == ["log_var"]
    assert [p is weighting.log_var for p in weighting.parameters()] == [True]
    assert "n_losses=2, kind=('regression', 'classification')" in repr(weighting)
    explained = lossbook.explain(weighting, losses)
    assert_close(explained.value, expected.detach())
    assert r"c e^{-s} L" in explained.formula
    assert_close(lossbook.explain(weighting, *losses).value, expected.detach())


def test_it_runs_under_compile():
    weighting = UncertaintyWeighting(2)
    compiled = torch.compile(weighting, fullgraph=True, backend="aot_eager")
    assert_close(compiled(torch.tensor(3.0), torch.tensor(2.0)), weighting(torch.tensor(3.0), torch.tensor(2.0)))


def test_gradients_reach_the_losses_and_the_variances():
    weighting, loss = UncertaintyWeighting(2), torch.tensor(3.0, requires_grad=True)
    weighting(loss, torch.tensor(1.0)).backward()
    assert loss.grad == 0.5
    assert_close(weighting.log_var.grad, torch.tensor([-1.0, 0.0]))


def test_extremes():
    s = torch.tensor([-60.0, 0.0, 60.0], requires_grad=True)
    value = uncertainty_weighting(torch.tensor([0.0, 1.0, 1e20]), s, regularizer="log1p", reduction="none")
    assert_close(value, torch.tensor([math.exp(-60), 0.5 + math.log(2), 0.5e20 * math.exp(-60) + 60]))
    assert torch.autograd.grad(value.sum(), s)[0].isfinite().all()


ONE, TWO = torch.tensor(1.0), torch.ones(2)
WRONG = {
    "too few": (lambda: UncertaintyWeighting(3)(ONE, ONE), ValueError, r"takes 3 losses, a single number each.*got 2"),
    "too many": (lambda: UncertaintyWeighting(1)(TWO), ValueError, "takes 1 losses.*got 2"),
    "none": (lambda: UncertaintyWeighting(2)(), ValueError, "got 0"),
    "not reduced": (lambda: UncertaintyWeighting(2)(ONE, TWO), ValueError, "got loss 2 with dimensions"),
    "numbers": (lambda: UncertaintyWeighting(2)(1.0, 2.0), TypeError, "loss 1 must be a torch.Tensor, got float"),
    "kinds": (
        lambda: uncertainty_weighting(TWO, TWO, kind=("regression",)),
        ValueError,
        r"got 1 for losses of shape \(2,\)",
    ),
    "a kind": (lambda: UncertaintyWeighting(2, kind="ranking"), ValueError, "one of 'regression', 'classification'"),
    "shapes": (lambda: uncertainty_weighting(TWO, torch.ones(1)), ValueError, "same shape"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_a_sentence(case):
    attempt, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        attempt()
