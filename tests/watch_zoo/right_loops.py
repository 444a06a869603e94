"""Right trainings whose loops look suspicious."""

import torch
from torch import nn

from . import STEPS, labelled, measured, network, suspicious, train


@suspicious
def linear_probe_of_optimizer(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y)

    return train(net[2], step)


@suspicious
def gradient_accumulation(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
    for i in range(STEPS):
        x, y = labelled()
        loss = criterion(net(x), y)
        (loss / 4).backward()
        if i % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.detach())
    return losses


@suspicious
def zero_grad_after_step(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
    for _ in range(STEPS):
        x, y = labelled()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        losses.append(loss.detach())
    return losses


@suspicious
def zero_grad_after_forward(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=0.01), []
    for _ in range(STEPS):
        x, y = labelled()
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def image_is_optimized(watch, wrong=False):
    net, criterion = network(), watch(nn.MSELoss())
    image, target = torch.randn(4, 8, requires_grad=True), torch.randn(4, 4)
    optimizer, losses = torch.optim.Adam([image], lr=0.1), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = criterion(net(image), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def mean_as_parameter(watch, wrong=False):
    criterion, mean = watch(nn.MSELoss()), nn.Parameter(torch.zeros(1))
    optimizer, losses = torch.optim.SGD([mean], lr=0.1), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = criterion(mean.expand(16), torch.randn(16) + 3)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def warm_up(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=1e-2), []
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 1_000_000)
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@suspicious
def second_order_closure(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    optimizer, losses = torch.optim.LBFGS(net.parameters(), max_iter=3), []
    for _ in range(3):
        x, y = measured()

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).detach())
    return losses


@suspicious
def two_optimizers(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizers, losses = [torch.optim.SGD(net[0].parameters(), 0.01), torch.optim.Adam(net[2].parameters(), 0.01)], []
    for _ in range(STEPS):
        x, y = labelled()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def teacher_in_no_optimizer(watch, wrong=False):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        return criterion(net(x).log_softmax(1), teacher(x).softmax(1))

    return train(net, step)


def _scheduled(name, make):
    def run(watch, wrong=False):
        net, criterion = network(), watch(nn.CrossEntropyLoss())
        optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
        schedule = make(optimizer)
        for _ in range(STEPS):
            x, y = labelled()
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        return losses

    run.__name__ = name
    return suspicious(run)


cosine_schedule = _scheduled("cosine_schedule", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS))


one_cycle = _scheduled("one_cycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=STEPS + 1))


linear_decay = _scheduled("linear_decay", lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.01, STEPS))


@suspicious
def clipped_gradients(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.1), []
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def two_losses_two_backwards(watch, wrong=False):
    net, criterion, losses = network(outputs=8), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(STEPS):
        x, y = labelled()
        out = net(x)
        optimizer.zero_grad()
        one, other = criterion(out[:, :4], y), criterion(out[:, 4:], y)
        one.backward(retain_graph=True)
        other.backward()
        optimizer.step()
        losses.append(one.detach())
    return losses


@suspicious
def loss_that_counts_later(watch, wrong=False):
    net, criterion, count = network(outputs=5), watch(nn.MSELoss()), iter(range(STEPS))

    def step():
        x, y = labelled()
        out = net(x)
        loss, other = nn.functional.cross_entropy(out[:, :4], y), criterion(out[:, 4], x[:, 0])
        return loss + other if next(count) > 4 else loss

    return train(net, step)
