"""What `verify` says of losses that write into their own results, as with `total += …` or `clamp_`."""

import pytest
import torch
from torch.nn import functional as F

from lossbook.verifying.verify import verify


def two():
    return torch.randn(6, 4), torch.rand(6, 4) + 0.1


def right(x, t):
    return ((x - t).abs().sum(1) / (t.abs().sum(1) + 1)).mean() / 3 + x.square().mean()


def added_up(x, t, *, power=2.0):
    """A sum that grows in a loop, and is divided where it stands."""
    ratio = x.new_zeros(())
    for a, b in zip(x.split(1), t.split(1), strict=True):
        ratio += ((a - b).abs().sum(1) / (b.abs().sum(1) + 1)).mean()
    ratio /= 3 * len(x)
    ratio += x.pow(power).mean()
    return ratio


def written(x, t, *, power=2.0, dim=1):
    """Results that are overwritten by the next step."""
    d = x - t
    d.abs_()
    above = d.sum(dim)
    above.div_(t.abs().sum(dim).add_(1))
    return above.mean().div_(3) + x.pow(power).mean()


def stored(x, t, *, power=2.0):
    """Results that go where others were, within one tensor."""
    above = x.new_zeros(len(x))
    above.copy_((x - t).abs_().sum(1))
    below = F.relu(t.abs().sum(1), inplace=True)
    below += 1
    above /= below
    return above.mean() / 3 + x.pow(power).mean()


LOSSES = [added_up, written, stored]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_right_one_passes(loss):
    assert verify(loss, like=right, inputs=two)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_wrong_elsewhere_is_named(loss):
    """No result is taken for one that was made of itself: that had no end."""
    report = verify(lambda x, t: loss(x, t, power=3.0), like=right, inputs=two)
    assert "right with 2, not 3" in report.diagnosis or "x.pow(power)" in report.diagnosis
    assert "x.pow(power)" in str(report)


def test_a_step_in_place_is_named():
    report = verify(lambda x, t: written(x, t, dim=0), like=right, inputs=lambda: (torch.randn(4, 4), torch.rand(4, 4)))
    assert "it goes over the wrong dimension" in report.diagnosis


def test_what_is_missing_at_the_end_is_named():
    report = verify(lambda x, t: right(x, t).mul_(1.0).add_(0.5), like=right, inputs=two)
    assert "0.5" in report.diagnosis
