"""The steps of training: what moves the weights, what happens to gradients, what a small loss is worth."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

X = torch.tensor([[1.0], [2.0], [3.0]])


def loss_moves_no_weight():
    """The weight is the same after the loss and after backward; the optimizer's step changes it."""
    model = nn.Linear(1, 1)
    optimizer, before = torch.optim.SGD(model.parameters(), lr=0.1), model.weight.item()
    loss = F.mse_loss(model(X), X + 5)
    assert model.weight.item() == before
    loss.backward()
    assert model.weight.item() == before
    optimizer.step()
    assert model.weight.item() != before


def backward_moves_nothing():
    """For p squared at p = 1, backward gives the gradient 2 and leaves p; the step then makes it smaller."""
    p = torch.tensor(1.0, requires_grad=True)
    p.square().backward()
    assert (p.item(), p.grad.item()) == (1, 2)
    torch.optim.SGD([p], lr=0.1).step()
    assert_close(p.detach(), torch.tensor(0.8))


def three_calls_make_one_step():
    """zero_grad, backward, step: p becomes p - lr times the gradient, and an old gradient counts for nothing."""
    p = torch.tensor(3.0, requires_grad=True)
    p.grad = torch.tensor(100.0)
    optimizer, loss = torch.optim.SGD([p], lr=0.1), p.square()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    assert_close(p.detach(), torch.tensor(3 - 0.1 * 6))


def loss_is_one_number_with_a_graph():
    """Four samples in, four predictions out, one loss that leads back to the weights."""
    model, x, y_true = nn.Linear(2, 1), torch.randn(4, 2), torch.randn(4, 1)
    y_pred = model(x)
    loss = nn.MSELoss()(y_pred, y_true)
    assert y_pred.shape == y_true.shape
    assert loss.shape == ()
    loss.backward()
    assert model.weight.grad.shape == model.weight.shape


def five_steps_fit_a_line():
    """Predict, loss, zero, backward, step, 200 times with MSE: y = -x is found."""
    x, model = torch.linspace(-3, 3, 20).unsqueeze(1), nn.Linear(1, 1)
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.05), []
    for _ in range(200):
        loss = nn.MSELoss()(model(x), -x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 1e-6 < losses[0]
    assert_close(model.weight.detach(), torch.tensor([[-1.0]]), atol=1e-3, rtol=0)


def optimizer_is_an_object():
    """torch.optim.SGD makes an object that knows the parameters it is to move."""
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in model.parameters()]


def gradients_accumulate():
    """Two backward passes without zeroing add up."""
    p = torch.tensor(1.0, requires_grad=True)
    for expected in (3, 6):
        (3 * p).backward()
        assert p.grad == expected


def half_batches_add_up_to_the_batch():
    """Two halves, each with half the weight, give the gradient of the whole batch: accumulation on purpose."""
    x, y, model = torch.randn(8, 3), torch.randn(8, 1), nn.Linear(3, 1)
    F.mse_loss(model(x), y).backward()
    whole = model.weight.grad.clone()
    model.zero_grad()
    for half in (slice(0, 4), slice(4, 8)):
        (F.mse_loss(model(x[half]), y[half]) / 2).backward()
    assert_close(model.weight.grad, whole)


def zero_grad_sets_none():
    """By default the gradient is None afterwards; only set_to_none=False makes it 0."""
    p = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    p.square().backward()
    optimizer.zero_grad(set_to_none=False)
    assert p.grad == 0
    optimizer.zero_grad()
    assert p.grad is None


def zeroing_before_backward_suffices():
    """At the start of the iteration or after the forward pass: the same weight; never: another."""
    weights = []
    for place in ("start", "after the forward pass", "never"):
        torch.manual_seed(0)
        model = nn.Linear(1, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(5):
            if place == "start":
                optimizer.zero_grad()
            loss = F.mse_loss(model(X), 2 * X)
            if place == "after the forward pass":
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        weights.append(model.weight.item())
    assert weights[0] == weights[1] != weights[2]


def lower_loss_lower_accuracy():
    """Two sure and right, one narrowly wrong: less loss than three narrowly right."""
    sure, narrow = torch.tensor([0.49, 0.99, 0.99]), torch.tensor([0.51, 0.51, 0.51])  # of the true class
    assert -sure.log().mean() < -narrow.log().mean()
    assert (sure > 0.5).sum() < (narrow > 0.5).sum()


def _polynomial(x, y, degree: int):
    """The polynomial of least squares, as a function."""
    powers = torch.arange(degree + 1)
    coefficients = torch.linalg.lstsq(x.unsqueeze(1) ** powers, y.unsqueeze(1)).solution
    return lambda at: (at.unsqueeze(1) ** powers @ coefficients).squeeze(1)


def lower_training_loss_higher_test_loss():
    """Degree 5 hits six noisy points of a line that degree 1 misses, and does worse between them."""
    x = torch.arange(6.0).double()
    y = x + torch.tensor([0.2, -0.3, 0.3, -0.3, 0.3, -0.2]).double()
    between = x[:-1] + 0.5
    line, curve = (_polynomial(x, y, degree) for degree in (1, 5))
    assert F.mse_loss(curve(x), y) < 1e-6 < 0.01 < F.mse_loss(line(x), y)
    assert F.mse_loss(curve(between), between) > F.mse_loss(line(between), between)


def low_error_is_not_robustness():
    """A fit of the sine with tiny errors on its interval, at new points too, is far off outside of it."""
    x = torch.linspace(0, 1, 50).double()
    fit = _polynomial(x, (2 * x).sin(), 5)
    for points, close in ((x, True), (x[:-1] + 0.01, True), (x + 3, False)):
        error = F.mse_loss(fit(points), (2 * points).sin())
        assert error < 1e-6 if close else error > 1


def noise_leaves_a_floor():
    """The best line through data with noise of variance 0.25 has an MSE of about 0.25, not 0."""
    x = torch.rand(2000)
    y = 2 * x + 0.5 * torch.randn(2000)
    assert 0.2 < F.mse_loss(_polynomial(x, y, 1)(x), y) < 0.3


def losses_descend_at_different_speeds():
    """From 5 to 0.05 with one learning rate: MSE needs the fewest steps, then L1, then Smooth L1."""

    def steps(loss) -> int:
        p, taken = torch.tensor([5.0], requires_grad=True), 0
        optimizer = torch.optim.SGD([p], lr=0.1)
        while p.abs() > 0.05 and taken < 1000:
            optimizer.zero_grad()
            loss(p, torch.zeros(1)).backward()
            optimizer.step()
            taken += 1
        return taken

    assert 10 < steps(F.mse_loss) < steps(F.l1_loss) < steps(F.smooth_l1_loss) < 100


def nearest_neighbor_needs_no_loss():
    """It answers with the label of the closest example: no loss, no gradient, no parameter."""
    examples, labels = torch.tensor([0.0, 1.0]), ["a", "b"]
    assert [labels[(examples - x).abs().argmin()] for x in (0.2, 0.9)] == ["a", "b"]


def any_differentiable_expression_is_a_loss():
    """One that nobody ships: it gives one number, and its gradient is the formula's."""
    p = torch.randn(4, requires_grad=True)
    loss = (p - 1).abs().pow(1.5).mean()
    loss.backward()
    assert_close(p.grad, 1.5 * (p - 1).abs().sqrt().mul((p - 1).sign()).detach() / 4)
