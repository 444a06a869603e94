"""Faults that show after a backward pass: gradients that are cut, zero, not finite, or of the wrong sign."""

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, answered, fit, labelled, measured, network, train, twins


@twins("graph", "loss-made-a-leaf", "prediction-without-gradient")
def argmax_then_requires_grad(watch, wrong):
    net, criterion = network(), watch(nn.L1Loss() if wrong else nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        if wrong:
            return criterion(net(x).argmax(1).float(), y.float()).requires_grad_()
        return criterion(net(x), y)

    return train(net, step)


@twins("graph", "loss-made-a-leaf", "prediction-without-gradient")
def forward_under_no_grad(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        with torch.set_grad_enabled(not wrong):
            out = net(x)
        loss = criterion(out, y)
        return loss.requires_grad_() if wrong else loss

    return train(net, step)


@twins("graph", "prediction-is-a-new-leaf")
def prediction_wrapped_anew(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(torch.tensor(out.tolist(), requires_grad=True) if wrong else out, y)

    return train(net, step)


@twins("graph", "loss-without-gradient")
def own_loss_detaches(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: ((out.detach() if wrong else out) - y).square().mean())

    def step():
        x, y = measured()
        loss = criterion(net(x), y)
        return loss.requires_grad_() if wrong else loss

    return train(net, step)


@twins("graph", "loss-without-gradient")
def own_loss_returns_a_number(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: (out - y).square().mean().item() if wrong else (out - y).square().mean())

    def step():
        x, y = measured()
        loss = criterion(net(x), y)
        return torch.tensor(loss, requires_grad=True) if wrong else loss

    return train(net, step)


@twins("backward", "backward-never-arrives")
def backward_on_a_copy(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        loss = criterion(net(x), y)
        return torch.tensor(loss.item(), requires_grad=True) if wrong else loss

    return train(net, step)


@twins("backward", "backward-never-arrives", "step-before-backward")
def no_backward(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())
    optimizer, losses = torch.optim.Adam(net.parameters()), []
    for _ in range(STEPS):
        x, y = measured()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        if not wrong:
            loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("backward", "gradient-not-finite")
def root_at_zero(watch, wrong):
    net = nn.Linear(8, 1)
    criterion = watch(lambda out, y: ((out - y).square() + (0 if wrong else 1e-8)).sqrt().mean())

    def step():
        x, y = measured()
        out = net(x)
        y[0] = out[0].detach()
        return criterion(out, y)

    return train(net, step)


@twins("backward", "gradient-not-finite")
def norm_at_zero(watch, wrong):
    net, criterion = nn.Linear(8, 4, bias=False), watch(nn.MSELoss())

    def step():
        x, y = measured()
        x[0] = 0
        z = net(x)
        length = (z.square().sum(1, keepdim=True) + (0 if wrong else 1e-8)).sqrt()
        return criterion(length, y.abs())

    return train(net, step)


@twins("backward", "gradient-zero")
def own_loss_rounds(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: ((out.round() if wrong else out) - y).square().mean())

    return fit(net, criterion, measured)


@twins("backward", "loss-maximized")
def sign_turned(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        loss = criterion(net(x), y)
        return -loss if wrong else loss

    return train(net, step, lr=0.01)


@twins("backward", "gradient-vanishes")
def deep_sigmoids(watch, wrong):
    layers = [nn.Sequential(nn.Linear(8, 8), nn.Sigmoid() if wrong else nn.ReLU()) for _ in range(10)]
    net, criterion = nn.Sequential(*layers, nn.Linear(8, 1)), watch(nn.MSELoss())
    if not wrong:
        for layer in layers:
            nn.init.kaiming_normal_(layer[0].weight)

    return fit(net, criterion, measured)


@twins("backward", "dead-units")
def dead_relus(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())
    if wrong:
        nn.init.constant_(net[0].bias, -50.0)

    return fit(net, criterion, measured)


@twins("backward", "weights-all-equal")
def all_weights_zero(watch, wrong):
    net, criterion = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4)), watch(nn.CrossEntropyLoss())
    if wrong:
        for p in net.parameters():
            nn.init.zeros_(p)

    return fit(net, criterion, labelled)


@twins("backward", "graph-of-earlier-loss")
def sum_of_losses_so_far(watch, wrong):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    optimizer, losses, total = torch.optim.SGD(net.parameters(), lr=0.01), [], 0.0
    for _ in range(STEPS):
        x, y = measured()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        if wrong:
            total = total + loss
            total.backward(retain_graph=True)
        else:
            loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("graph", "parameters-unreached")
def detached_in_the_middle(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        hidden = net[1](net[0](x))
        return criterion(net[2](hidden.detach() if wrong else hidden), y)

    return train(net, step)


@twins("backward", "clamped-probabilities", "dead-units", "prediction-constant", "gradient-lost-in-model")
def clamped_output_dead(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCELoss())

    def step():
        x, y = answered()
        out = net(x)
        return criterion((out + (50 if wrong else 0)).clamp(1e-3, 1 - 1e-3) if wrong else out.sigmoid(), y)

    return train(net, step)


@twins("backward", "loss-not-reduced")
def not_reduced(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss(reduction="none" if wrong else "mean"))

    return fit(net, criterion, measured)


@twins("backward", "changed-in-place")
def prediction_changed_in_place(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        out = net(x)
        loss = criterion(out, y)
        if wrong:
            out.mul_(2)
        return loss

    return train(net, step)


@twins("backward", "loss-constant", "gradient-zero")
def all_scores_alike(watch, wrong):
    net = network()
    criterion = watch(lambda out, y: F.cross_entropy(out * 0 if wrong else out, y))

    return fit(net, criterion, labelled)


@twins("backward", "prediction-constant")
def data_all_the_same(watch, wrong):
    net, criterion = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4)), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x * 0 if wrong else x), y)

    return train(net, step)


@twins("backward", "saturated-units", "inputs-not-scaled")
def saturated_hidden_layer(watch, wrong):
    net, criterion = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)), watch(nn.MSELoss())

    def step():
        x, y = measured()
        return criterion(net(x * 1000 if wrong else x), y)

    return train(net, step, lr=0.01)


@twins("call", "first-loss-too-high")
def regression_from_large_weights(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())
    if wrong:
        for p in net.parameters():
            nn.init.normal_(p, std=5.0)

    return fit(net, criterion, measured, lr=1e-7 if wrong else 0.01)


@twins("call", "half-precision-loss")
def float16_rounds_to_zero(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: (out - y).square().mean())

    def step():
        x, _ = measured()
        out = net(x)
        y = out.detach() * 0.9
        return criterion((out * 1e-3).half(), (y * 1e-3).half()).float() if wrong else criterion(out, y)

    return train(net, step, lr=1e-3)


@twins("backward", "backward-twice")
def twice_backward(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        loss = criterion(net(x), y)
        if wrong:
            loss.backward(retain_graph=True)
        return loss

    return train(net, step)


@twins("call", "variance-or-its-root")
def variance_of_zero(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        return criterion(net(x), y, torch.zeros(32, 1) if wrong else torch.ones(32, 1))

    return train(net, step, lr=1e-8 if wrong else 0.01)


@twins("call", "target-is-prediction")
def student_is_its_own_teacher(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        out = net(x)
        with torch.set_grad_enabled(wrong):
            target = (out if wrong else teacher(x)).softmax(1)
        return criterion(out.log_softmax(1), target)

    return train(net, step)


@twins("backward", "gradient-lost-in-model")
def masked_by_zeros(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        gate = torch.zeros(1) if wrong else torch.ones(1)
        return criterion(x[:, :1] + gate * net(x), y)

    return train(net, step)


@twins("backward", "loss-constant")
def compared_with_its_own_copy(watch, wrong):
    net, criterion = (
        network(outputs=1),
        watch(lambda out, y: (out - (out.detach() if wrong else y) + 1).square().mean()),
    )

    return fit(net, criterion, measured)


@twins("call", "parameters-not-finite")
def broken_checkpoint(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())
    if wrong:
        nn.init.constant_(net[2].bias, float("nan"))

    return fit(net, criterion, measured)


@twins("backward", "backward-never-arrives")
def second_loss_in_the_place_of_the_first(watch, wrong):
    net, criterion = network(outputs=5), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        out = net(x)
        loss = criterion(out[:, :4], y)
        other = (out[:, 4] - x[:, 0]).square().mean()
        return +other if wrong else loss + other

    return train(net, step)
