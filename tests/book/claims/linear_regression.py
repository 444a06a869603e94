"""The training case: three points on y = 2x, a line, SGD with a learning rate of 0.01, 1000 epochs."""

from functools import cache

import torch
from matplotlib import pyplot as plt
from torch import Tensor, nn
from torch.testing import assert_close

from lossbook import functional as lf

X = torch.tensor([[1.0], [2.0], [3.0]])
Y = 2 * X


@cache
def _script(seed: int, epochs: int = 1000) -> tuple[list[float], list[str]]:
    """The losses of a run, and what it prints."""
    torch.manual_seed(seed)
    model, criterion = nn.Linear(1, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses, printed = [], []
    for epoch in range(epochs):
        loss = criterion(model(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if (epoch + 1) % 100 == 0:
            printed.append(f"Epoch [{epoch + 1}/{epochs}], Loss: {loss.item():.4f}")
    return losses, printed


@cache
def _runs(count: int = 1000, epochs: int = 1000, learning_rate: float = 0.01) -> tuple[Tensor, Tensor, Tensor]:
    """Many runs at once, from the starts of nn.Linear: losses (epochs, count), final weights and biases."""
    weight, bias = 2 * torch.rand(2, count, 1, generator=torch.Generator().manual_seed(0)).double() - 1
    x, y, losses = X.double().T, Y.double().T, []
    for _ in range(epochs):
        errors = weight * x + bias - y
        losses.append(errors.square().mean(dim=1))
        weight = weight - learning_rate * 2 * (errors * x).mean(dim=1, keepdim=True)
        bias = bias - learning_rate * 2 * errors.mean(dim=1, keepdim=True)
    return torch.stack(losses), weight, bias


def script_runs_and_prints_ten_lines():
    """1000 losses are kept and ten lines printed, the last for epoch 1000."""
    losses, printed = _script(0)
    assert len(losses) == 1000
    assert len(printed) == 10
    assert printed[-1].startswith("Epoch [1000/1000]")


def script_depends_on_its_seed():
    """Seed 0 ends with 0.0017; other seeds end with other numbers."""
    assert _script(0)[1][-1] == "Epoch [1000/1000], Loss: 0.0017"
    assert len({_script(seed, 100)[1][-1] for seed in (0, 1, 2)}) > 1


def line_fits_exactly():
    """The three points lie on y = 2x: least squares gives the weight 2 and the bias 0."""
    solution = torch.linalg.lstsq(torch.cat([X, torch.ones(3, 1)], dim=1), Y).solution
    assert_close(solution, torch.tensor([[2.0], [0.0]]), atol=1e-5, rtol=0)
    assert lf.mse_loss(2 * X, Y) == 0


def training_loss_never_rises():
    """From 1000 random starts the loss never rises in 1000 epochs."""
    losses, *_ = _runs()
    assert (losses[1:] <= losses[:-1]).all()


def weights_are_not_there_yet():
    """After 1000 epochs the loss is small, below 0.05, but most weights still miss 2 by over 0.01, up to 0.1."""
    losses, weight, _ = _runs()
    assert losses[-1].max() < 0.05 < losses[0].min()
    missed = (weight - 2).abs()
    assert 0.5 < (missed > 0.01).double().mean() < 0.95
    assert missed.max() < 0.1


def slow_direction_is_left_over():
    """The smaller eigenvalue, 0.24, leaves 9% of its part of the error after 1000 steps; with lr 0.1 nothing."""
    inputs = torch.cat([X, torch.ones(3, 1)], dim=1).double()
    slow, fast = torch.linalg.eigvalsh(2 / 3 * inputs.T @ inputs).tolist()
    assert 0.08 < (1 - 0.01 * slow) ** 1000 < 0.1
    assert (1 - 0.1 * slow) ** 1000 < 1e-9
    assert round(2 / fast, 3) == 0.18  # above it each step enlarges the fast part


def large_learning_rate_diverges():
    """The loss of 1000 starts falls with a learning rate of 0.179 and grows without bound with 0.2."""
    steady, *_ = _runs(epochs=200, learning_rate=0.179)
    assert (steady[-1] < steady[0]).all()
    diverging, *_ = _runs(epochs=50, learning_rate=0.2)
    assert (diverging[-1] > 100 * diverging[0]).all()


def full_batch_is_not_stochastic():
    """One step of optim.SGD is p minus lr times the gradient of all three points: twice the same start, one result."""
    results = set()
    for seed in (0, 1):
        torch.manual_seed(seed)
        model = nn.Linear(1, 1)
        nn.init.constant_(model.weight, 0.5)
        nn.init.constant_(model.bias, -0.25)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        nn.MSELoss()(model(X), Y).backward()
        optimizer.step()
        results.add((model.weight.item(), model.bias.item()))
    errors = 0.5 * X - 0.25 - Y
    expected = 0.5 - 0.01 * 2 * (errors * X).mean(), -0.25 - 0.01 * 2 * errors.mean()
    assert len(results) == 1
    assert_close(torch.tensor(*results), torch.tensor(expected))


def linear_model_has_two_parameters():
    """nn.Linear(1, 1): a weight and a bias."""
    assert [name for name, _ in nn.Linear(1, 1).named_parameters()] == ["weight", "bias"]
    assert sum(p.numel() for p in nn.Linear(1, 1).parameters()) == 2


def chart_has_its_axes():
    """Drawn over their epochs, the losses make a curve of 1000 points, high on the left and low on the right."""
    figure, axes = plt.subplots()
    [curve] = axes.plot(_script(0)[0])
    x, y = curve.get_data()
    plt.close(figure)
    assert list(x) == list(range(1000))
    assert y[0] == axes.dataLim.ymax > y[-1] == axes.dataLim.ymin


def curve_looks_flat_while_it_falls():
    """At epoch 30 the loss is below 1% of the first; from epoch 100 to 1000 it still falls over 50-fold."""
    middle = _runs()[0].median(dim=1).values
    assert middle[29] < 0.01 * middle[0]
    assert middle[999] < middle[99] / 50
