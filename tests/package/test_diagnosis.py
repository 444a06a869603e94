"""What `verify` says is behind wrong numbers: it is confirmed on every batch, and refuted where one batch disagrees."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.kit.batches.batch import Batch
from lossbook.verifying.compare import Sample
from lossbook.verifying.diagnosis.by_ratio import by_factor
from lossbook.verifying.subject.outcome import call
from lossbook.verifying.verify import verify


def two():
    return torch.randn(4, 3), torch.randn(4, 3)


def rows(x, t):
    return (x - t).square().sum(1).mean()


def told(loss, like=rows, inputs=two):
    return verify(loss, like=like, inputs=inputs).diagnosis


def failing(report, name):
    return next(check.finding for check in report.failures if check.name == name)


def test_a_dimension():
    def right(x, t):
        return (x - t).square().sum(1).sqrt().mean()

    diagnosis = told(lambda x, t: (x - t).square().sum(0).sqrt().mean(), right)
    assert "wrong dimension" in diagnosis
    assert "dim=1" in diagnosis


def test_the_same_change_at_two_calls():
    def right(x, t):
        return ((x * t).sum(1) / t.square().sum(1)).mean()

    def wrong(x, t):
        return ((x * t).sum(0) / t.square().sum(0)).mean()

    assert "dim=1" in told(wrong, right)


def test_a_number():
    def right(x, t):
        return ((x - t).square() + 0.25).sqrt().mean()

    def wrong(x, t):
        return ((x - t).square() + 0.5).sqrt().mean()

    assert "0.25 in the place of 0.5" in told(wrong, right)


def test_an_intermediate_result():
    def right(x, t):
        a, b = x.exp(), t.exp()
        return ((a - b) / a).mean()

    def wrong(x, t):
        a, b = x.exp(), t.exp()
        return ((a - b) / b).mean()

    assert "wrong intermediate result" in told(wrong, right)


def test_a_missing_detach_is_not_told_turned_round():
    def right(x, t):
        return ((x - t).abs().detach() * (x - t).abs()).mean()

    def wrong(x, t):
        return ((x - t).abs() * (x - t).abs()).mean()

    assert told(wrong, right).startswith("a detach is missing")
    assert "detach" in told(right, wrong)
    assert "a detach is missing" not in told(right, wrong)


def test_a_factor_is_never_one():
    diagnosis = told(lambda x, t: F.mse_loss(x, t) + 1e-3 * (x.mean() > 0), F.mse_loss)
    assert "1 times the right loss" not in diagnosis


def test_a_slip_is_refuted_by_a_batch_on_which_the_loss_is_right():
    """Class weights that are not used give another loss on a single sample, where the loss is right."""
    weight = torch.tensor([0.5, 2.0, 1.0])

    def wrong(scores, target):
        return F.multi_margin_loss(scores, target, weight=weight.to(scores).flip(0))

    assert "is not used" not in verify(wrong, like="multi_margin", weight=weight).diagnosis


def test_where_it_differs():
    def right(x, t):
        return torch.where(x < t, (2 * x - t).cos(), (x - t) ** 2).mean()

    def wrong(x, t):
        return torch.where(x < t, (1 + (x - t).abs() + (x - t) ** 4).log(), (x - t) ** 2).mean()

    assert told(wrong, right).endswith("; it differs only where argument 1 (x) is below argument 2 (t)")


def test_what_a_mask_leaves_out():
    def inputs():
        return torch.randn(3, 4), (torch.arange(4) < torch.tensor([[4], [3], [2]])).float()

    def right(x, mask):
        return x.masked_fill(mask == 0, -torch.inf).logsumexp(1).mean()

    def wrong(x, mask):
        return x.logsumexp(1).mean() - (1 - mask).mean()

    assert "leaves out" in told(wrong, right, inputs)


def test_no_more_is_said_of_nan():
    def wrong(x, t):
        return ((x - t) / (x - x)).mean()

    report = verify(wrong, like="mse")
    assert {c.name for c in report.failures} <= {"value", "forms", "edges"}
    assert "division by 0" in report.diagnosis


def test_the_logarithm_of_a_negative_number():
    assert told(lambda x, t: (x.log() - t).square().mean(), F.mse_loss) == "the logarithm of a negative number"


def test_overflow_in_float32_names_exp():
    def wrong(x, t):
        return torch.log(1 + torch.exp(t - x)).mean()

    report = verify(wrong, like=lambda x, t: F.softplus(t - x).mean(), inputs=two)
    assert failing(report, "float32").diagnosis.startswith("exp overflows")


def test_a_cache_draws_no_random_numbers():
    class Remembers(nn.Module):
        def forward(self, x, t):
            self.last = getattr(self, "last", 0) * 0.5 + F.mse_loss(x, t).detach()
            return F.mse_loss(x, t) + self.last * 0.01

    assert "remembers" in verify(Remembers(), like="mse").diagnosis


def test_steps_are_not_called_classes():
    def inputs():
        return torch.randn(2, 5, 4), torch.randn(2, 5, 4)

    def right(x, t):
        return (x - t).square().sum((1, 2)).mean()

    diagnosis = told(lambda x, t: (x - t).square().mean(1).sum(1).mean(), right, inputs)
    assert "class" not in diagnosis
    assert "dimension 1" in diagnosis


def test_images_are_made_smaller():
    def wrong(z, y):
        return F.cross_entropy(z, y, reduction="sum") / y.shape[0]

    def inputs():
        return torch.randn(2, 3, 8, 8), torch.randint(3, (2, 8, 8))

    found = failing(verify(wrong, like=lambda z, y: F.cross_entropy(z, y), inputs=inputs), "value")
    assert found.inputs[0].numel() <= 3 * 2


def test_numbers_that_look_alike_get_more_digits():
    found = failing(verify(lambda x, t: F.mse_loss(x, t) * 1.00001, like="mse"), "value")
    assert found.got != found.wanted


def test_batches_with_a_mask_and_without_one():
    """The mask is the third tensor of some batches, and others have two."""

    def masked_logits(logits, target, mask=None):
        if mask is not None:
            logits = logits * mask.unsqueeze(1).to(logits)
        return -(target * logits.log_softmax(1)).sum(1).mean()

    assert not verify(masked_logits, like="soft_target_cross_entropy")


def test_two_numbers_that_are_wrong_together():
    def right(x, t):
        return (0.9 * (x - t).square() + 0.1 * (x - t).abs()).mean()

    def wrong(x, t):
        return (0.7 * (x - t).square() + 0.3 * (x - t).abs()).mean()

    diagnosis = told(wrong, right)
    assert "0.9 in the place of 0.7" in diagnosis
    assert "0.1 in the place of 0.3" in diagnosis


def test_an_expression_that_stands_twice():
    def right(x, t):
        return ((t - x).exp() - (t - x) - 1 + x.square()).mean()

    def wrong(x, t):
        return ((x - t).exp() - (x - t) - 1 + x.square()).mean()

    assert "two operands are exchanged" in told(wrong, right)


def test_a_step_of_an_argument_is_missing():
    def right(x, t):
        return torch.cdist(F.normalize(x), F.normalize(t)).mean()

    def wrong(x, t):
        return torch.cdist(F.normalize(x), t).mean()

    assert "`normalize(x, dim=-1)` in the place of x = t" in told(wrong, right)


def test_a_sum_that_is_not_divided_by_what_a_mask_leaves_in():
    def masked():
        return torch.randn(3, 5), (torch.arange(5) < torch.tensor([[5], [2], [3]])).float()

    def right(losses, mask):
        return ((losses * mask).sum(1) / mask.sum(1)).mean()

    def wrong(losses, mask):
        return (losses * mask).sum(1).mean()

    assert "/ mask.sum(1)" in told(wrong, right, masked)


def test_a_weighted_mean_is_divided_by_how_many_there_are():
    def weighted():
        return torch.randn(3, 5), torch.randn(3, 5), torch.rand(3, 5) + 0.1

    def right(x, t, weights):
        return ((x - t).abs() * weights).sum() / weights.sum()

    def wrong(x, t, weights):
        return ((x - t).abs() * weights).mean()

    assert "`(…).sum() / weights.sum()`" in told(wrong, right, weighted)


def test_an_argument_without_effect_comes_before_slips_that_seem_alike():
    def pairs():
        return torch.randn(6), torch.randn(6), torch.rand(6)

    def right(chosen, rejected, margin):
        return F.softplus(margin - chosen + rejected).mean()

    def wrong(chosen, rejected, margin):
        return F.softplus(rejected - chosen).mean()

    said = told(wrong, right, pairs)
    assert said.startswith("argument 3 (margin) changes nothing: it is not used, or what is made of it is overwritten")
    assert "`x + margin`" in said


def test_two_pairs_of_arguments_are_swapped():
    def four():
        return tuple(torch.randn(5, 3) for _ in range(4))

    def right(mu, s, nu, r):
        return ((s - r).exp() + (mu - nu).square() * (-r).exp() - s + r).sum(1).mean()

    def wrong(mu, s, nu, r):
        return right(nu, r, mu, s)

    assert "argument 1 (mu) with argument 3 (nu), and argument 2 (s) with argument 4 (r)" in told(wrong, right, four)


def test_where_a_result_on_the_way_is_beyond_a_limit():
    def right(x, t):
        length = (x * t).sum(1)
        return torch.where(length > 1, length.square(), length.exp()).mean()

    def wrong(x, t):
        length = (x * t).sum(1)
        return length.exp().mean()

    assert "it differs only where `x * t` is above about" in told(wrong, right)


def test_where_it_differs_though_not_everywhere():
    def rows_of_three():
        return torch.randn(8), torch.randn(8), torch.randn(8)

    def right(ratio, old, advantage):
        return -torch.minimum(ratio.exp() * advantage, ratio.exp().clamp(0.7, 1.3) * advantage).mean() + 0 * old.sum()

    def wrong(ratio, old, advantage):
        size = advantage.abs()
        less = torch.minimum(ratio.exp() * size, ratio.exp().clamp(0.7, 1.3) * size)
        return -(advantage.sign() * less).mean() + 0 * old.sum()

    expected = "; it differs only where argument 3 (advantage) is negative, though not everywhere there"
    assert told(wrong, right, rows_of_three).endswith(expected)


@pytest.mark.parametrize(("factor", "is_told"), [(0.9686137, False), (0.7, True), (1 / 3, True), (math.log(2), True)])
def test_a_factor_that_nobody_writes_is_not_told(factor, is_told):
    batches = [Batch(two(), "inputs") for _ in range(3)]
    samples = [Sample(b, call(lambda x, t: factor * rows(x, t), b.tensors), call(rows, b.tensors)) for b in batches]
    assert (by_factor(samples) is not None) == is_told


def test_labels_that_are_none_are_not_turned_round():
    def lists():
        return torch.randn(3, 5), torch.rand(3, 5)

    def right(scores, relevance):
        ranked = scores.gather(1, relevance.argsort(dim=1, descending=True))
        return (ranked.flip(1).logcumsumexp(1).flip(1) - ranked).sum(1).mean()

    def wrong(scores, relevance):
        ranked = scores.gather(1, relevance.argsort(dim=1))
        return (ranked.flip(1).logcumsumexp(1).flip(1) - ranked).sum(1).mean()

    assert "labels" not in told(wrong, right, lists)


def test_a_hinge_beyond_its_margin_fits_whatever_is_0_there_too():
    """Only where predictions are perfect does it give anything: that refutes what else would fit."""

    def far():
        return torch.randn(6, 5), torch.randn(6, 5) + 3

    def right(x, t):
        return (8 - (x - t).norm(dim=1)).relu().mean()

    def wrong(x, t):
        most = torch.tensor(1.0, dtype=x.dtype)
        return (most - (x - t).norm(dim=1)).relu().mean()

    diagnosis = told(wrong, right, far)
    assert "the right loss has `8 - (x - t).norm(dim=1)` in the place of `most - (x - t).norm(dim=1)`" in diagnosis
