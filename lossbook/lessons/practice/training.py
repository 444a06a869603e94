"""One network and one training loop, short enough to be read on a page."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset


def network(*sizes: int, seed: int = 0) -> nn.Sequential:
    """Linear layers of these sizes with ReLU between them, in float64; the seed decides the first weights.

    >>> network(64, 32, 10)
    Sequential(
      (0): Linear(in_features=64, out_features=32, bias=True)
      (1): ReLU()
      (2): Linear(in_features=32, out_features=10, bias=True)
    )
    """
    with torch.random.fork_rng(devices=[]):  # the page's own random numbers go on as they were
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(inputs, outputs, dtype=torch.float64), nn.ReLU()]
        return nn.Sequential(*layers[:-1])


def train(
    model: nn.Module,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    *,
    epochs: int,
    batch_size: int = 64,
    lr: float = 0.01,
    seed: int = 0,
    after_epoch: Callable[[], object] = lambda: None,
) -> list[float]:
    """Train a model in place with Adam, and return the mean loss of each epoch.

    Args:
        model: takes a batch of ``x``.
        loss_fn: takes what the model returns and a batch of ``y``, and returns their mean loss.
        x: inputs, (N, …).
        y: targets, (N, …).
        epochs: how often each sample is used.
        batch_size: samples a step.
        lr: the learning rate.
        seed: decides the order of the samples.
        after_epoch: is called after each epoch, in evaluation mode: measure there what the page is about.

    >>> x = torch.linspace(-1, 1, 64, dtype=torch.float64)[:, None]
    >>> losses = train(network(1, 1), nn.functional.mse_loss, x, 2 * x + 1, epochs=300, batch_size=16)
    >>> losses[-1] < 1e-6 < losses[0]
    True
    """
    order = torch.Generator().manual_seed(seed)
    rows = BatchSampler(RandomSampler(x, generator=order), batch_size, drop_last=False)
    # A batch is fetched at once. A DataLoader fetches sample by sample by default, which is slower.
    batches = DataLoader(TensorDataset(x, y), batch_size=None, sampler=rows, generator=order)
    optimizer = torch.optim.Adam(model.parameters(), lr)
    means = []
    for _epoch in range(epochs):
        model.train()
        total = 0.0
        for inputs, targets in batches:
            loss = loss_fn(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)  # the last batch is smaller, and counts for less
        means.append(total / len(x))
        model.eval()
        after_epoch()
    return means
