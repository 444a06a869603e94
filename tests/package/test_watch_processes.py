"""`watch` in two processes that train one model together."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import lossbook


def train(rank: int, folder: str, softmax: bool) -> None:
    """One of two processes: trains with and without watching, and stores what came of it."""
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    torch.distributed.init_process_group("gloo", f"file://{folder}/group", world_size=2, rank=rank)
    results = []
    watched = lossbook.watch(nn.CrossEntropyLoss())
    for criterion in (nn.CrossEntropyLoss(), watched):
        torch.manual_seed(0)
        layers = [nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3), *([nn.Softmax(1)] if softmax else [])]
        model = DistributedDataParallel(nn.Sequential(*layers))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        data = torch.Generator().manual_seed(rank)  # each process has batches of its own
        for _ in range(20):
            optimizer.zero_grad()
            x, y = torch.randn(8, 6, generator=data), torch.randint(3, (8,), generator=data)
            criterion(model(x), y).backward()
            optimizer.step()
        results.append([p.detach().clone() for p in model.parameters()])
    torch.save((*results, [finding.kind for finding in watched.report.findings]), Path(folder) / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("softmax", [True, False])
def test_two_processes_train_the_same_and_are_told_the_same(tmp_path, softmax):
    torch.multiprocessing.spawn(train, (str(tmp_path), softmax), nprocs=2)
    stored = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    for alone, watched, kinds in stored:
        assert all(torch.equal(a, b) for a, b in zip(alone, watched, strict=True))
        assert kinds == ["softmax-before-cross-entropy"] * softmax
    assert all(torch.equal(a, b) for a, b in zip(stored[0][1], stored[1][1], strict=True))
