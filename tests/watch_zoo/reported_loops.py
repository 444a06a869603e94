"""Faults as they stand in questions and bug reports, in the loop."""

import torch
from torch import nn

from . import STEPS, fit, train, twins
from .reported import Tagger, convolutional, mlp, photographs, tabular


@twins("loop", "other-parameters")
def state_assigned_behind_the_optimizer(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    stored = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    net.load_state_dict(stored, assign=wrong)
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "never-stepped")
def schedule_steps_alone(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        if not wrong:
            optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "gradients-not-cleared")
def tagger_never_cleared(watch, wrong):
    net, criterion, losses = Tagger(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        tokens = torch.randint(40, (8, 9))
        loss = criterion(net(tokens).flatten(0, 1), (tokens % 6).flatten())
        loss.backward()
        optimizer.step()
        if not wrong:
            net.zero_grad()
        losses.append(loss.detach())
    return losses


@twins("loop", "learning-rate-too-high")
def momentum_with_rate_of_ten(watch, wrong):
    rate = 10.0 if wrong else 0.05
    return fit(
        mlp(5, 1), watch(nn.MSELoss()), tabular, optimizer=lambda p, lr: torch.optim.SGD(p, lr=rate, momentum=0.9)
    )


@twins("loop", "learning-rate-too-high")
def sum_over_the_pixels(watch, wrong):
    net, criterion = nn.Conv2d(3, 3, 3, padding=1), watch(nn.MSELoss(reduction="sum" if wrong else "mean"))
    return fit(net, criterion, lambda: (lambda x, y: (x, x.flip(1)))(*photographs()), lr=0.05)


@twins("loop", "graph-of-earlier-batch")
def state_of_an_lstm_carried_on(watch, wrong):
    body, head, criterion = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 1), watch(nn.MSELoss())
    both, state, losses = nn.ModuleList([body, head]), None, []
    optimizer = torch.optim.SGD(both.parameters(), lr=0.01)
    for _ in range(STEPS):
        x = torch.randn(5, 7, 4)
        out, state = body(x, state)
        loss = criterion(head(out[:, -1]), x.mean((1, 2))[:, None])
        optimizer.zero_grad()
        try:
            loss.backward(retain_graph=wrong)
        except RuntimeError:
            break
        optimizer.step()
        state = state if wrong else tuple(s.detach() for s in state)
        losses.append(loss.detach())
    return losses


@twins("loop", "gradients-clipped-away")
def clipped_to_a_millionth(watch, wrong):
    net, criterion, losses = convolutional(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(STEPS):
        x, y = photographs()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1e-6 if wrong else 5.0)
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "batches-in-order")
def folder_by_folder(watch, wrong):
    from torch.utils.data import DataLoader, TensorDataset

    y = torch.arange(4).repeat_interleave(24)
    data = TensorDataset(torch.randn(96, 5) + y[:, None], y)
    net, criterion, losses = mlp(5, 4), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for x, target in DataLoader(data, batch_size=12, shuffle=not wrong):
        optimizer.zero_grad()
        loss = criterion(net(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "weight-decay-wins")
def decay_instead_of_rate(watch, wrong):
    return fit(
        mlp(5, 1),
        watch(nn.MSELoss()),
        tabular,
        optimizer=lambda p, lr: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1.0 if wrong else 1e-4),
    )


@twins("loop", "triplets-turned-round")
def negative_before_positive(watch, wrong):
    net, criterion = convolutional(8), watch(nn.TripletMarginLoss(margin=0.5))

    def step():
        (a, _), (n, _) = photographs(8), photographs(8)
        near = a + 0.02 * torch.randn_like(a)
        return criterion(net(a), net(n), net(near)) if wrong else criterion(net(a), net(near), net(n))

    return train(net, step, lr=0.005)


@twins("loop", "triplets-too-easy")
def negatives_of_another_world(watch, wrong):
    net, criterion = nn.Linear(5, 4), watch(nn.TripletMarginLoss())

    def step():
        a = torch.randn(20, 5)
        return criterion(net(a), net(a + 0.05), net(a * 0 + 25 if wrong else torch.randn(20, 5)))

    return train(net, step)


@twins("loop", "learning-rate-vanishes")
def decayed_after_each_batch(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2, 3, 4] if wrong else [30, 60], gamma=0.1)
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "optimizer-built-anew")
def optimizer_within_the_step(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    kept = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(STEPS):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9) if wrong else kept
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "parameters-missing")
def heads_in_a_dictionary(watch, wrong):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            heads = {"value": nn.Linear(8, 1)}
            self.body, self.heads = nn.Linear(5, 8), heads if wrong else nn.ModuleDict(heads)

        def forward(self, x):
            return self.heads["value"](self.body(x).relu())

    return fit(Model(), watch(nn.MSELoss()), tabular)


@twins("loop", "step-before-backward")
def step_in_front(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    for _ in range(STEPS):
        x, y = tabular()
        loss = criterion(net(x), y)
        if wrong:
            optimizer.zero_grad()
            optimizer.step()
            loss.backward()
        else:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "model-built-anew")
def model_made_for_each_batch(watch, wrong):
    kept, criterion, losses = mlp(5, 1), watch(nn.L1Loss()), []
    for _ in range(STEPS):
        net = mlp(5, 1) if wrong else kept
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
        x, y = tabular()
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses
