"""The gradients of every argument, held against those of a person's own right loss."""

import pytest
import torch
from torch.nn import functional as F

from lossbook.verifying.verify import verify


def views():
    return torch.randn(6, 4), torch.randn(6, 4)


def distance(left, right):
    return (left - right).square().sum(1).mean()


def bootstrapped(q, next_q, reward):
    return F.smooth_l1_loss(q, reward + 0.9 * next_q.detach())


def transitions():
    return torch.randn(6), torch.randn(6), torch.randn(6)


def finding(loss, like, inputs):
    failures = verify(loss, like, inputs).failures
    return next((check.finding for check in failures if check.name == "other gradients"), None)


def test_an_argument_that_gets_no_gradient():
    found = finding(lambda left, right: distance(left, right.detach()), distance, views)
    assert "no gradient reaches argument 2 (right)" in found.says
    assert "cut off the graph" in found.diagnosis
    assert found.got != found.wanted


def test_an_argument_that_gets_one_which_the_right_loss_cuts_off():
    found = finding(lambda q, next_q, reward: F.smooth_l1_loss(q, reward + 0.9 * next_q), bootstrapped, transitions)
    assert "a gradient reaches argument 2 (next_q)" in found.says
    assert "a detach is missing" in found.diagnosis


def test_a_first_argument_that_the_right_loss_holds_constant():
    found = finding(
        lambda q, value: (q - value).square().mean(), lambda q, value: distance_of(q, value), transitions_of_two
    )
    assert "a gradient reaches argument 1 (q)" in found.says


def distance_of(q, value):
    return (q.detach() - value).square().mean()


def transitions_of_two():
    return torch.randn(6), torch.randn(6)


def weighed(losses, s):
    return (losses * (-s).exp() + s).mean()


def test_a_part_of_a_gradient_is_cut_off_and_the_detach_is_shown():
    found = finding(lambda losses, s: (losses * (-s).exp().detach() + s).mean(), weighed, transitions_of_two)
    assert "the gradient of argument 2 (s) is not" in found.says
    assert "right without the detach" in found.diagnosis
    assert "detach()" in found.line


class _WrongSide(torch.autograd.Function):
    @staticmethod
    def forward(ctx, prediction, target):
        ctx.save_for_backward(prediction, target)
        return (prediction - target).square().mean()

    @staticmethod
    def backward(ctx, above):
        prediction, target = ctx.saved_tensors
        slope = 2 * (prediction - target) / target.numel() * above
        return slope, slope


def test_a_backward_pass_with_a_wrong_sign_for_the_target():
    found = finding(
        lambda prediction, target: _WrongSide.apply(prediction, target),
        lambda prediction, target: (prediction - target).square().mean(),
        transitions_of_two,
    )
    assert "written by hand" in found.diagnosis


def hold(prediction, target):
    return (prediction - target.detach()).square().mean()


def leave(prediction, target):
    return (prediction - target).square().mean()


def gram(features, wanted):
    return (features @ features.T - wanted @ wanted.T).square().mean()


def gram_of_a_constant(features, wanted):
    return gram(features, wanted.detach())


def by_rank(scores, relevance):
    order = relevance.argsort()
    return (scores[order] * torch.arange(len(scores), dtype=scores.dtype, device=scores.device)).mean()


def surrogate(logp, old_logp, advantage):
    return -((logp - old_logp).exp() * advantage).mean()


def surrogate_of_constants(logp, old_logp, advantage):
    return -((logp - old_logp.detach()).exp() * advantage.detach()).mean()


def labels_by_case(logits, labels):
    return torch.where(labels == 1, F.softplus(-logits), F.softplus(logits)).mean()


def labels_by_product(logits, labels):
    return (F.softplus(logits) - labels * logits).mean()


def labelled():
    return torch.randn(6), torch.randint(2, (6,)).float()


def test_a_target_that_the_right_loss_detaches_is_one_that_a_network_makes():
    found = finding(leave, hold, transitions_of_two)
    assert "a gradient reaches argument 2 (target)" in found.says
    assert "a detach is missing" in found.diagnosis


@pytest.mark.parametrize(
    ("loss", "like", "inputs"),
    [
        (hold, leave, transitions_of_two),
        (surrogate_of_constants, surrogate, transitions),
        (labels_by_product, labels_by_case, labelled),
        (gram_of_a_constant, gram, views),
        (by_rank, by_rank, transitions_of_two),
        (bootstrapped, bootstrapped, transitions),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_what_is_never_trained_may_be_held_constant_or_not(loss, like, inputs):
    report = verify(loss, like, inputs)
    assert report, report


def test_a_loss_of_the_catalogue_says_itself_what_is_a_prediction():
    report = verify(leave, like="mse", inputs=transitions_of_two)
    assert next(check.state for check in report.checks if check.name == "other gradients") == "not applicable"
