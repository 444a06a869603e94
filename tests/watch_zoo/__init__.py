"""Trainings to try `lossbook.watch` on: wrong ones, each with its repaired twin, and right ones that look suspicious.

Each file holds one family. A training is a function of `watch`, which wraps the criterion and nothing else, and of
`wrong`, which tells the twins apart; it returns the losses of its steps. Half of them, chosen by the hash of their name,
were open while the rules were written; on the other half they are measured.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

STEPS = 8


@dataclass(frozen=True)
class Script:
    """A small training."""

    name: str
    run: Callable[..., list[Tensor]]
    kinds: tuple[str, ...] = ()  #: the findings that are a right diagnosis; none for a training that is right
    where: str = ""  #: where the fault can be seen: call, graph, backward, loop

    @property
    def held_back(self) -> bool:
        """Whether it belongs to the half on which the rules are measured."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


WRONG: list[Script] = []
SUSPICIOUS: list[Script] = []


def twins(where: str, *kinds: str):
    """Enter a wrong training and its right twin."""

    def enter(run: Callable) -> Callable:
        WRONG.append(Script(run.__name__, run, kinds, where))
        return run

    return enter


def suspicious(run: Callable) -> Callable:
    """Enter a right training that looks wrong."""
    SUSPICIOUS.append(Script(run.__name__, run))
    return run


def network(inputs: int = 8, outputs: int = 4, hidden: int = 16) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


_RULE = torch.randn(8, 8, generator=torch.Generator().manual_seed(7))


def labelled(classes: int = 4, n: int = 32) -> tuple[Tensor, Tensor]:
    """Inputs (n, 8), and the class of each, 0 … classes − 1: something that can be learned."""
    x = torch.randn(n, 8)
    return x, (x @ _RULE)[:, :classes].argmax(1)


def measured(columns: int = 1, n: int = 32) -> tuple[Tensor, Tensor]:
    """Inputs (n, 8) and numbers (n, columns) that depend on them."""
    x = torch.randn(n, 8)
    return x, x @ _RULE[:, :columns] / 3 + 0.05 * torch.randn(n, columns)


def answered(columns: int = 1, n: int = 32) -> tuple[Tensor, Tensor]:
    """Inputs (n, 8) and answers of yes and no, 1 and 0, of shape (n, columns)."""
    x, y = measured(columns, n)
    return x, (y > 0).float()


def train(
    model: nn.Module,
    loss_of: Callable[[], Tensor],
    lr: float = 0.05,
    optimizer: Callable | torch.optim.Optimizer = torch.optim.SGD,
) -> list[Tensor]:
    """Train as one should: eight steps, each with a batch of its own. An optimizer that is made already is taken as it is."""
    steps = optimizer if isinstance(optimizer, torch.optim.Optimizer) else optimizer(model.parameters(), lr=lr)
    losses = []
    for _ in range(STEPS):
        steps.zero_grad()
        loss = loss_of()
        loss.backward()
        steps.step()
        losses.append(loss.detach().clone())
    return losses


def fit(net: nn.Module, criterion: Callable, data: Callable, **training: Any) -> list[Tensor]:
    """Train `net` on the inputs and targets of `data`, with nothing between its output and the criterion."""

    def step() -> Tensor:
        x, y = data()
        return criterion(net(x), y)

    return train(net, step, **training)


for module in pkgutil.iter_modules(__path__):
    if not module.name.startswith("test_"):  # the tests read the full lists
        importlib.import_module(f"{__name__}.{module.name}")
