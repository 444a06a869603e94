"""Faults in what is compared with what: a model with itself, samples with themselves, cosines taken for distances."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

import lossbook

from . import STEPS, labelled, measured, network, train, twins
from .reported import convolutional, mlp, photographs


@twins("call", "compared-with-itself")
def mean_teacher_that_is_no_copy(watch, wrong):
    net, consistency = network(), watch(nn.MSELoss())
    teacher = net if wrong else copy.deepcopy(net)

    def step():
        x, y = labelled()
        with torch.no_grad():
            if not wrong:
                for p, q in zip(teacher.parameters(), net.parameters(), strict=True):
                    p.lerp_(q, 0.05)
            said = teacher(x)
        out = net(x)
        return F.cross_entropy(out, y) + consistency(out, said)

    return train(net, step)


@twins("call", "compared-with-itself")
def positive_picked_by_the_place_of_the_anchor(watch, wrong):
    net, criterion = network(outputs=6), watch(nn.TripletMarginLoss())

    def step():
        x, y = labelled()
        same = (y[:, None] == y).float().fill_diagonal_(0) + torch.eye(len(y)) * 1e-3
        other = (y[:, None] != y).float() + 1e-3
        places = torch.arange(len(y)) if wrong else torch.multinomial(same, 1)[:, 0]
        return criterion(net(x), net(x[places]), net(x[torch.multinomial(other, 1)[:, 0]]))

    return train(net, step)


@twins("backward", "compared-with-itself")
def own_error_against_itself(watch, wrong):
    def error(said, true):
        return (said - true).square().mean() + 0.1

    net, criterion = network(outputs=1), watch(error)

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out, out.detach() if wrong else y)

    return train(net, step)


@twins("call", "arguments-swapped")
def variance_before_the_target(watch, wrong):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        mean, spread = net(x).chunk(2, 1)
        y, var = y + 3, F.softplus(spread) + 0.1
        return criterion(mean, var, y) if wrong else criterion(mean, y, var)

    return train(net, step, lr=0.01)


@twins("graph", "target-carries-gradient")
def baseline_with_its_graph(watch, wrong):
    def policy_gradient(log_prob, advantage):
        return -(log_prob * advantage).mean()

    actor, critic, criterion = network(outputs=2), network(outputs=1), watch(policy_gradient)
    both = nn.ModuleList([actor, critic])

    def step():
        x = torch.randn(32, 8)
        policy, value = torch.distributions.Categorical(logits=actor(x)), critic(x)[:, 0]
        action = policy.sample()
        reward = (action == (x[:, 0] > 0)).float()
        advantage = reward - (value if wrong else value.detach())
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        loss = criterion(policy.log_prob(action), advantage)
        return loss if wrong else loss + F.mse_loss(value, reward)

    return train(both, step)


@twins("call", "targets-cut-to-integers")
def masks_divided_by_255(watch, wrong):
    net, criterion = nn.Conv2d(3, 3, 1), watch(nn.CrossEntropyLoss())

    def step():
        x, _ = photographs()
        mask = (x.argmax(1)).to(torch.uint8)
        return criterion(net(x), (mask / 255).long() if wrong else mask.long())

    return train(net, step)


@twins("graph", "scores-for-distances")
def cosine_for_a_distance(watch, wrong):
    def apart(a, b):
        return 1 - F.cosine_similarity(a, b)

    net = network(outputs=6)
    distance = F.cosine_similarity if wrong else apart
    criterion = watch(nn.TripletMarginWithDistanceLoss(distance_function=distance, margin=0.4))

    def step():
        x = torch.randn(32, 8)
        return criterion(net(x), net(x + 0.2 * torch.randn(32, 8)), net(torch.randn(32, 8)))

    return train(net, step)


def _views(name, kind, logits):
    def run(watch, wrong):
        net, criterion = network(outputs=6), watch(nn.CrossEntropyLoss())

        def step():
            x = torch.randn(16, 8)
            z = F.normalize(net(torch.cat([x, x + 0.1 * torch.randn(16, 8)])), dim=1)
            scores, label = logits(z, wrong)
            return criterion(scores, label)

        return train(net, step)

    run.__name__ = name
    return twins("call", kind)(run)


def _both_views(z, wrong):
    similar = z @ z.T / 0.2
    own = torch.eye(len(z), dtype=torch.bool)
    return similar if wrong else similar.masked_fill(own, -1e9), torch.arange(len(z)).roll(len(z) // 2)


def _one_view_to_the_other(z, wrong):
    one, other = z.chunk(2)
    return one @ other.T * (0.1 if wrong else 10), torch.arange(len(one))


diagonal_left_in = _views("diagonal_left_in", "samples-compared-with-themselves", _both_views)
times_the_temperature = _views("times_the_temperature", "cosines-without-scale", _one_view_to_the_other)


@twins("backward", "half-precision-optimizer")
def all_in_half_precision(watch, wrong):
    net, criterion = network().to(torch.float16 if wrong else torch.bfloat16), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x.to(net[0].weight.dtype)), y)

    return train(net, step, optimizer=torch.optim.Adam, lr=1e-2)


@twins("loop", "model-in-evaluation")
def evaluation_that_stays(watch, wrong):
    net, criterion, losses = convolutional(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for i in range(STEPS):
        x, y = photographs()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if i % 3 == 2:
            net.eval()
            with torch.no_grad():
                net(photographs()[0])
            net.train(not wrong)
    return losses


@twins("loop", "targets-not-scaled")
def prices_as_they_are(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.MSELoss())

    def step():
        x = torch.randn(24, 5)
        y = x[:, :1] + 3
        return criterion(net(x), 80_000 * y if wrong else y)

    return train(net, step, lr=0.01)


@twins("call", "compared-with-itself")
def policy_that_is_its_own_reference(watch, wrong):
    net, criterion = nn.Sequential(nn.Embedding(9, 16), nn.Linear(16, 9)), watch(lossbook.beyond.DPOLoss())
    before = net if wrong else copy.deepcopy(net)

    def said(model, tokens):
        return model(tokens[:, :-1]).log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0].sum(1)

    def step():
        good, bad = torch.randint(9, (16, 6)), torch.randint(9, (16, 6))
        with torch.no_grad():
            reference = said(before, good), said(before, bad)
        return criterion(said(net, good), said(net, bad), *reference)

    return train(net, step, optimizer=torch.optim.Adam, lr=0.01)
