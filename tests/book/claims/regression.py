"""L1, MSE and Smooth L1: values, gradients, what they are robust to."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

PREDICTION, TARGET = torch.tensor([2.0, 3.0, 4.0, 5.0]), torch.tensor([4.0, 5.0, 6.0, 7.0])


def _gradient(loss, errors: list[float], **settings) -> list[float]:
    """The slope of the summed losses at each error."""
    x = torch.tensor(errors, requires_grad=True)
    loss(x, torch.zeros(len(errors)), reduction="sum", **settings).backward()
    return x.grad.tolist()


def l1_is_mean_absolute_error():
    """nn.L1Loss() is the mean of |prediction - target|, whichever comes first."""
    a, b = torch.randn(2, 3, 5)
    assert_close(nn.L1Loss()(a, b), sum(abs(x - y) for x, y in zip(a.flatten(), b.flatten(), strict=True)) / 15)
    assert nn.L1Loss()(a, b) == nn.L1Loss()(b, a)


def mse_is_mean_squared_error():
    """Errors 0, -2 and 3: the mean of the squares is 13/3, and no error gives 0."""
    a, b = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 4.0, 1.0])
    assert_close(nn.MSELoss()(a, b), torch.tensor(13 / 3))
    assert nn.MSELoss(reduction="none")(a, b).tolist() == [0, 4, 9]
    assert nn.MSELoss()(a, a) == 0


def l1_of_four_pairs_is_2():
    """[2, 3, 4, 5] and [4, 5, 6, 7]: PyTorch and the hand give 2."""
    assert repr(nn.L1Loss()(PREDICTION, TARGET)) == "tensor(2.)"
    assert (abs(2 - 4) + abs(3 - 5) + abs(4 - 6) + abs(5 - 7)) / 4 == 2


def mse_of_four_pairs_is_4():
    """[2, 3, 4, 5] and [4, 5, 6, 7]: PyTorch and the hand give 4."""
    assert repr(nn.MSELoss()(PREDICTION, TARGET)) == "tensor(4.)"
    assert ((2 - 4) ** 2 + (3 - 5) ** 2 + (4 - 6) ** 2 + (5 - 7) ** 2) / 4 == 4


def caret_is_no_power():
    """In Python the calculation typed with ^ gives -1: ^ is XOR, and + comes before it."""
    assert ((2 - 4) ^ 2 + (3 - 5) ^ 2 + (4 - 6) ^ 2 + (5 - 7) ^ 2) / 4 == -1


def reduction_changes_only_the_scale():
    """On 15 elements "sum" is 15 times "mean", in value and gradient, so both have one minimum; "none" keeps 15."""
    target = torch.randn(3, 5)
    for loss in (nn.L1Loss, nn.MSELoss):
        a = torch.randn(3, 5, requires_grad=True)
        assert loss().reduction == "mean"
        assert loss(reduction="none")(a, target).shape == (3, 5)
        total, mean = loss(reduction="sum")(a, target), loss()(a, target)
        assert_close(total, 15 * mean)
        assert_close(*(torch.autograd.grad(value, a)[0] for value in (total, 15 * mean)))


def sum_is_not_divided():
    """For the four pairs "sum" gives 8, where the default "mean" gives 2."""
    assert nn.L1Loss(reduction="sum")(PREDICTION, TARGET) == 8
    assert nn.L1Loss(reduction="mean")(PREDICTION, TARGET) == nn.L1Loss()(PREDICTION, TARGET) == 2


def mean_counts_all_elements():
    """Two rows of four errors that add up to 28: 28/8, not 28/4."""
    assert nn.L1Loss()(torch.arange(8.0).reshape(2, 4), torch.zeros(2, 4)) == 28 / 8


def mean_of_a_sum_is_the_sum():
    """Errors 2, 2, 2, 2: the mean of their sum is 8; divided by their number it is L1."""
    total = (PREDICTION - TARGET).abs().sum()
    assert total.mean() == 8
    assert total / 4 == nn.L1Loss()(PREDICTION, TARGET)


def equal_errors_prove_nothing():
    """If all errors are 2, mean, median, maximum and root mean square agree; for 1, 2, 3, 10 they do not."""

    def candidates(errors: torch.Tensor) -> list[torch.Tensor]:
        return [errors.mean(), errors.median(), errors.max(), errors.square().mean().sqrt()]

    assert candidates((PREDICTION - TARGET).abs()) == [2, 2, 2, 2]
    unequal = torch.tensor([1.0, 2.0, 3.0, 10.0])
    assert_close(torch.stack(candidates(unequal)), torch.tensor([4, 2, 10, 28.5**0.5]))
    assert nn.L1Loss()(unequal, torch.zeros(4)) == 4


def integers_are_no_input():
    """torch.Tensor makes float32, torch.tensor keeps integers, and the losses refuse integers."""
    assert torch.Tensor([2, 3]).dtype == torch.tensor([2.0, 3.0]).dtype == torch.float32
    whole = torch.tensor([2, 3])
    assert whole.dtype == torch.int64
    for loss in (nn.L1Loss(), nn.MSELoss()):
        with pytest.raises(RuntimeError):
            loss(whole, whole + 2)


def targets_need_no_limits():
    """Any real number is a target: the loss of -1e6 and 1e6 is finite."""
    assert F.mse_loss(torch.tensor([1e6]), torch.tensor([-1e6])) == torch.tensor(4e12)


def losses_are_not_comparable():
    """The same predictions cost 2, 4 or 1.5, by the loss."""
    losses = (F.l1_loss, F.mse_loss, F.smooth_l1_loss)
    assert [loss(PREDICTION, TARGET).item() for loss in losses] == [2, 4, 1.5]


def loss_decides_the_optimum():
    """The best constant for 1, 2, 3, 4, 100 is the mean for MSE and the median for L1."""
    values, constants = torch.tensor([1.0, 2.0, 3.0, 4.0, 100.0]), torch.arange(0.0, 101.0).unsqueeze(1)
    errors = constants - values
    assert constants[errors.square().mean(dim=1).argmin()] == values.mean() == 22
    assert constants[errors.abs().mean(dim=1).argmin()] == values.median() == 3


def median_resists_outliers():
    """5 becomes 500: the optimum of L1, the median, stays at 3; that of MSE, the mean, goes from 3 to 102."""
    before, after = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]), torch.tensor([1.0, 2.0, 3.0, 4.0, 500.0])
    assert before.median() == after.median() == before.mean() == 3
    assert after.mean() == 102


def median_is_noisier_than_mean():
    """Under Gaussian noise the optimum of L1 varies about 1.25 times as much as that of MSE."""
    noise = torch.randn(4000, 101)
    assert 1.15 < noise.median(dim=1).values.std() / noise.mean(dim=1).std() < 1.35


def mse_and_l1_meet_at_one():
    """e squared is below |e| up to an error of 1 and above it beyond; the slopes 2e and 1 meet at 0.5."""
    errors = torch.tensor([0.25, 0.5, 1.0, 2.0])
    zeros = torch.zeros(4)
    l1, mse = (loss(errors, zeros, reduction="none") for loss in (F.l1_loss, F.mse_loss))
    assert (mse - l1).sign().tolist() == [-1, -1, 0, 1]
    slopes = [_gradient(loss, errors.tolist()) for loss in (F.mse_loss, F.l1_loss)]
    assert slopes == [[0.5, 1, 2, 4], [1, 1, 1, 1]]


def mse_gradient_follows_the_error():
    """Errors 0.1, 1, 10, 1000: the slope is twice the error, small near 0 and without bound."""
    assert_close(_gradient(F.mse_loss, [0.1, 1.0, 10.0, 1000.0]), [0.2, 2.0, 20.0, 2000.0])


def l1_gradient_is_a_sign():
    """The slope of L1 is -1 or +1 for every size of error, 0 at 0, and divided by n for the mean."""
    assert _gradient(F.l1_loss, [-100.0, -0.01, 0.0, 0.01, 100.0]) == [-1, -1, 0, 1, 1]
    x = torch.tensor([1.0, -2.0, 3.0, 4.0], requires_grad=True)
    nn.L1Loss()(x, torch.zeros(4)).backward()
    assert x.grad.tolist() == [0.25, -0.25, 0.25, 0.25]


def continuous_is_not_differentiable():
    """|x| has no jump at 0 but a kink: its slopes on both sides are -1 and 1; those of x squared meet."""
    h = 1e-6
    assert abs(-h) == abs(h) == h
    assert _gradient(F.l1_loss, [-h, h]) == [-1, 1]
    assert_close(_gradient(F.mse_loss, [-h, h]), [-2 * h, 2 * h])


def beta_is_a_setting():
    """beta is 1 by default; 0 makes plain L1."""
    assert nn.SmoothL1Loss().beta == 1
    assert F.smooth_l1_loss(PREDICTION, TARGET, beta=0.0) == F.l1_loss(PREDICTION, TARGET)


def smooth_l1_formula():
    """d^2 / (2 beta) below beta, |d| - beta/2 above it; below beta = 1 it is half of MSE."""
    d = torch.linspace(-4, 4, 81)
    for beta in (0.5, 1.0, 2.0):
        expected = [x * x / (2 * beta) if abs(x) < beta else abs(x) - beta / 2 for x in d.tolist()]
        assert_close(F.smooth_l1_loss(d, torch.zeros(81), reduction="none", beta=beta), torch.tensor(expected))
    small = torch.tensor([0.5]), torch.zeros(1)
    assert F.smooth_l1_loss(*small) == F.mse_loss(*small) / 2 == 0.125


def smooth_l1_is_huber_over_beta():
    """Smooth L1 with beta is Huber's function with delta = beta, divided by beta; PyTorch names Fast R-CNN."""
    d = torch.linspace(-4, 4, 81)
    for beta in (0.5, 1.0, 2.0):
        assert_close(F.smooth_l1_loss(d, 0 * d, beta=beta), F.huber_loss(d, 0 * d, delta=beta) / beta)
    assert "Fast R-CNN" in nn.SmoothL1Loss.__doc__


def smooth_l1_gradient_is_bounded():
    """The slope grows with the error up to 1 and stays there."""
    assert _gradient(F.smooth_l1_loss, [0.25, 0.5, 1.0, 10.0, 1e6]) == [0.25, 0.5, 1, 1, 1]
