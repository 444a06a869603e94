"""One data point, (-3, 3), and a line through the origin: the experiment of the Vietnamese article."""

import torch
from torch.testing import assert_close

from lossbook import functional as lf

X, Y = torch.tensor([-3.0]), torch.tensor([3.0])


def signed_error_is_no_loss():
    """True value 3, predictions 3, 10 and 100: the difference 0, -7, -97 falls as they get worse, its square rises."""
    errors = 3 - torch.tensor([3.0, 10.0, 100.0])
    assert errors.tolist() == sorted(errors.tolist(), reverse=True)
    assert errors.square().tolist() == [0, 49, 97**2]


def every_point_has_many_lines():
    """Each slope A has a bias, 3 + 3A, that leads its line through the point; bias 0 leaves A = -1."""
    slopes = torch.tensor([-5.0, -1.0, 0.0, 2.5])
    assert (slopes * X + (3 + 3 * slopes) == Y).all()
    assert slopes[slopes * X == Y].tolist() == [-1]


def table_of_one_point():
    """A = -3, -2, -1, 0, 1 costs 36, 9, 0, 9, 36, which is (3 + 3A) squared: a parabola with its minimum at -1."""
    slopes = torch.tensor([-3.0, -2.0, -1.0, 0.0, 1.0])
    losses = torch.stack([lf.mse_loss(a * X, Y) for a in slopes])
    assert losses.tolist() == ((3 + 3 * slopes) ** 2).tolist() == [36, 9, 0, 9, 36]
    fine = torch.arange(-300, 101) / 100
    assert fine[((3 + 3 * fine) ** 2).argmin()] == -1


def descent_finds_the_slope():
    """Each step multiplies A + 1 by 1 - 18 lr: below lr = 1/9 it gets to -1, above it runs away."""
    for learning_rate, arrives in ((0.02, True), (0.11, True), (0.12, False)):
        slope = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([slope], lr=learning_rate)
        for step in range(1, 501):
            optimizer.zero_grad()
            lf.mse_loss(slope * X, Y).backward()
            optimizer.step()
            if step == 3:
                assert_close(slope.item() + 1, (1 - 18 * learning_rate) ** 3, atol=1e-5, rtol=0)
        assert (abs(slope.item() + 1) < 1e-3) == arrives
