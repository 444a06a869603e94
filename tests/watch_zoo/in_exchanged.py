"""Faults in what stands where: arguments, labels of pairs, similarities and integers in the place of something else."""

import torch
from torch import nn
from torch.nn import functional as F

from lossbook import beyond

from . import STEPS, measured, network, train, twins


@twins("graph", "target-out-of-reach")
def prices_first_and_a_sigmoid(watch, wrong):
    net = nn.Sequential(network(outputs=1), nn.Sigmoid())
    criterion = watch(nn.L1Loss())

    def step():
        x, y = measured()
        return criterion(100 + 50 * y if wrong else y.sigmoid(), net(x))

    return train(net, step)


@twins("call", "crossed-shapes")
def row_of_targets_first(watch, wrong):
    net, criterion = network(outputs=1), watch(F.smooth_l1_loss)

    def step():
        x, y = measured()
        return criterion(y[:, 0] if wrong else y, net(x))

    return train(net, step)


@twins("graph", "prediction-without-gradient")
def target_first_and_prediction_detached(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.HuberLoss())
    optimizer, losses = torch.optim.Adam(net.parameters()), []
    for _ in range(STEPS):
        x, y = measured()
        loss = criterion(y, net(x).detach() if wrong else net(x))
        optimizer.zero_grad()
        if loss.requires_grad:
            loss.backward()
        optimizer.step()
        losses.append(loss.detach().clone())
    return losses


def _triplets(name, make):
    def run(watch, wrong):
        net, criterion, centers = network(outputs=3), watch(make()), 2 * torch.randn(4, 8)

        def step():
            y = torch.randint(4, (12,))
            other = (y + torch.randint(1, 4, (12,))) % 4
            a, near, far = (net(centers[c] + 0.4 * torch.randn(12, 8)) for c in (y, y, other))
            return criterion(a, far, near) if wrong else criterion(a, near, far)

        return train(net, step, lr=0.01)

    run.__name__ = name
    return twins("call", "triplets-turned-round")(run)


small_batches_of_triplets_turned = _triplets("small_batches_of_triplets_turned", nn.TripletMarginLoss)
triplets_with_distance_turned = _triplets("triplets_with_distance_turned", nn.TripletMarginWithDistanceLoss)


def _labelled_pairs(name, make, label):
    """Pairs of one class and of two, of which `label` tells one from the other."""

    def run(watch, wrong):
        net, criterion, centers = network(outputs=4), watch(make()), 2 * torch.randn(4, 8)

        def step():
            y, same = torch.randint(4, (24,)), torch.rand(24) < 0.5
            other = torch.where(same, y, (y + torch.randint(1, 4, (24,))) % 4)
            one, other = (net(centers[c] + 0.3 * torch.randn(24, 8)) for c in (y, other))
            return criterion(one, other, label(~same if wrong else same))

        return train(net, step, lr=0.01)

    run.__name__ = name
    return twins("call", "pairs-turned-round")(run)


def _signs(same):
    return 2.0 * same - 1


cosine_labels_turned = _labelled_pairs("cosine_labels_turned", nn.CosineEmbeddingLoss, _signs)
contrastive_labels_turned = _labelled_pairs("contrastive_labels_turned", beyond.ContrastiveLoss, torch.Tensor.float)


@twins("call", "pairs-turned-round")
def hinge_labels_turned(watch, wrong):
    net, criterion, centers = network(outputs=4), watch(nn.HingeEmbeddingLoss()), 2 * torch.randn(4, 8)

    def step():
        y, same = torch.randint(4, (24,)), torch.rand(24) < 0.5
        other = torch.where(same, y, (y + torch.randint(1, 4, (24,))) % 4)
        one, other = (net(centers[c] + 0.3 * torch.randn(24, 8)) for c in (y, other))
        return criterion(F.pairwise_distance(one, other), _signs(~same if wrong else same))

    return train(net, step, lr=0.01)


@twins("graph", "scores-for-distances")
def cosines_for_distances(watch, wrong):
    net, criterion = nn.Sequential(network(outputs=6), nn.Softplus()), watch(nn.HingeEmbeddingLoss(margin=0.5))

    def step():
        x, same = torch.randn(24, 8), torch.randint(2, (24,)) * 2 - 1
        cosine = F.cosine_similarity(net(x), net(torch.where(same[:, None] > 0, x + 0.2, torch.randn(24, 8))))
        return criterion(cosine if wrong else 1 - cosine, same)  # of numbers above 0: no cosine is negative

    return train(net, step)


def _shares_as_integers(name, make):
    def run(watch, wrong):
        net, criterion = network(outputs=1), watch(make())

        def step():
            x, y = measured()
            return criterion(net(x), y.sigmoid().long() if wrong else y.sigmoid())

        return train(net, step)

    run.__name__ = name
    return twins("call", "targets-cut-to-integers")(run)


shares_as_integers = _shares_as_integers("shares_as_integers", nn.MSELoss)
shares_as_integers_l1 = _shares_as_integers("shares_as_integers_l1", nn.L1Loss)


@twins("graph", "optimizer-without-gradient")
def fake_detached_for_the_generator(watch, wrong):
    maker, judge, criterion = network(8, 8), network(8, 1), watch(nn.BCEWithLogitsLoss())
    of_maker, of_judge = torch.optim.Adam(maker.parameters(), 1e-3), torch.optim.Adam(judge.parameters(), 1e-3)
    losses = []
    for _ in range(STEPS):
        real, fake = torch.randn(16, 8) + 1, maker(torch.randn(16, 8))
        of_judge.zero_grad()
        loss = criterion(judge(real), torch.ones(16, 1)) + criterion(judge(fake.detach()), torch.zeros(16, 1))
        loss.backward()
        of_judge.step()
        of_maker.zero_grad()
        loss = criterion(judge(fake.detach() if wrong else fake), torch.ones(16, 1))
        loss.backward()
        of_maker.step()
        losses.append(loss.detach())
    return losses


@twins("graph", "optimizer-without-gradient")
def encoder_with_an_optimizer_of_its_own(watch, wrong):
    encoder, decoder, criterion = nn.Linear(8, 4), nn.Linear(4, 8), watch(nn.MSELoss())
    both = [torch.optim.SGD(part.parameters(), lr=0.05) for part in (encoder, decoder)]
    losses = []
    for _ in range(STEPS):
        x = torch.randn(16, 8)
        code = encoder(x)
        loss = criterion(x, decoder(code.detach() if wrong else code))
        for optimizer in both:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in both:
            optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("call", "loss-not-finite")
def pixels_that_saturate_an_own_cross_entropy(watch, wrong):
    def own(p, y):
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean()

    net, criterion = nn.Sequential(network(hidden=64, outputs=1), nn.Sigmoid()), watch(own)

    def step():
        x = torch.randint(256, (64, 8)).float()
        y = (x.mean(1, keepdim=True) > 127).float()
        return criterion(net(100 * x if wrong else x / 255 - 0.5), y)

    return train(net, step)
