"""Faults inside of losses of one's own that their parts give away: hinges, overlaps, mixtures, terms of the wrong sign."""

import torch
from torch import nn
from torch.nn import functional as F

from . import answered, fit, labelled, measured, network, train, twins
from .reported import mlp


@twins("graph", "hinge-of-probabilities")
def discriminator_with_a_sigmoid(watch, wrong):
    critic, criterion = mlp(5, 1), watch(lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean())

    def step():
        real, fake = critic(torch.randn(24, 5) + 1), critic(torch.randn(24, 5))
        return criterion(real.sigmoid(), fake.sigmoid()) if wrong else criterion(real, fake)

    return train(critic, step)


def _overlap(p, t):
    return (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


@twins("call", "overlap-of-scores")
def dice_without_sigmoid(watch, wrong):
    class DiceLoss(nn.Module):
        def forward(self, p, t):
            return 1 - _overlap(p if wrong else p.sigmoid(), t)

    return fit(network(outputs=4), watch(DiceLoss()), lambda: answered(4), lr=1e-4 if wrong else 0.05)


@twins("backward", "away-from-the-labels")
def dice_that_is_minimized(watch, wrong):
    def soft_dice(scores, t):
        overlap = _overlap(scores.sigmoid(), t)
        return overlap if wrong else 1 - overlap

    return fit(network(outputs=4), watch(soft_dice), lambda: answered(4))


@twins("graph", "softmax-over-batch")
def mixture_shared_among_samples(watch, wrong):
    def mixture(y, mean, log_weight):
        return -torch.logsumexp(log_weight - (y - mean).square(), dim=1).mean()

    net, criterion = network(outputs=6), watch(mixture)

    def step():
        x, y = measured()
        mean, score = net(x).chunk(2, 1)
        return criterion(y, mean, score.log_softmax(0 if wrong else 1))

    return train(net, step)


@twins("backward", "loss-without-floor")
def divergence_subtracted(watch, wrong):
    def elbo(decoded, x, mu, log_var):
        divergence = -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(1).mean()
        return (decoded - x).square().sum(1).mean() + (-divergence if wrong else divergence)

    encoder, decoder, criterion = nn.Linear(8, 8), nn.Linear(4, 8), watch(elbo)
    both = nn.ModuleList([encoder, decoder])

    def step():
        x = torch.randn(32, 8)
        mu, log_var = encoder(x).chunk(2, 1)
        return criterion(decoder(mu), x, mu, log_var)

    return train(both, step, optimizer=torch.optim.Adam, lr=0.4 if wrong else 0.02)


def _without_minus(name, body, data, last=nn.Identity):
    def run(watch, wrong):
        def my_cross_entropy(scores, true):
            return body(scores, true) if wrong else -body(scores, true)

        return fit(nn.Sequential(network(), last()), watch(my_cross_entropy), data)

    run.__name__ = name
    return twins("backward", "away-from-the-labels")(run)


likelihood_without_minus = _without_minus(
    "likelihood_without_minus", lambda z, y: z.log_softmax(1).gather(1, y[:, None]).mean(), labelled
)
entropy_of_marks_without_minus = _without_minus(
    "entropy_of_marks_without_minus",
    lambda z, y: (F.one_hot(y, 4) * z.log_softmax(1)).sum(1).mean(),
    labelled,
)
answers_without_minus = _without_minus(
    "answers_without_minus",
    lambda p, t: (t * p.clamp_min(1e-6).log() + (1 - t) * (1 - p).clamp_min(1e-6).log()).mean(),
    lambda: answered(4),
    nn.Sigmoid,
)
