"""Right trainings in which equal numbers are compared, cosines stand for distances, or a part waits until another is warm."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, labelled, measured, network, suspicious, train
from .reported import convolutional, mlp, photographs


def _surrogate(new, old, advantage):
    ratio = (new - old).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()


def _policy(name, before):
    def run(watch, wrong=False):
        net, criterion = mlp(5, 3), watch(_surrogate)

        def step():
            x, action, advantage = torch.randn(24, 5), torch.randint(3, (24, 1)), torch.randn(24)
            new = net(x).log_softmax(1).gather(1, action)[:, 0]
            with torch.no_grad():
                again = net(x).log_softmax(1).gather(1, action)[:, 0]
            return criterion(new, before(new, again), advantage)

        return train(net, step)

    run.__name__ = name
    return suspicious(run)


policy_against_itself_detached = _policy("policy_against_itself_detached", lambda new, again: new.detach())
policy_against_what_it_said = _policy("policy_against_what_it_said", lambda new, again: again)


@suspicious
def held_near_where_it_began(watch, wrong=False):
    net, criterion = network(), watch(nn.KLDivLoss(reduction="batchmean"))
    before = copy.deepcopy(net).requires_grad_(False)

    def step():
        x, y = labelled()
        out = net(x)
        return F.cross_entropy(out, y) + criterion(out.log_softmax(1), before(x).softmax(1))

    return train(net, step, lr=3e-6)


@suspicious
def copy_that_waits_for_many_small_batches(watch, wrong=False):
    net, criterion, losses = network(), watch(nn.MSELoss()), []
    slow, optimizer = copy.deepcopy(net), torch.optim.SGD(net.parameters(), lr=0.05)
    for i in range(STEPS):
        x, y = labelled()
        with torch.no_grad():
            said = slow(x)
        out = net(x)
        loss = F.cross_entropy(out, y) + criterion(out, said)
        (loss / 4).backward()
        losses.append(loss.detach())
        if i % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    return losses


@suspicious
def errors_of_the_instrument(watch, wrong=False):
    net, criterion = network(outputs=1), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        return criterion(net(x), y + 3, torch.rand(32, 1) + 0.1)

    return train(net, step, lr=0.01)


@suspicious
def two_models_and_one_variance(watch, wrong=False):
    one, other, criterion = network(outputs=2), network(outputs=2), watch(nn.GaussianNLLLoss())
    both = nn.ModuleList([one, other])

    def step():
        x = torch.randn(32, 8)
        return criterion(one(x), other(x).relu(), torch.full((32, 2), 0.5))

    return train(both, step, lr=0.01)


@suspicious
def value_and_advantage(watch, wrong=False):
    def dueling(value, advantage, chosen, target):
        q = value + advantage - advantage.mean(1, keepdim=True)
        return F.smooth_l1_loss(q.gather(1, chosen), target)

    body, value, advantage = nn.Linear(5, 12), nn.Linear(12, 1), nn.Linear(12, 3)
    net, criterion = nn.ModuleList([body, value, advantage]), watch(dueling)

    def step():
        h = body(torch.randn(24, 5)).relu()
        return criterion(value(h), advantage(h), torch.randint(3, (24, 1)), torch.randn(24, 1))

    return train(net, step)


def _masks(name, classes, objects):
    def run(watch, wrong=False):
        net, criterion = nn.Conv2d(3, classes, 1), watch(nn.CrossEntropyLoss())

        def step():
            x, _ = photographs()
            mask = torch.zeros(12, 10, 10, dtype=torch.long)
            if objects:
                mask[3, 4:6, 4:6] = classes - 1
            return criterion(net(x), mask)

        return train(net, step)

    run.__name__ = name
    return suspicious(run)


lesions_that_are_rare = _masks("lesions_that_are_rare", 2, False)
one_object_in_twelve_pictures = _masks("one_object_in_twelve_pictures", 4, True)


@suspicious
def similarity_with_the_others_exchanged(watch, wrong=False):
    net = network(outputs=6)
    criterion = watch(nn.TripletMarginWithDistanceLoss(distance_function=nn.CosineSimilarity(dim=-1), margin=0.3))

    def step():
        x = torch.randn(32, 8)
        positive, negative = net(x + 0.1 * torch.randn(32, 8)), net(torch.randn(32, 8))
        return criterion(net(x), negative, positive)

    return train(net, step)


def _cosines(name, scale, same, count):
    def run(watch, wrong=False):
        net, criterion = network(outputs=6), watch(nn.CrossEntropyLoss())

        def step():
            x = torch.randn(count, 8)
            z, other = (F.normalize(net(v), dim=1) for v in (x, x if same else x + 0.1 * torch.randn(count, 8)))
            return criterion(scale * z @ other.T, torch.arange(count))

        return train(net, step)

    run.__name__ = name
    return suspicious(run)


cosines_as_they_are = _cosines("cosines_as_they_are", 1.0, False, 300)
each_is_its_own_class = _cosines("each_is_its_own_class", 10.0, True, 16)


@suspicious
def scale_that_is_learned(watch, wrong=False):
    net, criterion = network(outputs=6), watch(nn.CrossEntropyLoss())
    net.register_parameter("scale", nn.Parameter(torch.tensor(0.1)))

    def step():
        x = torch.randn(16, 8)
        z, other = (F.normalize(net(v), dim=1) for v in (x, x + 0.1 * torch.randn(16, 8)))
        return criterion(net.scale * (z @ other.T), torch.arange(16))

    return train(net, step)


@suspicious
def half_precision_without_small_gradients(watch, wrong=False):
    net, criterion = nn.Linear(8, 1).half(), watch(nn.MSELoss())

    def step():
        x, y = measured()
        return criterion(net(x.half()), (3 * y + 5).half())

    return train(net, step, optimizer=torch.optim.Adam, lr=1e-2)


@suspicious
def statistics_that_stand_still_from_the_first_step(watch, wrong=False):
    net, criterion = convolutional(), watch(nn.CrossEntropyLoss())
    net[1].eval()

    def step():
        x, y = photographs()
        return criterion(net(x), y)

    return train(net, step)


def _warmed_up(name, optimizers):
    def run(watch, wrong=False):
        body, head, criterion = nn.Linear(8, 12), nn.Linear(12, 4), watch(nn.CrossEntropyLoss())
        steps, losses = optimizers(body, head), []
        for i in range(STEPS):
            x, y = labelled()
            h = body(x).relu()
            loss = criterion(head(h if i >= STEPS - 2 else h.detach()), y)
            for optimizer in steps:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in steps:
                optimizer.step()
            losses.append(loss.detach())
        return losses

    run.__name__ = name
    return suspicious(run)


head_before_body = _warmed_up(
    "head_before_body", lambda body, head: [torch.optim.Adam([*body.parameters(), *head.parameters()])]
)
head_before_body_of_its_own_optimizer = _warmed_up(
    "head_before_body_of_its_own_optimizer",
    lambda body, head: [torch.optim.SGD(part.parameters(), lr=0.05) for part in (body, head)],
)


@suspicious
def samples_that_are_more_alike_later(watch, wrong=False):
    net, head, criterion = nn.Linear(8, 6), nn.Linear(6, 6), watch(nn.CosineEmbeddingLoss())
    both, count = nn.ModuleList([net, head]), iter(range(STEPS))

    def step():
        x = torch.randn(32, 8) * 0.5 ** next(count) + 1
        one, other = net(x + 0.05 * torch.randn(32, 8)), net(x)
        return criterion(head(one), other.detach(), torch.ones(32))

    return train(both, step, lr=0.01)


@suspicious
def student_that_begins_as_its_teacher(watch, wrong=False):
    teacher, criterion = network(), watch(nn.KLDivLoss(reduction="batchmean"))
    net = copy.deepcopy(teacher)

    def step():
        x, y = labelled()
        with torch.no_grad():
            said = teacher(x).softmax(1)
        out = net(x)
        return F.cross_entropy(out, y) + criterion(out.log_softmax(1), said)

    return train(net, step, optimizer=torch.optim.Adam, lr=0.02)
