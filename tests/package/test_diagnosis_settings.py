"""What `verify` says of a number that should be something of a setting: it must hold with another number for it too."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.beyond import sigmoid_focal_loss
from lossbook.verifying.verify import verify


def numbers():
    return torch.randn(12) * 4, torch.randn(12)


def near():
    return torch.randn(12) * 0.5, torch.randn(12) * 0.5


def told(loss, like, inputs=numbers):
    return verify(loss, like=like, inputs=inputs).diagnosis


def huber(x, t, delta=2.0):
    return F.huber_loss(x, t, delta=delta)


def huber_without_delta(x, t, delta=2.0):
    e = (x - t).abs()
    return torch.where(e < delta, 0.5 * e * e, delta * e - 0.5).mean()


def huber_by_hand(x, t, delta=2.0):
    e = (x - t).abs()
    return torch.where(e < delta, 0.5 * e * e, delta * (e - 0.5 * delta)).mean()


class Smooth(nn.Module):
    def __init__(self, beta=0.25):
        super().__init__()
        self.beta = beta

    def forward(self, p, t):
        return F.smooth_l1_loss(p, t, beta=self.beta)


class SmoothWithoutBeta(Smooth):
    def forward(self, p, t):
        d = torch.abs(p - t)
        inside = (d < self.beta).float()
        return (inside * 0.5 * d**2 + (1 - inside) * (d - 0.5 * self.beta)).mean()


def distilled(s, t, y, T=4.0, a=0.7):
    soft = F.kl_div((s / T).log_softmax(1), (t / T).softmax(1), reduction="batchmean") * T * T
    return a * soft + (1 - a) * F.cross_entropy(s, y)


def distilled_without_t(s, t, y, T=4.0, a=0.7):
    soft = F.kl_div((s / T).log_softmax(1), (t / T).softmax(1), reduction="batchmean")
    return a * soft + (1 - a) * F.cross_entropy(s, y)


def classes():
    return torch.randn(6, 5), torch.randn(6, 5), torch.randint(5, (6,))


def cauchy(x, t, c=3.0):
    return (c**2 / 2 * torch.log1p(((x - t) / c) ** 2)).mean()


def cauchy_without_c(x, t, c=3.0):
    return torch.log1p(((x - t) / c) ** 2).mean()


def kernel(x, t, sigma=1.5):
    return (1 - torch.exp(-((x - t) ** 2) / (2 * sigma**2))).mean()


def kernel_of_variance(x, t, sigma=1.5):
    return torch.mean(1 - torch.exp(-torch.square(x - t) / (2 * sigma)))


class Angles(nn.Module):
    def __init__(self, s=16.0, m=0.3):
        super().__init__()
        self.s, self.m = s, m

    def forward(self, cosine, y):
        angle = torch.acos(cosine.clamp(-0.999, 0.999)) + self.m * F.one_hot(y, cosine.size(1))
        return F.cross_entropy(self.s * torch.cos(angle), y)


class AnglesOfThirty(Angles):
    def forward(self, cosine, y):
        angle = torch.acos(cosine.clamp(-0.999, 0.999)) + self.m * F.one_hot(y, cosine.size(1))
        return F.cross_entropy(30.0 * torch.cos(angle), y)


def cosines():
    return torch.rand(6, 4) * 1.6 - 0.8, torch.randint(4, (6,))


@pytest.mark.parametrize(
    ("wrong", "right", "inputs", "says"),
    [
        (huber_without_delta, huber, numbers, "right with 2 = delta**2 / 2 in the place of 0.5"),
        (SmoothWithoutBeta(), Smooth(), near, "right with 2 = 1 / (2 * beta) in the place of 0.5"),
        (distilled_without_t, distilled, classes, "times 16 = T**2"),
        (cauchy_without_c, cauchy, numbers, "times 4.5 = c**2 / 2"),
        (kernel_of_variance, kernel, numbers, "right with 4.5 = 2 * sigma**2 in the place of `2 * sigma`"),
        (AnglesOfThirty(), Angles(), cosines, "right with 16 = s in the place of 30"),
    ],
)
def test_what_a_number_is_of_a_setting(wrong, right, inputs, says):
    assert says in told(wrong, right, inputs)


def test_a_right_one():
    assert verify(huber_by_hand, like=huber, inputs=numbers)


def test_a_change_that_fits_one_setting_only_is_refuted():
    """With a beta of a quarter, a product with a half and a division by it are the same but for that."""
    assert "a / b" not in told(SmoothWithoutBeta(), Smooth(), near)


def test_a_name_that_means_something_else_in_the_other_loss():
    """What holds with no other number for it may hold all the same."""

    def right(x, t, scale=2.0):
        return (x - t).abs().mean() * scale

    def wrong(x, t, scale=2.0):
        return (x - t).square().mean() * 4 / scale

    assert "abs(x)" in told(wrong, right)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x, t, weight=0.3: (x - t).abs().mean() - weight * x.square().mean(), "the sign of what weight weighs"),
        (lambda x, t, weight=1 / 0.3: (x - t).abs().mean() + weight * x.square().mean(), "multiplies where it should"),
    ],
)
def test_how_a_setting_is_used(wrong, says):
    assert says in told(wrong, lambda x, t: (x - t).abs().mean() + 0.3 * x.square().mean())


def test_the_base_of_a_logarithm():
    def ranked():
        return torch.randn(5, 6), torch.rand(5, 6)

    def gain(s, y):
        discount = 1 / torch.log2(torch.arange(y.shape[1]) + 2.0)
        return -(s.softmax(1).gather(1, y.argsort(1, descending=True)) * discount).sum(1).mean()

    def natural(s, y):
        discount = torch.log(torch.arange(y.shape[1]) + 2.0)
        return -(s.softmax(1).gather(1, y.argsort(1, descending=True)) / discount).sum(1).mean()

    assert "the natural logarithm stands where the one with the base 2 belongs" in told(natural, gain, ranked)
    assert "the logarithm has the base 2 (log2) where the natural one belongs" in told(
        lambda x, t: ((x - t).abs() + 1).log2().mean(), lambda x, t: ((x - t).abs() + 1).log().mean()
    )


def test_a_small_number_beside_the_root_and_under_it():
    def two():
        return torch.randn(9, 4), torch.randn(9, 4)

    def right(x, t):
        return F.relu(1 - (x.var(0) + 0.01).sqrt()).mean() + F.relu(1 - (t.var(0) + 0.01).sqrt()).mean()

    def wrong(x, t):
        return F.relu(1 - x.var(0).sqrt() - 0.01).mean() + F.relu(1 - t.var(0).sqrt() - 0.01).mean()

    def beside(x, t):
        spread, other = torch.sqrt(x.var(0)) + 0.01, torch.sqrt(t.var(0)) + 0.01
        return F.relu(1 - spread).mean() + F.relu(1 - other).mean()

    assert "two steps are in the wrong order: right with `add` first" in told(beside, right, two)
    assert "order" not in told(wrong, right, two)


def test_a_half_is_looked_for_before_what_only_gives_a_half():
    """Of numbers that come with both signs, relu adds up half of what abs does."""

    def ensembles():
        return torch.randn(5, 6), torch.randn(5)

    def right(e, y):
        apart = (e[:, :, None] - e[:, None]).abs().mean((1, 2))
        return ((e - y[:, None]).abs().mean(1) - apart / 2).mean()

    def wrong(e, y):
        spread = (e.unsqueeze(2) - e.unsqueeze(1)).abs().mean((1, 2))
        return ((e - y.unsqueeze(1)).abs().mean(1) - spread).mean()

    assert "times 0.5" in told(wrong, right, ensembles)


def test_a_region_where_the_loss_is_next_to_nothing_tells_nothing():
    """Wrong everywhere, and only where it is 0 nobody sees it."""

    def binary():
        return torch.randn(6, 2), (torch.rand(6, 2) > 0.5).float()

    def right(x, y):
        return sigmoid_focal_loss(x, y, alpha=0.25, gamma=2.0)

    def wrong(x, y):
        p, ce = torch.sigmoid(x), F.binary_cross_entropy_with_logits(x, y, reduction="none")
        return ((p - y).abs().sin() * ce.tanh()).mean()

    report = verify(wrong, like=right, inputs=binary)
    assert not any("differs only where" in check.finding.diagnosis for check in report.failures)
