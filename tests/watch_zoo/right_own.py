"""Right losses of one's own with parts that look wrong: hinges that can be satisfied, overlaps, sums over the batch."""

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, answered, fit, labelled, measured, network, suspicious, train


@suspicious
def margins_of_capsules(watch, wrong=False):
    def margins(p, t):
        return (t * F.relu(0.9 - p) + 0.5 * (1 - t) * F.relu(p - 0.1)).sum(1).mean()

    return fit(nn.Sequential(network(outputs=4), nn.Sigmoid()), watch(margins), lambda: answered(4))


@suspicious
def errors_that_are_small_enough(watch, wrong=False):
    def from_some_size_on(p):
        return (1 - p).clamp_min(0.2).mean()

    net, criterion = nn.Sequential(network(outputs=2), nn.Sigmoid()), watch(from_some_size_on)
    return train(net, lambda: criterion(net(measured()[0])))


@suspicious
def logic_of_lukasiewicz(watch, wrong=False):
    def implied(p):
        one, other = p.unbind(1)
        return F.relu(one - other).mean() + F.relu(1 - one - other).mean()

    net, criterion = nn.Sequential(network(outputs=2), nn.Sigmoid()), watch(implied)
    return train(net, lambda: criterion(net(measured()[0])))


def _overlaps(name, body, end=nn.Identity):
    def run(watch, wrong=False):
        class SoftDice(nn.Module):
            def forward(self, p, t):
                return body(p, t)

        return fit(nn.Sequential(network(outputs=4), end()), watch(SoftDice()), lambda: answered(4))

    run.__name__ = name
    return suspicious(run)


def _overlap(p, t):
    return (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


overlap_of_a_sigmoid_inside = _overlaps("overlap_of_a_sigmoid_inside", lambda p, t: 1 - _overlap(p.sigmoid(), t))
overlap_below_zero = _overlaps("overlap_below_zero", lambda p, t: -_overlap(p.sigmoid(), t))
overlap_of_probabilities = _overlaps("overlap_of_probabilities", lambda p, t: 1 - _overlap(p, t), nn.Sigmoid)
logarithm_of_an_overlap = _overlaps("logarithm_of_an_overlap", lambda p, t: -_overlap(p.sigmoid(), t).log())


@suspicious
def curious_distances(watch, wrong=False):
    def curious(p, t):
        return (p - t).abs().mean()

    return fit(network(outputs=4), watch(curious), lambda: answered(4))


@suspicious
def label_one_for_what_is_strange(watch, wrong=False):
    def strangeness(score, strange):
        return F.binary_cross_entropy(1 - score.sigmoid(), strange)

    return fit(network(outputs=1), watch(strangeness), lambda: answered())


@suspicious
def weights_over_the_instances(watch, wrong=False):
    def pooled(weight, value, label):
        return F.binary_cross_entropy_with_logits((weight * value).sum(0).mean(), label)

    net, criterion = network(outputs=4), watch(pooled)

    def step():
        weight, value = net(torch.randn(32, 8)).chunk(2, 1)
        return criterion(weight.softmax(0), value, torch.ones(()))

    return train(net, step)


@suspicious
def centers_of_soft_clusters(watch, wrong=False):
    def to_centers(share, x):
        centers = share.T @ x
        return torch.cdist(x, centers).square().min(1).values.mean()

    net, criterion = network(outputs=3), watch(to_centers)

    def step():
        x = torch.randn(32, 8)
        return criterion(net(x).softmax(0), x)

    return train(net, step)


@suspicious
def times_in_rows(watch, wrong=False):
    def entropy(log_p, share):
        return -(share * log_p).sum(0).mean()

    net, criterion = network(outputs=5), watch(entropy)

    def step():
        x = torch.randn(32, 8)
        return criterion(net(x).log_softmax(0), torch.rand(32, 5).softmax(0))

    return train(net, step)


@suspicious
def density_that_grows(watch, wrong=False):
    def likelihood(mean, log_scale, y):
        return (log_scale + 0.5 * ((y - mean) / log_scale.exp()).square()).sum(1).mean()

    net, criterion = network(outputs=8), watch(likelihood)

    def step():
        x, _ = measured()
        mean, log_scale = net(x).chunk(2, 1)
        return criterion(mean, log_scale, 1e-3 * x[:, :4])

    return train(net, step, lr=0.1)


@suspicious
def classes_that_are_ruled_out(watch, wrong=False):
    def complementary(scores, never):
        return -(1 - scores.softmax(1).gather(1, never[:, None])).clamp_min(1e-6).log().mean()

    return fit(network(), watch(complementary), lambda: (lambda x, y: (x, (y + 1) % 4))(*labelled()))


def _fooled_bce(scores, who):
    return -F.binary_cross_entropy_with_logits(scores, who)


@suspicious
def opponent_that_stands_still(watch, wrong=False):
    maker, opponent, criterion = network(8, 8), network(outputs=1).requires_grad_(False), watch(_fooled_bce)
    return train(maker, lambda: (lambda x, t: criterion(opponent(maker(x)), t))(*answered()), lr=0.01)


@suspicious
def opponent_that_learns_in_turn(watch, wrong=False):
    maker, opponent, criterion, losses = network(8, 8), network(outputs=1), watch(_fooled_bce), []
    of_maker, of_opponent = torch.optim.Adam(maker.parameters(), 1e-3), torch.optim.Adam(opponent.parameters(), 1e-3)
    for _ in range(STEPS):
        x, t = answered()
        of_opponent.zero_grad()
        F.binary_cross_entropy_with_logits(opponent(maker(x).detach()), t).backward()
        of_opponent.step()
        of_maker.zero_grad()
        loss = criterion(opponent(maker(x)), t)
        loss.backward()
        of_maker.step()
        losses.append(loss.detach())
    return losses


def _probable(name, safe):
    def run(watch, wrong=False):
        def yes_or_no(p, t):
            return -(t * safe(p).log() + (1 - t) * safe(1 - p).log()).mean()

        return fit(nn.Sequential(network(outputs=4), nn.Sigmoid()), watch(yes_or_no), lambda: answered(4))

    run.__name__ = name
    return suspicious(run)


logarithm_of_what_is_clamped = _probable("logarithm_of_what_is_clamped", lambda p: p.clamp_min(1e-6))
logarithm_of_what_is_not_negative = _probable("logarithm_of_what_is_not_negative", lambda p: F.relu(p) + 1e-6)


@suspicious
def flow_at_the_end_of_its_scale(watch, wrong=False):
    def likelihood(z, log_scale):
        return (0.5 * z.square().sum(1) - log_scale.sum(1)).mean()

    net, criterion = network(4, 8), watch(likelihood)
    nn.init.constant_(net[2].bias, 5.0)

    def step():
        one, other = 0.1 * torch.randn(32, 4), 0.1 * torch.randn(32, 4)
        log_scale, shift = net(one).chunk(2, 1)
        log_scale = log_scale.tanh()
        return criterion(torch.cat([one, other * log_scale.exp() + shift], 1), log_scale)

    return train(net, step, lr=0.001)
