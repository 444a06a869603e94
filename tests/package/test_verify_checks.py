"""The checks of `lossbook.verify`, one by one: each has a wrong loss that only it catches."""

import gc
import weakref

import pytest
import torch
from torch import nn

from lossbook.verifying.checks import CHECKS
from lossbook.verifying.subject.outcome import call
from lossbook.verifying.verify import verify
from tests.package import TORCH
from tests.package.small_losses import asks_for_a_mask, clears_the_target, right, shaken, spread, two_sorted_rows


def one_row(tensor):
    if tensor.dim() != 1:
        raise ValueError("one row of numbers only")


def unbiased_in_large_batches(input, target):
    one_row(input)
    return (input - target).square().sum() / (len(input) - (len(input) > 4))


def learns_from_four_samples(input, target):
    one_row(input)
    return right(torch.cat([input[:4], input[4:].detach()]), target)


def trailing_dimensions_summed(input, target):
    return right(input, target) * (input[0, 0].numel() if input.dim() > 2 else 1)


def naive_divergence(input, target):
    return (target * (target.log() - input)).sum() / len(input)


def naive_root(input, target):
    return ((input - target).square().mean()).sqrt()


def careful_root(input, target):
    return ((input - target).square().mean() + 1e-14).sqrt()


def sum_is_a_mean(input, target, reduction="mean"):
    loss = (input - target).square()
    return loss if reduction == "none" else loss.mean()


def turn_only_at_one(input, target, beta=1.0):
    apart = (input - target).abs()
    return torch.where(apart < beta, apart.square() / 2, apart - beta / 2).mean()


class _IgnoresUpstream(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        return right(input, target)

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        return 2 * (input - target) / input.numel(), None


class _WearsOut(_IgnoresUpstream):
    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.saved_tensors
        ctx.used = getattr(ctx, "used", 0) + 1
        return upstream * 2 * (input - target) / input.numel() / ctx.used, None


def spread_of_sorted(input, target):
    return ((input[-1] - input[0]).abs() - (target[-1] - target[0]).abs()).square()


def needs_contiguous(input, target):
    return right(input.view(-1), target.reshape(-1))


def expanded(input, target):
    return (input.square() - 2 * input * target + target.square()).mean().clamp(min=0)


def vanishes_in_half(input, target):
    return (1e5 * (input - target)).square().mean() / 1e10


def answers_in_double(input, target):
    return right(input.double(), target.double())


def made_on_the_cpu(input, target):
    return right(input, target) * torch.ones(3).mean() + (0 * torch.ones(input.shape) * input).sum()


def turns_gradients_on(input, target):
    loss = right(input, target)
    torch.set_grad_enabled(True)
    return loss


class TrainsNothing(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, input, target):
        return right(input, target) * self.scale.detach()


class HoldsALambda(nn.Module):
    def __init__(self):
        super().__init__()
        self.square = lambda x: x * x

    def forward(self, input, target):
        return self.square(input - target).mean()


def both_sides(left, right):
    return (left - right).square().mean()


def learns_on_one_side(left, right):
    return (left - right.detach()).square().mean()


def two_views():
    return torch.randn(5, 3), torch.randn(5, 3)


#: For each check a loss, what it claims to be, and its inputs; the test below asks for one for each new check.
ONLY = {
    "calls": (asks_for_a_mask, "mse"),
    "value": (unbiased_in_large_batches, "mse"),
    "gradient": (learns_from_four_samples, "mse"),
    "other gradients": (learns_on_one_side, both_sides, two_views),
    "forms": (trailing_dimensions_summed, "mse"),
    "edges": (naive_divergence, nn.KLDivLoss(reduction="batchmean")),
    "edge gradients": (naive_root, careful_root, lambda: (torch.randn(5, 3), torch.randn(5, 3))),
    "reductions": (sum_is_a_mean, "mse"),
    "settings": (turn_only_at_one, "smooth_l1"),
    "upstream": (_IgnoresUpstream.apply, "mse"),
    "second backward": (_WearsOut.apply, "mse"),
    "repeatable": (shaken, "mse"),
    "order": (spread_of_sorted, spread, two_sorted_rows),
    "inputs": (clears_the_target, "mse"),
    "switches": (turns_gradients_on, "mse"),
    "strides": (needs_contiguous, "mse"),
    "float32": (expanded, "mse"),
    "half": (vanishes_in_half, "mse"),
    "dtype": (answers_in_double, "mse"),
    "device": (made_on_the_cpu, "mse"),
    "parameters": (TrainsNothing, "mse"),
    "module": (HoldsALambda, "mse"),
}


@pytest.mark.parametrize("check", [check.name for check in CHECKS])
def test_each_check_finds_what_no_other_finds(check):
    report = verify(*ONLY[check])
    state = "warning" if check == "dtype" else "failed"  # a loss may choose to answer in another dtype
    assert [c.name for c in report.checks if c.state in ("failed", "warning")] == [check], report
    assert next(c.state for c in report.checks if c.name == check) == state
    assert bool(report) == (check == "dtype")


def test_a_loss_over_all_pairs_is_not_given_many_samples():
    """With 40 000 samples a table of all pairs is 3 GB in float16, and torch cannot be interrupted while it fills it."""
    sizes = []

    def all_pairs(input, target):
        sizes.append(input.numel())
        return (input.flatten()[:, None] - target.flatten()[None, :]).square().trace() / input.numel()

    def one_by_one(input, target):
        sizes.append(input.numel())
        return right(input, target)

    assert verify(all_pairs, like="mse")
    assert max(sizes) < 1000
    assert verify(one_by_one, like="mse")
    assert max(sizes) > 10_000


def test_a_call_that_failed_holds_nothing_of_its_batch():
    """Its error is kept, and the error's frames would keep every tensor until the garbage collector comes by."""
    held = []

    def loss(input):
        table = input.unsqueeze(1) - input
        held.append(weakref.ref(table))
        try:
            raise IndexError("first")
        except IndexError as cause:
            raise ValueError("no") from cause

    gc.disable()
    try:
        outcome = call(loss, [torch.ones(3)])
        assert str(outcome.error) == "no"
        assert held[0]() is None
    finally:
        gc.enable()


def test_edges_that_the_right_loss_leaves_open():
    """With equal times the result depends on the order of the samples: its author did not think of them."""

    def ranked(risk, time):
        order = time.argsort(descending=True)
        return (risk[order].logcumsumexp(0) - risk[order]).mean()

    def compared(risk, time):
        later = time[None, :] >= time[:, None]
        return (risk[None].masked_fill(~later, float("-inf")).logsumexp(1) - risk).mean()

    assert verify(compared, ranked, lambda: (torch.randn(7), torch.rand(7)))
    assert not verify(lambda risk, time: compared(risk, -time), ranked, lambda: (torch.randn(7), torch.rand(7)))


def test_scores_far_from_each_other():
    """Rewards are small in every batch that is given, and not always afterwards."""

    def small():
        return torch.rand(6) * 3, torch.rand(6) * 3

    def right(chosen, rejected):
        return nn.functional.softplus(rejected - chosen).mean()

    report = verify(lambda chosen, rejected: -(chosen - rejected).sigmoid().log().mean(), right, small)
    assert "the logarithm of 0" in report.diagnosis
    assert verify(lambda chosen, rejected: -nn.functional.logsigmoid(chosen - rejected).mean(), right, small)


class InAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = [torch.tensor([1.0, 2.0, 0.5])]

    def forward(self, input, target):
        return (nn.functional.cross_entropy(input, target, reduction="none") * self.weights[0][target]).mean()


class NoModule:
    def __init__(self):
        self.weight = torch.tensor([1.0, 2.0, 0.5])

    def __call__(self, input, target):
        return (nn.functional.cross_entropy(input, target, reduction="none") * self.weight[target]).mean()


def weighted(input, target):
    weight = input.new_tensor([1.0, 2.0, 0.5])
    return (nn.functional.cross_entropy(input, target, reduction="none") * weight[target]).mean()


@pytest.mark.parametrize(("loss", "words"), [(InAList(), "register_buffer"), (NoModule(), "that the loss keeps")])
def test_a_tensor_that_stays_behind(loss, words):
    report = verify(loss, weighted, lambda: (torch.randn(6, 3), torch.randint(3, (6,))))
    assert words in next(check.finding.diagnosis for check in report.failures if check.name == "device")


@pytest.mark.skipif(TORCH >= (2, 14), reason="From torch 2.14 on clamp passes no gradient at its ends: all is finite.")
def test_too_few_digits_for_a_slope_are_told_only():
    """1 − 1e-7 is 1 in float16, where acos has no slope; the loss is right, and its author trains in float32."""

    def angle(x, t):
        cosine = nn.functional.cosine_similarity(x, t).clamp(-1 + 1e-7, 1 - 1e-7)
        return torch.where(cosine > 0.999, 1 - cosine, cosine.acos()).mean()

    def angle_by_rows(x, t):
        cosines = nn.functional.cosine_similarity(x, t).clamp(-1 + 1e-7, 1 - 1e-7)
        return torch.stack([1 - c if c > 0.999 else c.acos() for c in cosines]).mean()

    def alike():
        x = torch.randn(5, 3)
        return x, torch.cat([x[:1], torch.randn(4, 3)])

    report = verify(angle, angle_by_rows, alike)
    assert report, report
    assert next(check.state for check in report.checks if check.name == "half") == "warning"
