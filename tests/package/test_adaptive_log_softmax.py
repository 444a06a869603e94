"""Adaptive softmax: torch's module, parameter for parameter, and its definition."""

import copy
import pickle

import pytest
import torch
from torch.testing import assert_close

from lossbook.losses import adaptive_log_softmax as file
from lossbook.losses.adaptive_log_softmax import AdaptiveLogSoftmaxWithLoss

SIZES = file.ENTRY.sizes
SETTINGS = [{}, {"head_bias": True}, {"cutoffs": [5]}, {"cutoffs": (1, 2, 6)}, {"div_value": 1.5}]
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)


def twins(**settings):
    """Ours and torch's, built from the same seed."""
    for module in (AdaptiveLogSoftmaxWithLoss, torch.nn.AdaptiveLogSoftmaxWithLoss):
        torch.manual_seed(0)
        yield module(**{**SIZES, **settings}, dtype=torch.float64)


@every_setting
def test_first_values_and_names_are_torchs(settings):
    ours, theirs = twins(**settings)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)
    for module in (ours, theirs):
        torch.manual_seed(1)
        module.reset_parameters()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


@every_setting
@pytest.mark.parametrize("classes", [[0, 1, 2, 3, 4, 5, 6], [6, 6, 0], [0], [6], [0, 1, 0], 0, 6], ids=str)
def test_value_and_gradient_are_torchs(settings, classes, generator):
    ours, theirs = twins(**settings)
    target = torch.tensor(classes)
    x = torch.rand(*target.shape, 8, generator=generator).double().requires_grad_()
    y = x.detach().clone().requires_grad_()
    mine, torchs = ours(x, target), theirs(y, target)
    assert mine._fields == torchs._fields
    assert_close(tuple(mine), tuple(torchs))
    mine.loss.backward()
    torchs.loss.backward()
    assert_close(x.grad, y.grad)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None)  # None: a cluster that held no target
        if a.grad is not None:
            assert_close(a.grad, b.grad)


@every_setting
def test_all_classes(settings, generator):
    ours, theirs = twins(**settings)
    x = torch.rand(9, 8, generator=generator).double() * 8
    assert_close(ours.log_prob(x), theirs.log_prob(x))
    assert_close(ours.log_prob(x).exp().sum(dim=1), torch.ones(9).double())
    assert torch.equal(ours.predict(x), theirs.predict(x))
    assert_close(ours.log_prob(x[0]), ours.log_prob(x)[0])
    assert ours.predict(x[0]) == ours.predict(x)[0]
    target = torch.arange(9) % 7
    assert_close(ours(x, target).output, ours.log_prob(x)[torch.arange(9), target])


@pytest.mark.parametrize("settings", SETTINGS[:-1], ids=str)
def test_equals_its_definition(settings, generator):
    module, _ = twins(**settings)
    input, target = file.sample(generator)
    terms = file.definition(
        input.tolist(),
        target.tolist(),
        list({**SIZES, **settings}["cutoffs"]),
        module.head.weight.tolist(),
        [(down.weight.tolist(), up.weight.tolist()) for down, up in module.tail],
        module.head.bias.tolist() if settings.get("head_bias") else None,
    )
    losses = torch.tensor([term.loss for term in terms], dtype=torch.float64)
    assert_close(-module(input, target).output, losses, rtol=1e-12, atol=1e-12)
    assert_close(module(input, target).loss, losses.mean(), rtol=1e-12, atol=1e-12)


def test_gradient_by_finite_differences(generator):
    module, _ = twins(head_bias=True)
    input, target = file.sample(generator)
    input.requires_grad_()
    names = list(module.state_dict())

    def loss(x, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x, target)).loss

    assert torch.autograd.gradcheck(loss, (input, *module.parameters()))
    assert torch.autograd.gradgradcheck(loss, (input, *module.parameters()))


def test_huge_logits_stay_finite_in_float32():
    module = AdaptiveLogSoftmaxWithLoss(**SIZES)
    x = torch.full((7, 8), 1e30, requires_grad=True)
    loss = module(x, torch.arange(7)).loss
    loss.backward()
    assert loss.isfinite()
    assert x.grad.isfinite().all()


def test_steps_end_at_the_loss(generator):
    input, target = file.sample(generator)
    for module in twins():
        steps = list(file.steps(module, input, target))
        assert_close(steps[-1].value, module(input, target).loss.detach())
        assert_close(steps[-2].value, -module(input, target).output.detach())
        alone = list(file.steps(module, input[3], target[3]))
        assert_close(alone[-1].value, module(input[3], target[3]).loss.detach())
    assert [line.count("ln") for line in steps[-2].text] == [1, 1, 2, 2, 2, 2]  # rare classes: head and cluster


def test_survives_pickle_copy_and_move(generator):
    module, _ = twins()
    input, target = file.sample(generator)
    for twin in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert torch.equal(twin(input, target).loss, module(input, target).loss)
    assert module.to("meta").log_prob(input.to("meta")).shape == (6, 7)


def test_nothing_has_no_mean():
    module, _ = twins()
    empty = module(torch.zeros(0, 8).double(), torch.zeros(0).long())
    assert empty.output.shape == (0,)
    assert empty.loss.isnan()


MODULE, X = AdaptiveLogSoftmaxWithLoss(**SIZES), torch.zeros(2, 8)
WRONG = {
    "a class too many": (lambda: MODULE(X, torch.tensor([0, 7])), IndexError, "class 7, but input has 7 classes, numbered from 0"),
    "a negative class": (lambda: MODULE(X, torch.tensor([-1, 0])), IndexError, "class -1"),
    "classes as floats": (lambda: MODULE(X, torch.zeros(2)), TypeError, "class numbers of type torch.int64"),
    "shape of target": (lambda: MODULE(X, torch.zeros(3).long()), ValueError, r"\(2, 7\) needs target of shape \(2,\)"),
    "a list": (lambda: MODULE([0.0], torch.tensor(0)), TypeError, "input must be a torch.Tensor"),
    "features": (lambda: MODULE(X[:, :3], torch.zeros(2).long()), ValueError, "hold 8 numbers for each sample.*got 3"),
    "features of log_prob": (lambda: MODULE.log_prob(X[:, :3]), ValueError, "hold 8 numbers"),
    "a cube": (lambda: MODULE.predict(X[None]), ValueError, r"\(N, D\), got \(1, 2, 8\)"),
    "no cutoff": (lambda: AdaptiveLogSoftmaxWithLoss(8, 7, []), ValueError, r"increase, from 1 to n_classes − 1 = 6, got \[\]"),
    "cutoffs that fall": (lambda: AdaptiveLogSoftmaxWithLoss(8, 7, [4, 2]), ValueError, r"got \[4, 2\]"),
    "a cutoff twice": (lambda: AdaptiveLogSoftmaxWithLoss(8, 7, [2, 2]), ValueError, "increase"),
    "a cutoff of 0": (lambda: AdaptiveLogSoftmaxWithLoss(8, 7, [0, 2]), ValueError, "from 1"),
    "the number of classes": (lambda: AdaptiveLogSoftmaxWithLoss(8, 7, [2, 7]), ValueError, "from 1 to n_classes − 1"),
    "half a class": (lambda: AdaptiveLogSoftmaxWithLoss(8, 7, [1.5]), ValueError, "must be integers"),
    "a cluster of no features": (lambda: AdaptiveLogSoftmaxWithLoss(8, 7, [2, 4]), ValueError, "no feature for cluster 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(case, refuses):
    call, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        call()
