"""Faults of the loop: the order of its steps, what the optimizer holds, the learning rate."""

import torch
from torch import nn

from . import STEPS, fit, labelled, measured, network, train, twins


def _loop(name, kind, body, make=lambda net: torch.optim.SGD(net.parameters(), lr=0.05)):
    def run(watch, wrong):
        net, criterion = network(), watch(nn.CrossEntropyLoss())
        optimizer, losses = make(net), []
        for _ in range(STEPS):
            x, y = labelled()
            losses.append(body(net, criterion, optimizer, x, y, wrong))
        return losses

    run.__name__ = name
    return twins("loop", *([kind] if isinstance(kind, str) else kind))(run)


def _no_zero_grad(net, criterion, optimizer, x, y, wrong):
    if not wrong:
        optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _cleared(net, criterion, optimizer, x, y, wrong):
    if not wrong:
        optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    if wrong:
        optimizer.zero_grad()
    optimizer.step()
    return loss.detach()


def _step_first(net, criterion, optimizer, x, y, wrong):
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    if wrong:
        optimizer.step()
    loss.backward()
    if not wrong:
        optimizer.step()
    return loss.detach()


def _no_step(net, criterion, optimizer, x, y, wrong):
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    if not wrong:
        optimizer.step()
    return loss.detach()


no_zero_grad = _loop("no_zero_grad", "gradients-not-cleared", _no_zero_grad)


no_zero_grad_adam = _loop(
    "no_zero_grad_adam", "gradients-not-cleared", _no_zero_grad, lambda net: torch.optim.Adam(net.parameters())
)


cleared_before_step = _loop("cleared_before_step", "cleared-before-step", _cleared)


step_before_backward = _loop("step_before_backward", "step-before-backward", _step_first)


no_step = _loop("no_step", "never-stepped", _no_step)


@twins("loop", "step-before-backward")
def step_with_old_gradient(watch, wrong):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.01), []
    for _ in range(STEPS):
        x, y = measured()
        loss = criterion(net(x), y)
        if wrong:
            optimizer.step()
        optimizer.zero_grad()
        loss.backward()
        if not wrong:
            optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "other-parameters")
def optimizer_of_another_model(watch, wrong):
    net, other, criterion = network(), network(), watch(nn.CrossEntropyLoss())
    return fit(net, criterion, labelled, optimizer=torch.optim.SGD((other if wrong else net).parameters(), lr=0.05))


@twins("loop", "parameters-missing")
def head_replaced_after_optimizer(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    if not wrong:
        net[2] = nn.Linear(16, 4)
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
    if wrong:
        net[2] = nn.Linear(16, 4)
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


class _Listed(nn.Module):
    def __init__(self, plain):
        super().__init__()
        layers = [nn.Linear(8, 8) for _ in range(3)]
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 4)
        self.layers = layers if plain else nn.ModuleList(layers)

    def forward(self, x):
        x = self.first(x)
        for layer in self.layers:
            x = layer(x).relu()
        return self.last(x)


@twins("loop", "parameters-missing")
def layers_in_a_list(watch, wrong):
    net, criterion = _Listed(wrong), watch(nn.CrossEntropyLoss())

    return fit(net, criterion, labelled)


@twins("loop", "learning-rate-too-high")
def rate_diverges(watch, wrong):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())

    return fit(net, criterion, measured, lr=3.0 if wrong else 0.05)


@twins("loop", "learning-rate-too-high")
def rate_of_adam_diverges(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    return fit(net, criterion, measured, lr=2.0 if wrong else 0.01, optimizer=torch.optim.Adam)


@twins("loop", "learning-rate-too-high")
def sum_with_the_rate_of_a_mean(watch, wrong):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss(reduction="sum" if wrong else "mean"))

    return fit(net, criterion, measured, lr=0.1)


@twins("loop", "learning-rate-too-low")
def rate_far_too_low(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    return fit(net, criterion, labelled, lr=1e-8 if wrong else 0.05)


@twins("loop", "learning-rate-zero")
def rate_scheduled_to_zero(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.0 if wrong else 0.9)
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "collapsed-embeddings")
def embeddings_collapse(watch, wrong):
    net, criterion = nn.Linear(8, 4), watch(nn.TripletMarginLoss())
    if wrong:
        nn.init.constant_(net.weight, 1e-6)

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), net(x + 0.1), net(torch.randn(16, 8)))

    return train(net, step, lr=1e-4)


@twins("loop", "graph-of-earlier-batch")
def hidden_state_not_detached(watch, wrong):
    net, head, criterion = nn.RNNCell(3, 8), nn.Linear(8, 2), watch(nn.MSELoss())
    both, hidden = nn.ModuleList([net, head]), [torch.zeros(4, 8)]

    def step():
        hidden[0] = net(torch.randn(4, 3), hidden[0] if wrong else hidden[0].detach())
        return criterion(head(hidden[0]), torch.zeros(4, 2))

    return train(both, step)


@twins("loop", "graph-of-earlier-batch")
def fake_not_detached(watch, wrong):
    maker, judge, criterion = network(8, 8), network(8, 1), watch(nn.BCEWithLogitsLoss())
    of_maker, of_judge, losses = torch.optim.Adam(maker.parameters()), torch.optim.Adam(judge.parameters()), []
    for _ in range(STEPS):
        fake = maker(torch.randn(16, 8))
        of_judge.zero_grad()
        loss = criterion(judge(fake if wrong else fake.detach()), torch.zeros(16, 1))
        loss.backward()
        of_judge.step()
        of_maker.zero_grad()
        loss = criterion(judge(fake), torch.ones(16, 1))
        loss.backward()
        of_maker.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "loss-maximized")
def optimizer_maximizes(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())
    return fit(net, criterion, measured, optimizer=torch.optim.SGD(net.parameters(), lr=0.01, maximize=wrong))


@twins("loop", "learning-rate-vanishes")
def scheduled_away(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.1), []
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1 if wrong else 0.95)
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "optimizer-built-anew")
def optimizer_in_the_loop(watch, wrong):
    net, criterion, losses = network(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        if wrong:
            optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "model-built-anew")
def model_in_the_loop(watch, wrong):
    net, criterion, losses = network(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        if wrong:
            net = network()
            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "gradients-clipped-away")
def clipped_to_nothing(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.1), []
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1e-6 if wrong else 1.0)
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "learning-rate-too-high", "parameters-not-finite")
def rate_ends_in_nan(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    return fit(net, criterion, measured, lr=1e6 if wrong else 0.05)
