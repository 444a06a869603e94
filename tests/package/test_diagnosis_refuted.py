"""What `verify` must not say: a number that nobody writes, an alarm on ties that the right loss breaks by their order; and
what it says in its place."""

import torch
from torch import nn
from torch.nn import functional as F

from lossbook import verify


def pairs():
    return torch.randn(6, 3), torch.randn(6, 3)


def penalized(x, y):
    return (x - y).abs().pow(1.5).mean() + 0.1 * x.abs().mean()


def without_its_penalty(x, y):
    penalty = 0.1 * x.abs().mean()
    assert penalty.dim() == 0
    return (x - y).abs().pow(1.5).mean()


def test_what_is_computed_and_never_used_is_told_with_what_to_do_with_it():
    said = verify(without_its_penalty, like=penalized, inputs=pairs).diagnosis
    assert said.startswith("`penalty` is computed and never used: right with `x + penalty`")


def without_a_root(input1, input2, target, margin=1.0):
    squares = (input1 - input2).pow(2).sum(dim=1)
    far = torch.clamp(margin - squares, min=0.0).pow(2)
    return (0.5 * torch.where(target == 1, squares, far)).mean()


def test_no_number_that_nobody_writes():
    said = verify(without_a_root, like="contrastive").diagnosis
    assert "margin =" not in said
    assert "squares.sqrt()" in said


network = nn.Sequential(nn.Linear(1, 4, dtype=torch.float64), nn.Tanh(), nn.Linear(4, 1, dtype=torch.float64))


def residual(model, x):
    u = model(x)
    (slope,) = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)
    return (slope + u).square().mean()


def residual_in_steps(model, x):
    u = model(x)
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    error = u + slope
    return (error * error).sum() / error.numel()


def with_the_wrong_sign(model, x):
    u = model(x)
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    return (slope - u).square().mean()


def points():
    return network, torch.rand(6, 1, dtype=torch.float64).requires_grad_()


def test_inputs_that_the_loss_differentiates_by_keep_their_gradient():
    assert verify(residual_in_steps, like=residual, inputs=points)
    assert not verify(with_the_wrong_sign, like=residual, inputs=points)


def list_likelihood(scores, relevance):
    order = relevance.argsort(dim=1, descending=True)
    s = scores.gather(1, order)
    return (s.flip(1).logcumsumexp(1).flip(1) - s).sum(1).mean()


def list_likelihood_from_below(scores, relevance):
    s = scores.gather(1, relevance.argsort(dim=1))
    return (s.logcumsumexp(1) - s).sum(1).mean()


def test_ties_that_the_right_loss_breaks_by_their_order_are_no_evidence():
    assert verify(
        list_likelihood_from_below, like=list_likelihood, inputs=lambda: (torch.randn(3, 5), torch.rand(3, 5))
    )


def partial_likelihood(risk, time):
    at_risk = time[None, :] >= time[:, None]
    return (torch.where(at_risk, risk, -torch.inf).logsumexp(1) - risk).mean()


def partial_likelihood_sorted(risk, time):
    risk = risk[time.argsort(descending=True)]
    return (risk.logcumsumexp(0) - risk).mean()


def test_what_differs_on_ties_only_says_so():
    report = verify(partial_likelihood_sorted, like=partial_likelihood, inputs=lambda: (torch.randn(6), torch.rand(6)))
    assert report.diagnosis.startswith("it differs only on ties: where argument 2 (time) holds equal numbers")


def masked_cross_entropy(logits, labels):
    return F.cross_entropy(logits, labels, ignore_index=-100)


def test_the_mean_of_no_label_is_named():
    report = verify(masked_cross_entropy, inputs=lambda: (torch.randn(3, 4), torch.tensor([-100, -100, -100])))
    assert "the mean of nothing, as every label is left out" in str(report)
