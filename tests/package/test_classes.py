"""NLL and cross-entropy where the catalogue's samples do not reach: every documented shape, every edge."""

import itertools
import math
from functools import partial

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from lossbook import beyond
from lossbook import functional as lf

SHAPES = [(4,), (1, 4), (5, 4), (5, 1), (2, 4, 3), (2, 4, 3, 2), (2, 3, 2, 2, 2)]


def batch(shape, generator, probabilities=False):
    input = torch.rand(shape, generator=generator).double() * 6 - 3
    dim = 0 if len(shape) == 1 else 1
    if probabilities:
        return input, torch.rand(shape, generator=generator).double().softmax(dim)
    return input, torch.randint(shape[dim], shape[:dim] + shape[dim + 1 :], generator=generator)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("probabilities", [False, True], ids=["numbers", "probabilities"])
def test_every_shape_with_every_setting(shape, probabilities, generator):
    input, target = batch(shape, generator, probabilities)
    classes = shape[0 if len(shape) == 1 else 1]
    weight = torch.rand(classes, generator=generator).double() + 0.5
    tried = 0
    for w, smoothing, ignored, reduction in itertools.product(
        (None, weight), (0.0, 0.3, 1.0), (-100, 0), ("none", "mean", "sum")
    ):
        if probabilities and ignored >= 0:
            continue
        settings = {"weight": w, "label_smoothing": smoothing, "ignore_index": ignored, "reduction": reduction}
        x, y = (input.clone().requires_grad_() for _ in range(2))
        ours, theirs = lf.cross_entropy(x, target, **settings), F.cross_entropy(y, target, **settings)
        assert_close(ours, theirs, equal_nan=True)
        if not theirs.isnan().any():
            assert_close(torch.autograd.grad(ours.sum(), x)[0], torch.autograd.grad(theirs.sum(), y)[0])
        tried += 1
    assert tried == (18 if probabilities else 36)


def test_number_and_one_hot_agree(generator):
    input, target = batch((5, 4), generator)
    assert_close(lf.cross_entropy(input, target), lf.cross_entropy(input, F.one_hot(target, 4).double()))


def test_gradient_reaches_class_probabilities(generator):
    input, target = batch((5, 4), generator, probabilities=True)
    ours, theirs = (target.clone().requires_grad_() for _ in range(2))
    lf.cross_entropy(input, ours).backward()
    F.cross_entropy(input, theirs).backward()
    assert_close(ours.grad, theirs.grad)


def test_gradient_reaches_a_one_hot_target(generator):
    """To ask for a class costs −log p of it, also where nothing was asked yet."""
    input, target = batch((5, 4), generator)
    one_hot = F.one_hot(target, 4).double().requires_grad_()
    lf.cross_entropy(input, one_hot, reduction="sum").backward()
    assert_close(one_hot.grad, -input.log_softmax(dim=1))


def test_the_mean_of_a_weighted_loss_is_not_the_mean_of_its_losses():
    input, target = torch.zeros(2, 2), torch.tensor([0, 1])
    weight = torch.tensor([1.0, 3.0])
    assert_close(lf.cross_entropy(input, target, weight=weight), torch.tensor(math.log(2)))
    assert_close(lf.cross_entropy(input, target, weight=weight, reduction="none").mean(), torch.tensor(2 * math.log(2)))


def test_a_batch_of_ignored_samples_has_no_mean():
    input, target = torch.zeros(2, 3, requires_grad=True), torch.tensor([-100, -100])
    assert lf.cross_entropy(input, target).isnan()
    total = lf.cross_entropy(input, target, reduction="sum")
    assert total == 0
    total.backward()
    assert_close(input.grad, torch.zeros(2, 3))


def test_an_ignored_row_may_hold_anything():
    input = torch.tensor([[math.nan, math.nan], [0.0, 0.0]], requires_grad=True)
    loss = lf.nll_loss(input, torch.tensor([-100, 1]))
    assert loss == 0
    loss.backward()
    assert_close(input.grad, torch.tensor([[0.0, 0.0], [0.0, -1.0]]))


def test_negative_class_can_be_ignored_and_bytes_are_class_numbers():
    input = torch.tensor([[0.0, 0.0], [5.0, 0.0]])
    assert_close(lf.cross_entropy(input, torch.tensor([1, -1]), ignore_index=-1), torch.tensor(math.log(2)))
    assert_close(lf.cross_entropy(input[:1], torch.tensor([1], dtype=torch.uint8)), torch.tensor(math.log(2)))


WITH_IGNORED = {
    "nll": lf.nll_loss,
    "cross_entropy": lf.cross_entropy,
    "cross_entropy, smoothed": partial(lf.cross_entropy, label_smoothing=0.3),
    "softmax_focal": beyond.softmax_focal_loss,
    "generalized_cross_entropy": beyond.generalized_cross_entropy,
    "symmetric_cross_entropy": beyond.symmetric_cross_entropy,
    "token_cross_entropy": partial(beyond.token_cross_entropy, shift=False),
    "distillation": lambda z, t, **more: beyond.distillation_loss(z, z.detach().flip(1), t, **more),
}


@pytest.mark.parametrize("name", WITH_IGNORED)
def test_a_number_past_the_classes_can_be_ignored(name, generator):
    """As 255 in masks."""
    (input, target), loss = batch((5, 4), generator), WITH_IGNORED[name]
    kept = torch.tensor([True, False, True, True, False])
    found = loss(input, torch.where(kept, target, 255), ignore_index=255)
    assert_close(found, loss(input[kept], target[kept]))


@pytest.mark.parametrize("scale", [1e2, 1e4, 1e30])
def test_huge_logits_stay_finite_in_float32(scale):
    input = torch.tensor([[scale, 0.0, -scale]], requires_grad=True)
    for wrong in range(3):
        loss = lf.cross_entropy(input, torch.tensor([wrong]))
        assert_close(loss, torch.tensor(scale * wrong))
        assert torch.autograd.grad(loss, input)[0].isfinite().all()


def test_an_impossible_class_costs_nothing_where_it_is_not_asked_for():
    """torch: nan for class probabilities, since 0 · −∞ is nan in floating point. We count it as 0, and say so."""
    input = torch.tensor([[0.0, 0.0, -math.inf]], requires_grad=True)
    loss = lf.cross_entropy(input, torch.tensor([[0.5, 0.5, 0.0]]))
    assert_close(loss, torch.tensor(math.log(2)))
    assert_close(torch.autograd.grad(loss, input)[0], torch.zeros(1, 3))
    assert F.cross_entropy(input, torch.tensor([[0.5, 0.5, 0.0]])).isnan()
    assert lf.cross_entropy(input, torch.tensor([2])).isinf()
    assert lf.cross_entropy(torch.tensor([[math.nan, 0.0]]), torch.tensor([[1.0, 0.0]])).isnan()


@pytest.mark.parametrize(("shape", "target"), [((0, 3), torch.empty(0).long()), ((0, 3), torch.empty(0, 3))])
def test_an_empty_batch_is_torchs(shape, target):
    input = torch.empty(shape)
    assert lf.cross_entropy(input, target).isnan()
    assert lf.cross_entropy(input, target, reduction="sum") == 0
    assert lf.cross_entropy(input, target, reduction="none").shape == (0,)


def test_one_class_has_no_choice():
    assert lf.cross_entropy(torch.tensor([[3.0]]), torch.tensor([0])) == 0
