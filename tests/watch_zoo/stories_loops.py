"""Faults as people report them, that show after a backward pass or in the loop."""

import torch
from torch import nn

from . import STEPS, fit, labelled, measured, network, train, twins


@twins("backward", "gradient-not-finite")
def own_distance_at_zero(watch, wrong):
    def contrast(a, b, same):
        d = (a - b).square().sum(1)
        d = d.sqrt() if wrong else (d + 1e-9).sqrt()
        return (same * d.square() + (1 - same) * (1 - d).clamp_min(0).square()).mean()

    net, criterion = nn.Linear(8, 4), watch(contrast)

    def step():
        x = torch.randn(12, 8)
        other = x.clone()
        other[4:] = torch.randn(8, 8)
        return criterion(net(x), net(other), (torch.arange(12) < 4).float())

    return train(net, step)


@twins("loop", "gradients-not-cleared")
def cleared_on_another_optimizer(watch, wrong):
    net, criterion, losses = network(outputs=1), watch(nn.MSELoss()), []
    optimizer, other = torch.optim.SGD(net.parameters(), lr=0.02), torch.optim.SGD(network().parameters(), lr=0.02)
    for _ in range(STEPS):
        x, y = measured()
        (other if wrong else optimizer).zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "other-parameters")
def model_copied_after_optimizer(watch, wrong):
    import copy

    net, criterion, losses = network(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    if wrong:
        net = copy.deepcopy(net)
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "parameters-missing")
def only_the_encoder_in_the_optimizer(watch, wrong):
    encoder, head, criterion, losses = nn.Linear(8, 8), nn.Linear(8, 4), watch(nn.CrossEntropyLoss()), []
    held = [*encoder.parameters()] if wrong else [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(held, lr=0.01)
    for _ in range(STEPS):
        x, y = labelled()
        encoder.zero_grad()
        head.zero_grad()
        loss = criterion(head(encoder(x).relu()), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "learning-rate-too-high")
def adam_with_rate_one(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    return fit(net, criterion, labelled, lr=1.0 if wrong else 0.01, optimizer=torch.optim.Adam)


@twins("loop", "learning-rate-too-high")
def classifier_with_rate_thousand(watch, wrong):
    net, criterion = nn.Linear(8, 4), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), torch.randint(4, (32,)))

    return train(net, step, lr=100.0 if wrong else 0.1)


@twins("loop", "learning-rate-too-high")
def summed_by_hand(watch, wrong):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss(reduction="none"))

    def step():
        x, y = measured(n=64)
        losses = criterion(net(x), y)
        return losses.sum() if wrong else losses.mean()

    return train(net, step, lr=0.1)


@twins("loop", "learning-rate-too-low")
def adam_with_rate_of_nothing(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    return fit(net, criterion, labelled, lr=1e-9 if wrong else 1e-3, optimizer=torch.optim.Adam)


@twins("backward", "dead-units")
def died_of_a_large_step(watch, wrong):
    net, criterion = network(outputs=1, hidden=8), watch(nn.MSELoss())
    if wrong:
        with torch.no_grad():
            net[0].weight.abs_().neg_()
            net[0].bias.sub_(1)

    def step():
        x, y = measured()
        return criterion(net(x.abs()), y)

    return train(net, step, lr=0.01)


# Right, though it looks wrong.
