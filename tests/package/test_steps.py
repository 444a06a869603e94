"""Diagnoses of what is done in the wrong order, over too much or too little, or with a number in the place of a setting."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.verifying.verify import verify


def two():
    return torch.randn(6, 4), torch.randn(6, 4)


def told(loss, like, inputs=two):
    return verify(loss, like=like, inputs=inputs).diagnosis


def test_a_function_belongs_before_the_sum():
    def right(x, t):
        return (x - t).clamp(min=0).square().sum(1).mean()

    def wrong(x, t):
        return ((x - t).clamp(min=0).sum(1) / 1.0).square().mean()

    diagnosis = told(wrong, right)
    assert "two steps are in the wrong order: right with `square` of each number" in diagnosis


def test_a_function_belongs_after_the_mean():
    def right(x, t):
        return (x - t).square().mean(1).sqrt().mean() + t.exp().mean()

    def wrong(x, t):
        return (x - t).square().sqrt().mean(1).mean() + t.exp().mean()

    assert "`sqrt` after the sum or mean" in told(wrong, right)


def test_a_factor_given_by_name():
    def right(x, t):
        return torch.mul(x.square(), other=t.square()).sum()

    def wrong(x, t):
        return torch.mul(x, other=t).abs().sum()

    assert "right with `square(x)`" in told(wrong, right)


@pytest.mark.parametrize("rest", [lambda p: torch.rsub(p, other=1), lambda p: torch.rsub(p, torch.ones_like(p))])
def test_what_is_subtracted_from_may_be_no_number(rest):
    def right(x, t):
        return -rest(x.sigmoid()).log().mean() + t.square().mean()

    assert not verify(lambda x, t: right(x, t) + x.amin(), like=right, inputs=two)


def test_each_side_is_clamped_and_not_the_product():
    def boxes():
        x = torch.rand(8, 2) * 6
        return torch.cat([x, x + 1], 1), torch.rand(8, 4) * 4

    def sides(a, b):
        return a[:, 2] - b[:, 0], a[:, 3] - b[:, 1]

    def right(a, b):
        w, h = sides(a, b)
        return (w.clamp(min=0) * h.clamp(min=0)).sqrt().clamp(min=0.1).mean()

    def wrong(a, b):
        w, h = sides(a, b)
        return (w * h).clamp(min=0).sqrt().clamp(min=0.1).mean()

    assert "right with `clamp` of each number, before the sum, mean or product" in told(wrong, right, boxes)


@pytest.mark.parametrize(("value", "smallest"), [("-inf", False), ("inf", True)])
def test_what_is_left_out_by_a_product_still_counts(value, smallest):
    def masked():
        return torch.randn(5, 4), (torch.rand(5, 4) < 0.5).double().index_fill(1, torch.tensor([0]), 1.0)

    def right(x, mask):
        x = x.masked_fill(mask == 0, float(value))
        return x.amin(1).square().mean() if smallest else x.softmax(1)[:, 0].square().mean()

    def wrong(x, mask):
        x = x * mask
        return x.amin(1).square().mean() if smallest else x.softmax(1)[:, 0].square().mean()

    assert f"right with `masked_fill(…, {value})` in the place of `x * mask`" in told(wrong, right, masked)


def test_means_of_two_parts_are_added():
    def loss(distance, label, margin=1.0):
        return distance[label == 1].mean() + F.relu(margin - distance[label == -1]).mean()

    diagnosis = verify(loss, like="hinge_embedding").diagnosis
    assert "the mean goes over a part of its own, where it belongs over all" in diagnosis


def test_a_dimension_that_is_wrong_in_several_operations():
    def scaled(x, dim):
        return (x - x.mean(dim, keepdim=True)) / x.std(dim, keepdim=True)

    def right(x, t):
        return (scaled(x, 0) * scaled(t, 0)).exp().mean()

    def wrong(x, t):
        x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
        t = (t - t.mean(1, keepdim=True)) / t.std(1, keepdim=True)
        return (x * t).exp().mean()

    assert "wrong dimension: right with `mean(…, dim=0)`" in told(wrong, right)


def test_samples_that_meet():
    def right(x, t):
        return torch.stack(
            [(a[:, None] * a[None, :] - b[:, None] * b[None, :]).square().mean() for a, b in zip(x, t, strict=True)]
        ).mean()

    def wrong(x, t):
        a, b = x.flatten(), t.flatten()
        return (a[:, None] * a[None, :] - b[:, None] * b[None, :]).square().mean()

    assert "each sample by itself is right, together they are not" in told(wrong, right)


def test_columns_without_effect():
    class Quantiles(nn.Module):
        def forward(self, input, target):
            error = target - input[..., 2]
            return torch.max((0.9 - 1) * error, 0.9 * error).mean()

    report = verify(
        Quantiles(), like="quantile", inputs=lambda: (torch.randn(6, 3), torch.randn(6)), quantile=(0.1, 0.5, 0.9)
    )
    assert "of argument 1 (input) only a part counts: index 0, 1 of the last dimension" in report.diagnosis


def test_a_step_missing_at_the_entrance_of_a_loss_of_the_catalogue():
    def loss(query, keys, temperature=0.1):
        return F.cross_entropy(F.normalize(query, dim=-1) @ keys.t() / temperature, torch.arange(len(query)))

    assert "argument 2 (keys) goes through `normalize(x, dim=-1)` first" in verify(loss, like="info_nce").diagnosis


def test_a_number_in_the_place_of_a_setting():
    def loss(input, target, beta=1.0):
        d = (input - target).abs()
        return torch.where(d < beta, 0.5 * d * d / beta, d - 0.5).mean() if beta else d.mean()

    assert "right with 0.25 = 0.5 * beta in the place of 0.5" in verify(loss, like="smooth_l1").diagnosis


def test_the_mean_of_ctc():
    def loss(log_probs, targets, input_lengths, target_lengths):
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, reduction="none").mean()

    assert verify(loss, like="ctc").diagnosis == "the mean does not divide each loss by the length of its target first"


def test_what_is_to_be_learned_is_a_parameter():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.ones(1, requires_grad=True)

        def forward(self, input, target):
            return (self.scale * (input - target)).square().mean()

    assert "nn.Parameter" in verify(Scaled(), like="mse").diagnosis


def test_a_target_that_the_right_loss_detaches():
    """Of a network it may be made; where the right loss gives it a gradient by accident, all may be meant."""

    def right(online, target):
        return (2 - 2 * F.cosine_similarity(online, target.detach(), dim=1)).mean()

    def wrong(online, target):
        return 2 - 2 * F.cosine_similarity(online, target, dim=1).mean()

    assert "a detach is missing: argument 2 (target)" in told(wrong, right)
    assert verify(lambda online, target: right(online, target), like=wrong, inputs=two)


def test_a_hinge_turned_round_is_called_that():
    def loss(input1, input2, target, margin=0.0):
        cosine = F.cosine_similarity(input1, input2, dim=-1)
        return torch.where(target == 1, 1 - cosine, (margin - cosine).clamp(min=0)).mean()

    assert "the hinge is reversed" in verify(loss, like="cosine_embedding").diagnosis


def test_a_number_is_not_called_by_the_name_of_the_other_side():
    def right(x, t, margin=1.5):
        return (-(x - t).norm(dim=1) + 2 * margin).clamp(min=0).mean()

    def wrong(x, t, margin=1.5):
        distance = (x - t).norm(dim=1)
        return (-distance + margin).clamp(min=0).mean()

    assert "right with margin = 3, not 1.5" in told(wrong, right)
