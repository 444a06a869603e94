"""Losses that give their slope beside the curve: whoever differentiates them, and how often, finds the same."""

import io
from functools import partial
from itertools import product

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.autograd.graph import saved_tensors_hooks
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap
from torch.testing import assert_close

from lossbook import beyond
from lossbook import functional as lf
from lossbook.kit.loss import reduce


def signs(target):
    return 2.0 * (target > 0) - 1


LOSSES = {
    "huber": lf.huber_loss,
    "smooth_l1": lambda x, y, **more: lf.smooth_l1_loss(x, y, beta=0.5, **more),
    "log_cosh": beyond.log_cosh_loss,
    "softplus": lambda x, y, **more: lf.soft_margin_loss(x, signs(y), **more),
    "focal": lambda x, y, **more: beyond.sigmoid_focal_loss(x, (y > 0).to(x.dtype), gamma=1.5, **more),
}


@pytest.fixture(params=LOSSES)
def loss(request):
    return LOSSES[request.param]


@pytest.fixture
def pair(generator):
    return tuple(2 * torch.randn(3, generator=generator, dtype=torch.float64) for _tensor in range(2))


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_first_and_second_derivatives_by_finite_differences(loss, reduction, pair):
    x, y = pair
    x.requires_grad_()
    modes = {"check_batched_grad": True}
    assert gradcheck(lambda x: loss(x, y, reduction=reduction), x, check_forward_ad=True, **modes)
    assert gradgradcheck(lambda x: loss(x, y, reduction=reduction), x, check_fwd_over_rev=True, **modes)


def test_three_derivatives_backward_and_forward_in_any_order(loss, pair):
    x, y = pair
    for order in (2, 3):
        found = []
        for ways in product((jacrev, jacfwd), repeat=order):
            derivative = lambda x: loss(x, y)  # noqa: E731
            for way in ways:
                derivative = way(derivative)
            found.append(derivative(x))
        for other in found[1:]:
            assert_close(other, found[0])


def test_a_gradient_for_each_sample(loss, pair):
    x, y = pair
    assert_close(vmap(grad(loss))(x, y), grad(lambda x: loss(x, y, reduction="sum"))(x))


def test_who_records_operations_finds_the_same_slope(loss, pair):
    x, y = (torch.cat([t, t.new_zeros(1)]) for t in pair)  # at 0, too, where a curve may have a seam
    slope = grad(loss)(x, y)
    again = x.clone().requires_grad_()
    torch.compile(loss, fullgraph=True, backend="aot_eager")(again, y).backward()
    assert_close(again.grad, slope)


@pytest.mark.parametrize(
    "derivative",
    [
        lambda loss: lambda x, y: grad(lambda x: grad(loss)(x, y).sum())(x),
        lambda loss: vmap(grad(loss)),
        lambda loss: lambda x, y: jacfwd(lambda x: loss(x, y))(x),
    ],
    ids=["grad over grad", "vmap over grad", "forward mode"],
)
def test_derivatives_inside_of_what_is_compiled(derivative, pair):
    found = torch.compile(derivative(lf.huber_loss), fullgraph=True, backend="aot_eager")(*pair)
    assert_close(found, derivative(lf.huber_loss)(*pair))


def logistic(z, y):
    return -(y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log())


LABELLED = {
    "bce": (lf.binary_cross_entropy, lambda p, y: -(y * p.log() + (1 - y) * (1 - p).log())),
    "bce_with_logits": (lf.binary_cross_entropy_with_logits, logistic),
    "soft_margin": (lf.soft_margin_loss, lambda x, y: (1 + (-y * x).exp()).log()),
    "pairs": (
        lambda x, y: beyond.pairwise_logistic_loss(x, torch.ones_like(x), y),
        lambda x, y: logistic(x - 1, y),
    ),
}


@pytest.mark.parametrize("name", LABELLED)
def test_predictions_and_labels_learn_together(name, generator):
    loss, formula = LABELLED[name]
    x, y = (torch.rand(3, generator=generator, dtype=torch.float64) * 0.8 + 0.1 for _ in range(2))
    ours, theirs = lambda x, y: loss(x, y).square(), lambda x, y: formula(x, y).mean().square()
    expected = torch.autograd.functional.hessian(theirs, (x, y))
    for one, other in product((jacrev, jacfwd), repeat=2):
        for i, j in product((0, 1), repeat=2):
            assert_close(other(one(ours, argnums=i), argnums=j)(x, y), expected[i][j])
    learnt = x.clone().requires_grad_(), torch.stack([y, y.flip(0)]).requires_grad_()
    assert_close(jacfwd(jacfwd(partial(ours, learnt[0])))(y), expected[1][1])
    found, wanted = (vmap(each, in_dims=(None, 0))(*learnt).sum() for each in (ours, theirs))
    assert_close(torch.autograd.grad(found, learnt), torch.autograd.grad(wanted, learnt))


TOGETHER = {
    "all": beyond.rmse_loss,
    "rows": partial(beyond.rmse_loss, batch=False),
    "distributions": partial(beyond.distillation_loss, dim=-1, temperature=1.5),
    "directions": lambda x, y: beyond.contrastive_loss(x, y, torch.ones(len(x)), distance="cosine"),
    "masks": lambda x, y: beyond.dice_loss(x, y.sigmoid()),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_losses_of_several_numbers_by_finite_differences(name, generator):
    """With prediction and target that learn, each alone and both."""
    x, y = (torch.randn(2, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    for learnt in ((True, False), (True, True)):
        pair = [t.clone().requires_grad_(learns) for t, learns in zip((x, y), learnt, strict=True)]
        assert gradcheck(TOGETHER[name], pair, check_forward_ad=True, check_batched_grad=True)
        assert gradgradcheck(TOGETHER[name], pair, check_fwd_over_rev=True, check_batched_grad=True)


@pytest.mark.parametrize("name", TOGETHER)
def test_three_derivatives_of_losses_of_several_numbers(name, generator):
    x, y = (torch.randn(2, 2, generator=generator, dtype=torch.float64) for _ in range(2))

    def loss(x):
        return TOGETHER[name](x, y)

    expected = jacfwd(jacfwd(jacfwd(loss)))(x)
    for one, other, last in product((jacrev, jacfwd), repeat=3):
        assert_close(last(other(one(loss)))(x), expected)


@pytest.mark.parametrize("name", TOGETHER)
def test_one_direction_for_several_samples(name, generator):
    x, y, direction = (torch.randn(2, 2, 3, generator=generator, dtype=torch.float64) for _ in range(3))

    def along(x, y):
        return jvp(TOGETHER[name], (x, y), (direction[0], direction[1]))[1]

    assert_close(vmap(along)(x, y), torch.stack([along(*pair) for pair in zip(x, y, strict=True)]))


def test_labels_that_are_whole_numbers(pair):
    x, y = pair[0], torch.tensor([1, -1, 1])
    assert_close(hessian(lf.soft_margin_loss)(x, y), hessian(lf.soft_margin_loss)(x, y.double()))


@pytest.mark.filterwarnings("ignore:`torch.jit.trace`:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_trace_can_be_stored(pair):
    x, y = pair[0].requires_grad_(), pair[1]
    torch.jit.save(torch.jit.trace(lf.huber_loss, (x, y)), io.BytesIO())


TRACED = {
    "an error of 0": (beyond.rmse_loss, torch.ones(2, 3), torch.zeros(2, 3)),
    "labels in other columns": (
        lambda x, hits: lf.multilabel_margin_loss(x, torch.where(hits > 0, hits.long(), -1)),
        torch.tensor([[1.0, 0, 0], [2.0, 0, 0]]),
        torch.tensor([[1.0, 2, 0], [2.0, 0, 0]]),
    ),
    "fewer rows": (lambda x, y: lf.cross_entropy(x, y[:, 0].long()), torch.ones(300, 1000), torch.ones(100, 1000)),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.trace`:DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", TRACED)
def test_a_trace_serves_other_numbers(name):
    loss, first, then = TRACED[name]
    trace = torch.jit.trace(loss, (first * 2, first))
    found = []
    for function in (trace, loss):
        x = then.clone().requires_grad_()
        losses = function(x, then)
        found.append((losses, torch.autograd.grad(losses, x)[0]))
    assert_close(*found)


@pytest.mark.parametrize("name", ["huber", "smooth_l1", "log_cosh"])
def test_only_the_error_is_kept_for_the_way_back(name, pair):
    kept = []
    with saved_tensors_hooks(lambda t: kept.append(t.shape) or t, lambda t: t):
        LOSSES[name](pair[0].requires_grad_(), pair[1], reduction="none")
    assert kept == [pair[0].shape]


@pytest.mark.parametrize("divisor", [None, torch.tensor(2.0)])
def test_the_gradient_of_a_mean_stays_one_number(divisor):
    losses = torch.ones(2, 3, requires_grad=True) * 1
    losses.register_hook(lambda gradient: seen.append(gradient.stride()))
    seen = []
    reduce(losses, "mean", divisor=divisor).backward()
    assert seen == [(0, 0)], "written out for every element, it would have to be read and written again"


def test_a_mean_of_half_precision_has_no_sum_that_overflows():
    assert_close(reduce(torch.full((4,), 6e4, dtype=torch.float16), "mean"), torch.tensor(6e4, dtype=torch.float16))
