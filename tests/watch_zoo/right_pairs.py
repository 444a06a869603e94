"""Right trainings in which several models, heads or losses meet: teachers, twins, towers, tasks."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, answered, labelled, network, suspicious, train


@suspicious
def detached_teacher(watch, wrong=False):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean", log_target=True))

    def step():
        x, _ = labelled()
        with torch.no_grad():
            target = teacher(x).log_softmax(1)
        return criterion(net(x).log_softmax(1), target)

    return train(net, step)


@suspicious
def momentum_contrast(watch, wrong=False):
    net, criterion = nn.Linear(8, 6), watch(F.cross_entropy)
    slow, queue = copy.deepcopy(net), F.normalize(torch.randn(32, 6), dim=1)

    def step():
        x = torch.randn(16, 8)
        q = F.normalize(net(x), dim=1)
        with torch.no_grad():
            k = F.normalize(slow(x), dim=1)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / 0.2
        return criterion(logits, torch.zeros(16, dtype=torch.long))

    return train(net, step)


@suspicious
def stop_gradient_twins(watch, wrong=False):
    net, head, criterion = nn.Linear(8, 6), nn.Linear(6, 6), watch(nn.CosineEmbeddingLoss())
    both = nn.ModuleList([net, head])

    def step():
        x = torch.randn(16, 8)
        return criterion(head(net(x)), net(x + 0.1).detach(), torch.ones(16))

    return train(both, step)


@suspicious
def twins_without_stop(watch, wrong=False):
    net, criterion = network(outputs=6), watch(nn.MSELoss())

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), net(x + 0.1))

    return train(net, step)


@suspicious
def recurrent_with_truncation(watch, wrong=False):
    net, head, criterion = nn.GRU(3, 8, batch_first=True), nn.Linear(8, 5), watch(nn.CrossEntropyLoss())
    both, state = nn.ModuleList([net, head]), [None]

    def step():
        out, hidden = net(torch.randn(4, 6, 3), state[0])
        state[0] = hidden.detach()
        return criterion(head(out).transpose(1, 2), torch.randint(5, (4, 6)))

    return train(both, step)


@suspicious
def regularized_by_dropout(watch, wrong=False):
    net, criterion = (
        nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.3), nn.Linear(16, 4)),
        watch(nn.KLDivLoss(reduction="batchmean")),
    )

    def step():
        x, y = labelled()
        one, other = net(x), net(x)
        return F.cross_entropy(one, y) + criterion(one.log_softmax(1), other.softmax(1))

    return train(net, step)


@suspicious
def two_towers(watch, wrong=False):
    net, other, criterion = network(outputs=6), network(outputs=6), watch(nn.MSELoss())
    both = nn.ModuleList([net, other])

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), other(x.flip(1)))

    return train(both, step)


@suspicious
def multi_task(watch, wrong=False):
    net, criterion, second = network(outputs=5), watch(nn.CrossEntropyLoss()), watch(nn.MSELoss())

    def step():
        x, y = labelled()
        out = net(x)
        return criterion(out[:, :4], y) + 0.1 * second(out[:, 4], x[:, 0])

    return train(net, step)


@suspicious
def heads_in_turn(watch, wrong=False):
    trunk, heads, criterion = (
        nn.Linear(8, 16),
        nn.ModuleList([nn.Linear(16, 4), nn.Linear(16, 4)]),
        watch(nn.CrossEntropyLoss()),
    )
    both, count = nn.ModuleList([trunk, heads]), iter(range(STEPS))

    def step():
        x, y = labelled()
        return criterion(heads[next(count) % 2](trunk(x).relu()), y)

    return train(both, step)


@suspicious
def adapted_domain(watch, wrong=False):
    class Reverse(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, gradient):
            return -0.1 * gradient

    trunk, domain, criterion = nn.Linear(8, 8), nn.Linear(8, 1), watch(nn.BCEWithLogitsLoss())
    both = nn.ModuleList([trunk, domain])

    def step():
        x, y = answered()
        return criterion(domain(Reverse.apply(trunk(x).tanh())), y)

    return train(both, step)


@suspicious
def average_of_a_teacher(watch, wrong=False):
    net, criterion = network(), watch(nn.KLDivLoss(reduction="batchmean"))
    slow = copy.deepcopy(net).requires_grad_(False)

    def step():
        x, y = labelled()
        for p, q in zip(slow.parameters(), net.parameters(), strict=True):
            p.mul_(0.9).add_(0.1 * q.detach())
        out = net(x)
        return F.cross_entropy(out, y) + criterion(out.log_softmax(1), slow(x).softmax(1))

    return train(net, step)
