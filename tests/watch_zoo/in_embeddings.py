"""Faults of embeddings and of variances."""

import torch
from torch import nn
from torch.nn import functional as F

from . import measured, network, suspicious, train, twins


@twins("loop", "triplets-too-easy")
def negatives_that_are_far(watch, wrong):
    net, criterion = network(outputs=4), watch(nn.TripletMarginLoss(margin=0.2))

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), net(x + 0.1), net(x + 30 if wrong else torch.randn(16, 8)))

    return train(net, step)


@twins("loop", "triplets-too-easy")
def nearly_all_triplets_easy(watch, wrong):
    net, criterion = nn.Linear(8, 6), watch(F.triplet_margin_loss)

    def step():
        x = torch.randn(64, 8)
        other = torch.randn(64, 8)
        other[1:] += 40 if wrong else 0
        return criterion(net(x), net(x + 0.1 * torch.randn(64, 8)), net(other))

    return train(net, step)


@suspicious
def triplets_that_become_easy(watch, wrong=False):
    net, criterion = nn.Linear(8, 4), watch(nn.TripletMarginLoss(margin=0.3))
    x, other = torch.randn(16, 8), torch.randn(16, 8)

    def step():
        return criterion(net(x), net(x + 0.01), net(other))

    return train(net, step, lr=1.0)


@twins("loop", "triplets-turned-round")
def positive_and_negative_swapped(watch, wrong):
    net, criterion = network(outputs=6), watch(nn.TripletMarginLoss())

    def step():
        x = torch.randn(16, 8)
        one, other = net(x + 0.2 * torch.randn(16, 8)), net(torch.randn(16, 8))
        return criterion(net(x), other, one) if wrong else criterion(net(x), one, other)

    return train(net, step)


@suspicious
def hardest_of_the_batch(watch, wrong=False):
    net, criterion = nn.Linear(8, 6), watch(nn.TripletMarginLoss(margin=0.3))

    def step():
        y = torch.arange(4).repeat(6)
        z = F.normalize(net(torch.randn(24, 8) + 0.1 * y[:, None]), dim=1)
        with torch.no_grad():
            distance, same = torch.cdist(z, z), y[:, None] == y
            far = (distance * same).argmax(1)
            near = distance.masked_fill(same, torch.inf).argmin(1)
        return criterion(z, z[far], z[near])

    return train(net, step)


@twins("loop", "collapsed-embeddings")
def collapse_in_the_course(watch, wrong):
    net, criterion = nn.Linear(8, 4), watch(nn.CosineEmbeddingLoss())
    nn.init.constant_(net.bias, 1.0)

    def step():
        x = torch.randn(24, 8)
        other, same = torch.randn(24, 8), torch.ones(24)
        if not wrong:
            other[12:], same[:12] = x[12:] + 0.1, -1
        return criterion(net(x), net(other), same)

    return train(net, step, lr=3.0 if wrong else 0.05)


@twins("graph", "exponential-twice")
def variance_taken_for_its_logarithm(watch, wrong):
    def elbo(decoded, x, mu, log_var):
        divergence = -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(1).mean()
        return (decoded - x).square().sum(1).mean() + divergence

    encoder, decoder, criterion = nn.Linear(8, 8), nn.Linear(4, 8), watch(elbo)
    both = nn.ModuleList([encoder, decoder])

    def step():
        x = torch.randn(16, 8)
        mu, spread = encoder(x).chunk(2, 1)
        spread = F.softplus(spread) if wrong else spread
        z = mu + torch.randn_like(mu) * (spread.sqrt() if wrong else (spread / 2).exp())
        return criterion(decoder(z), x, mu, spread)

    return train(both, step, lr=0.01)


@twins("graph", "exponential-twice")
def sampled_with_the_exponential_of_a_variance(watch, wrong):
    encoder, decoder, criterion = nn.Linear(8, 8), nn.Linear(4, 8), watch(nn.MSELoss())
    both = nn.ModuleList([encoder, decoder])

    def step():
        x = torch.randn(16, 8)
        mu, log_var = encoder(x).chunk(2, 1)
        log_var = log_var.exp() if wrong else log_var
        return criterion(decoder(mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)), x)

    return train(both, step, lr=0.01)


@suspicious
def lifetimes_of_weibull(watch, wrong=False):
    def likelihood(log_scale, log_shape, times):
        shape = F.softplus(log_shape) + 0.1
        z = shape * (times.log() - log_scale)
        return (z.exp() - z - shape.log()).mean()

    net, criterion = network(outputs=2), watch(likelihood)

    def step():
        x, y = measured()
        return criterion(*net(x).chunk(2, 1), y.exp())

    return train(net, step, lr=0.01)


@twins("call", "variance-or-its-root")
def variances_that_relu_sets_to_zero(watch, wrong):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        mean, spread = net(x).chunk(2, 1)
        return criterion(mean, y, F.relu(spread) if wrong else F.softplus(spread))

    return train(net, step, lr=1e-7 if wrong else 0.01)


@twins("call", "weights-all-equal")
def embeddings_that_begin_at_zero(watch, wrong):
    net, criterion = network(outputs=6), watch(nn.TripletMarginLoss())
    if wrong:
        nn.init.zeros_(net[2].weight)

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), net(x + 0.1), net(torch.randn(16, 8)))

    return train(net, step)


@suspicious
def adapter_that_begins_at_zero(watch, wrong=False):
    net, adapter, criterion = network(outputs=6).requires_grad_(False), nn.Linear(8, 6), watch(nn.TripletMarginLoss())
    nn.init.zeros_(adapter.weight)

    def embed(x):
        return net(x) + adapter(x)

    def step():
        x = torch.randn(16, 8)
        return criterion(embed(x), embed(x + 0.1), embed(torch.randn(16, 8)))

    return train(adapter, step)
