"""Whole trainings that are right: watched as `lossbook watch` does, with model and optimizer too, nothing is said of them."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import lossbook
from lossbook.watching.watcher import FIRST, LATE, Watcher

from . import TORCH

STEPS = 10


def data():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(STEPS, 16, 4, generator=generator)
    return x, (x @ torch.tensor([1.0, -2.0, 0.5, 0.0])).unsqueeze(-1) + 0.1


def net(*last, outputs=1):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, outputs), *last)


def descend(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def metric_beside():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    yield model, optimizer
    for x, y in zip(*data(), strict=True):
        prediction = model(x)
        F.l1_loss(prediction, y)  # shown to the reader, never trained on
        descend(optimizer, F.mse_loss(prediction, y))


def baseline_and_validation():
    model, (xs, ys) = net(), data()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    yield model, optimizer
    F.mse_loss(ys.mean().expand_as(ys), ys)  # what the mean alone would give
    for x, y in zip(xs, ys, strict=True):
        model.train()
        descend(optimizer, F.mse_loss(model(x), y))
        model.eval()
        F.mse_loss(model(x), y)
        with torch.no_grad():
            F.mse_loss(model(x), y)
        F.mse_loss(model(x).detach(), y)


def accumulation():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    yield model, optimizer
    for i, (x, y) in enumerate(zip(*data(), strict=True)):
        (F.mse_loss(model(x), y) / 2).backward()
        if i % 2:
            optimizer.step()
            optimizer.zero_grad()


def lbfgs():
    model, (x, y) = net(), data()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3)
    yield model, optimizer

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)


def adversarial():
    generator, judge = net(outputs=4), net()
    of_generator = torch.optim.Adam(generator.parameters(), lr=1e-3)
    of_judge = torch.optim.Adam(judge.parameters(), lr=1e-3)
    yield None, None
    for x, _ in zip(*data(), strict=True):
        fake = generator(torch.randn_like(x))
        real_loss = F.binary_cross_entropy_with_logits(judge(x), torch.ones(16, 1))
        fake_loss = F.binary_cross_entropy_with_logits(judge(fake.detach()), torch.zeros(16, 1))
        descend(of_judge, real_loss + fake_loss)
        descend(of_generator, F.binary_cross_entropy_with_logits(judge(fake), torch.ones(16, 1)))


def moving_average_of_a_teacher():
    student = net()
    teacher = copy.deepcopy(student).requires_grad_(False)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.02)
    yield nn.ModuleList([student, teacher]), optimizer
    for x, y in zip(*data(), strict=True):
        prediction = student(x)
        descend(optimizer, F.mse_loss(prediction, y) + F.mse_loss(prediction, teacher(x + 0.1)))
        for mine, its in zip(teacher.parameters(), student.parameters(), strict=True):
            mine.lerp_(its.detach(), 0.1)


def teacher_that_is_not_frozen():
    student = net()
    teacher = copy.deepcopy(student)  # no gradient ever reaches it
    optimizer = torch.optim.SGD(student.parameters(), lr=0.02)
    yield nn.ModuleList([student, teacher]), optimizer
    for x, _ in zip(*data(), strict=True):
        with torch.no_grad():
            target = teacher(x + 0.1)
        descend(optimizer, F.mse_loss(student(x), target))
        with torch.no_grad():
            for mine, its in zip(teacher.parameters(), student.parameters(), strict=True):
                mine.lerp_(its, 0.1)


def two_losses_at_once():
    model, (xs, ys) = net(outputs=3), data()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    yield model, optimizer
    for x, y in zip(xs, ys, strict=True):
        out = model(x)
        labels = (y.squeeze(-1) > 0).long()
        descend(optimizer, F.cross_entropy(out[:, :2], labels) + 0.1 * F.smooth_l1_loss(out[:, 2:], y))


def autocast_and_scaler():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu")
    yield model, optimizer
    for x, y in zip(*data(), strict=True):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.mse_loss(model(x).float(), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()


def checkpointed():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    yield model, optimizer
    for x, y in zip(*data(), strict=True):
        hidden = checkpoint(model[:2], x, use_reentrant=False)
        descend(optimizer, F.mse_loss(model[2](hidden), y))


def recurrent_in_pieces():
    torch.manual_seed(0)
    cell, head = nn.GRU(4, 8, batch_first=True), nn.Linear(8, 1)
    model = nn.ModuleList([cell, head])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    yield model, optimizer
    hidden = None
    for x, y in zip(*data(), strict=True):
        out, hidden = cell(x.unsqueeze(0), hidden)
        descend(optimizer, F.mse_loss(head(out).squeeze(0), y))
        hidden = hidden.detach()


def frozen_backbone_warmed_up():
    model = net()
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.05)
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 5)
    yield model, optimizer
    for x, y in zip(*data(), strict=True):
        descend(optimizer, F.mse_loss(model(x), y))
        warmup.step()


def on_a_default_device():
    torch.set_default_device("cpu")  # a mode of torch: each loss comes by a second time
    try:
        model = net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        yield model, optimizer
        for x, y in zip(*data(), strict=True):
            descend(optimizer, F.mse_loss(model(x), y))
    finally:
        torch.set_default_device(None)


def penalty_on_the_gradient():
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    yield model, optimizer
    for x, y in zip(*data(), strict=True):
        x.requires_grad_()
        prediction = model(x)
        (slope,) = torch.autograd.grad(prediction.sum(), x, create_graph=True)
        descend(optimizer, F.mse_loss(prediction, y) + 0.1 * F.mse_loss(slope, torch.zeros_like(slope)))


def nested():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    yield model, optimizer
    for x, y in zip(*data(), strict=True):
        with lossbook.watch() as inner:
            loss = F.mse_loss(model(x), y)
        assert inner.report.loss == "mse_loss"
        descend(optimizer, loss + F.l1_loss(model(x), y))  # the outer one sees again


def two_models_by_one_function():
    yield None, None

    def train(model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for x, y in list(zip(*data(), strict=True))[:5]:
            descend(optimizer, F.mse_loss(model(x), y))

    train(net())
    train(net())


def whole_marks_of_fake_and_real():
    if TORCH < (2, 7):
        pytest.skip("mse_loss of torch 2.6 has no backward pass where the target holds integers.")
    maker, judge = net(outputs=4), net()
    of_maker, of_judge = (torch.optim.SGD(model.parameters(), lr=0.01) for model in (maker, judge))
    yield judge, of_judge
    for x, _ in zip(*data(), strict=True):
        made = maker(x)
        real = F.mse_loss(judge(x), torch.full((16, 1), 1))
        fake = F.mse_loss(judge(made.detach()), torch.full((16, 1), 0))
        descend(of_judge, real + fake)
        descend(of_maker, F.mse_loss(torch.full((16, 1), 1), judge(made)))


def counts_of_what_is_rare():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    yield model, optimizer
    for i, (x, _) in enumerate(zip(*data(), strict=True)):
        events = torch.zeros(16, 1, dtype=torch.int64)
        events[0] = i == 7
        descend(optimizer, F.l1_loss(model(x), events))


def target_first():
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    yield model, optimizer
    for x, y in zip(*data(), strict=True):
        descend(optimizer, F.mse_loss(y, model(x)))


def two_parts_in_turn():
    first, last = nn.Linear(4, 8), nn.Linear(8, 1)
    model = nn.Sequential(first, nn.ReLU(), last)
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.05) for part in (first, last)]
    yield model, optimizers[0]
    for i, (x, y) in enumerate(zip(*data(), strict=True)):
        turn = i // 2 % 2
        first.requires_grad_(not turn)
        last.requires_grad_(bool(turn))
        descend(optimizers[turn], F.mse_loss(model(x), y))


TRAININGS = [
    metric_beside, baseline_and_validation, accumulation, lbfgs, adversarial, moving_average_of_a_teacher, teacher_that_is_not_frozen,
    two_losses_at_once,
    autocast_and_scaler, checkpointed, recurrent_in_pieces, frozen_backbone_warmed_up, on_a_default_device,
    penalty_on_the_gradient, nested, two_models_by_one_function, whole_marks_of_fake_and_real,
    counts_of_what_is_rare, target_first, two_parts_in_turn,
]  # fmt: skip


@pytest.mark.parametrize("given", [False, True], ids=["losses alone", "with model and optimizer"])
@pytest.mark.parametrize("training", TRAININGS)
def test_a_right_training_is_not_remarked_on(training, given):
    run = training()
    model, optimizer = next(run)
    with lossbook.watch(**({"model": model, "optimizer": optimizer} if given else {})) as watched:
        assert next(run, None) is None
    assert not watched.report.findings, watched.report
    assert watched.report.loss  # something was watched
    assert not watched.report.notes


def test_under_a_mode_of_torch_a_call_is_looked_at_once(monkeypatch):
    looks = []
    monkeypatch.setattr(Watcher, "_look_at_call", lambda self, call, inner: looks.append(self.calls))
    x, y = (t[0] for t in data())
    with torch.device("cpu"), lossbook.watch():
        for _ in range(40):
            F.mse_loss(x[:, :1], y)
    assert looks == [*range(1, FIRST + 1), 32]


def _behind_detach(steps, warm, own_optimizers):
    """A head trained on features that are detached for a while; the report is not asked for."""
    torch.manual_seed(0)
    body, head, criterion = nn.Linear(4, 8), nn.Linear(8, 1), lossbook.watch(nn.MSELoss())
    parts = [body.parameters(), head.parameters()] if own_optimizers else [[*body.parameters(), *head.parameters()]]
    optimizers = [torch.optim.SGD(part, lr=0.01) for part in parts]
    for i in range(steps):
        x = torch.randn(8, 4)
        h = body(x).relu()
        loss = criterion(head(h if i >= warm else h.detach()), x[:, :1])
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    return criterion, optimizers


@pytest.mark.parametrize("own_optimizers", [False, True])
def test_a_part_that_waits_longer_than_one_looks_is_left_alone(own_optimizers, caplog):
    criterion, optimizers = _behind_detach(FIRST + 4, FIRST + 2, own_optimizers)
    assert not criterion.report.findings, criterion.report
    del optimizers
    criterion, _ = _behind_detach(2 * FIRST, FIRST + 4, own_optimizers)  # what moved was seen to, while it existed
    assert not criterion.report.findings, criterion.report
    assert not caplog.records


@pytest.mark.parametrize("own_optimizers", [False, True])
def test_a_part_that_waits_for_ever_is_told_of_while_it_trains(own_optimizers, caplog):
    _behind_detach(LATE - 1, LATE, own_optimizers)
    assert not caplog.records
    _behind_detach(LATE, LATE + 1, own_optimizers)
    assert "optimizer" in caplog.text
