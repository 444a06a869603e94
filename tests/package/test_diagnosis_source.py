"""What `verify` finds in the Python around torch: arguments handed on in the wrong places, loops, branches, what is returned."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.verifying.repairs import EXCHANGED, edits
from lossbook.verifying.verify import verify


def two():
    return torch.randn(6, 3), torch.randn(6, 3)


def binary():
    return torch.randn(6, 2), (torch.rand(6, 2) > 0.5).float()


def told(loss, like, inputs=two):
    report = verify(loss, like=like, inputs=inputs)
    return f"{report.diagnosis} {[check.finding.line for check in report.failures]}"


def ranked(good, bad, scale, margin):
    return F.softplus((margin - (good - bad)) * scale) / scale


class Ranking(nn.Module):
    def __init__(self, margin=0.3, scale=4.0):
        super().__init__()
        self.margin, self.scale = margin, scale

    def forward(self, good, bad):
        return ranked(good, bad, self.scale, self.margin).mean()


class RankingHandedOnWrong(Ranking):
    def forward(self, good, bad):
        return ranked(good, bad, self.margin, self.scale).mean()


def focal(logits, y, gamma=2.0, alpha=0.25):
    p, ce = torch.sigmoid(logits), F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    weight = alpha * y + (1 - alpha) * (1 - y)
    return (weight * (1 - p * y - (1 - p) * (1 - y)) ** gamma * ce).mean()


def focal_handed_on_wrong(logits, y, gamma=2.0, alpha=0.25):
    def inner(z, y, gamma, alpha):
        p, ce = torch.sigmoid(z), F.binary_cross_entropy_with_logits(z, y, reduction="none")
        weight = alpha * y + (1 - alpha) * (1 - y)
        return (weight * (1 - p * y - (1 - p) * (1 - y)) ** gamma * ce).mean()

    return inner(logits, y, alpha, gamma)


def gaussian(mean, log_var, y):
    return 0.5 * (log_var + (y - mean) ** 2 / log_var.exp()).mean()


def gaussian_handed_on_wrong(mean, log_var, y):
    return F.gaussian_nll_loss(mean, var=y, target=log_var.exp())


def gaussian_handed_on_right(mean, log_var, y):
    return F.gaussian_nll_loss(mean, var=log_var.exp(), target=y, eps=1e-100)


def three():
    return torch.randn(6, 2), torch.randn(6, 2) * 0.5, torch.rand(6, 2) + 0.2


@pytest.mark.parametrize(
    ("wrong", "right", "inputs", "new"),
    [
        (RankingHandedOnWrong(), Ranking(), two, "`ranked(good, bad, self.scale, self.margin)`"),
        (focal_handed_on_wrong, focal, binary, "`inner(logits, y, gamma, alpha)`"),
        (gaussian_handed_on_wrong, gaussian, three, "`F.gaussian_nll_loss(mean, var=log_var.exp(), target=y)`"),
    ],
)
def test_arguments_that_are_handed_on_in_each_other_s_place(wrong, right, inputs, new):
    diagnosis = told(wrong, right, inputs)
    assert f"two arguments of a call are in each other's place: right with {new}" in diagnosis


def test_the_same_handed_on_rightly():
    assert verify(gaussian_handed_on_right, like=gaussian, inputs=three)


def mean_of_columns(x, t):
    return torch.stack([(x[:, i] - t[:, i]).abs().mean() * (i + 1) for i in range(3)]).sum()


def overwritten(x, t):
    total = 0.0
    for i in range(3):
        total = (x[:, i] - t[:, i]).abs().mean() * (i + 1)
    return total


def added(x, t):
    total = 0.0
    for i in range(3):
        total = total + (x[:, i] - t[:, i]).abs().mean() * (i + 1)
    return total


def without_the_last(x, t):
    total = 0.0
    for i in range(x.shape[1] - 1):
        total = total + (x[:, i] - t[:, i]).abs().mean() * (i + 1)
    return total


def returned_in_the_loop(x, t):
    total = 0.0
    for i in range(3):
        total = total + (x[:, i] - t[:, i]).abs().mean() * (i + 1)
        return total


def the_next_one(x, t):
    total = 0.0
    for i in range(3):
        total = total + (x[:, i - 1] - t[:, i - 1]).abs().mean() * (i + 1)
    return total


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (overwritten, "each turn of the loop overwrites what the one before it gave"),
        (without_the_last, "a loop runs over the wrong range: right with `range(0, x.shape[1])`"),
        (returned_in_the_loop, "the loop already returns in its first turn"),
    ],
)
def test_loops(wrong, says):
    assert says in told(wrong, mean_of_columns)


def test_a_right_loop():
    assert verify(added, like=mean_of_columns, inputs=two)


def test_nothing_is_said_of_two_places_that_are_wrong_together():
    """Both indices would have to change: one change of the source does not make it right."""
    assert "another index" not in told(the_next_one, mean_of_columns)


def test_the_source_is_as_before_whatever_happens():
    before = focal_handed_on_wrong.__code__
    edit = next(edits(focal_handed_on_wrong, EXCHANGED))
    with edit.made():
        assert focal_handed_on_wrong.__code__ is not before
    assert focal_handed_on_wrong.__code__ is before
    with pytest.raises(KeyError), edit.made():
        raise KeyError
    assert focal_handed_on_wrong.__code__ is before


def test_a_loss_without_source_is_left_alone():
    code = "def loss(x, t):\n    return abs(pow(x - t, 2)).sum()\n"
    scope = {}
    exec(compile(code, "<nowhere>", "exec"), scope)
    assert not list(edits(scope["loss"], EXCHANGED))
