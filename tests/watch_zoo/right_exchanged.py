"""Right trainings in which the target comes first, or is what learns, or some optimizer has nothing to do for a while."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from lossbook import beyond

from . import STEPS, labelled, measured, network, suspicious, train


def _target_first(name, make):
    def run(watch, wrong=False):
        net, criterion = network(outputs=1), watch(make())

        def step():
            x, y = measured()
            return criterion(y, net(x))

        return train(net, step)

    run.__name__ = name
    return suspicious(run)


target_first_mse = _target_first("target_first_mse", nn.MSELoss)
target_first_l1 = _target_first("target_first_l1", nn.L1Loss)
target_first_smooth_l1 = _target_first("target_first_smooth_l1", nn.SmoothL1Loss)
target_first_huber = _target_first("target_first_huber", lambda: F.huber_loss)
target_first_median = _target_first("target_first_median", beyond.QuantileLoss)


@suspicious
def target_first_gaussian(watch, wrong=False):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        mean, spread = net(x).chunk(2, 1)
        return criterion(y, mean, F.softplus(spread) + 0.01)

    return train(net, step, lr=0.01)


@suspicious
def true_boxes_first(watch, wrong=False):
    net, criterion = network(outputs=4), watch(beyond.GIoULoss())

    def step():
        x = torch.randn(32, 8)
        corner, size = net(x).split(2, 1)
        true = torch.cat([x[:, :2], x[:, :2] + x[:, 2:4].exp()], 1)
        return criterion(true, torch.cat([corner, corner + size.exp()], 1))

    return train(net, step, lr=0.01)


@suspicious
def still_side_of_the_twins_first(watch, wrong=False):
    net, head, criterion = nn.Linear(8, 6), nn.Linear(6, 6), watch(nn.CosineEmbeddingLoss())
    both, slow = nn.ModuleList([net, head]), copy.deepcopy(net).requires_grad_(False)

    def step():
        x = torch.randn(16, 8)
        for p, q in zip(slow.parameters(), net.parameters(), strict=True):
            p.lerp_(q.detach(), 0.01)
        return criterion(slow(x), head(net(x + 0.1)), torch.ones(16))

    return train(both, step)


@suspicious
def anchor_that_stands_still(watch, wrong=False):
    net, still, criterion = network(outputs=4), network(outputs=4).requires_grad_(False), watch(nn.TripletMarginLoss())

    def step():
        x = torch.randn(16, 8)
        return criterion(still(x), net(x + 0.1), net(torch.randn(16, 8)))

    return train(net, step)


@suspicious
def second_score_alone_learns(watch, wrong=False):
    net, baseline, criterion = network(outputs=1), network(outputs=1), watch(nn.MarginRankingLoss(margin=0.1))

    def step():
        x, y = measured()
        return criterion(baseline(x).detach(), net(x), 1 - 2 * (y > 0).float())

    return train(net, step)


@suspicious
def pictures_locked_texts_tuned(watch, wrong=False):
    pictures, texts, criterion = nn.Linear(8, 6).requires_grad_(False), nn.Linear(8, 6), watch(beyond.CLIPLoss())

    def step():
        x = torch.randn(16, 8)
        return criterion(pictures(x), texts(x + 0.2 * torch.randn(16, 8)), torch.tensor(10.0))

    return train(texts, step)


def _reversed_divergence(name, log_target):
    """KL(student ‖ teacher): what is learned stands in the place of the target."""

    def run(watch, wrong=False):
        net, teacher = network(), network()
        criterion = watch(nn.KLDivLoss(reduction="batchmean", log_target=log_target))

        def step():
            x, _ = labelled()
            with torch.no_grad():
                known = teacher(x).log_softmax(1)
            return criterion(known, net(x).log_softmax(1) if log_target else net(x).softmax(1))

        return train(net, step)

    run.__name__ = name
    return suspicious(run)


reversed_divergence = _reversed_divergence("reversed_divergence", True)
reversed_divergence_of_probabilities = _reversed_divergence("reversed_divergence_of_probabilities", False)


@suspicious
def two_that_teach_each_other(watch, wrong=False):
    one, other = network(), network()
    criterion = watch(nn.KLDivLoss(reduction="batchmean"))
    both = nn.ModuleList([one, other])

    def step():
        x, y = labelled()
        a, b = one(x), other(x)
        mutual = criterion(a.log_softmax(1), b.softmax(1).detach()) + criterion(b.log_softmax(1), a.softmax(1).detach())
        return F.cross_entropy(a, y) + F.cross_entropy(b, y) + mutual

    return train(both, step)


@suspicious
def logits_of_a_teacher_that_could_learn(watch, wrong=False):
    net, teacher, criterion = network(), network(), watch(nn.MSELoss())

    def step():
        x, _ = labelled()
        return criterion(teacher(x), net(x))  # the optimizer holds the student alone

    return train(net, step)


@suspicious
def values_of_the_next_state_first(watch, wrong=False):
    net, criterion = network(outputs=3), watch(nn.SmoothL1Loss())
    still = copy.deepcopy(net)

    def step():
        state, following, reward = torch.randn(32, 8), torch.randn(32, 8), torch.randn(32)
        with torch.no_grad():
            goal = reward + 0.9 * still(following).amax(1)
        return criterion(goal, net(state).gather(1, torch.randint(3, (32, 1))).squeeze(1))

    return train(net, step, optimizer=torch.optim.Adam, lr=1e-3)


def _judged(name, marks):
    """Least squares of fake and real, with marks first, and the judge stepping twice as often."""

    def run(watch, wrong=False):
        maker, judge, criterion = network(8, 8), network(8, 1), watch(nn.MSELoss())
        of_maker, of_judge = (torch.optim.Adam(net.parameters(), 1e-3) for net in (maker, judge))
        losses = []
        for i in range(STEPS):
            fake = maker(torch.randn(16, 8))
            of_judge.zero_grad()
            loss = criterion(marks(1), judge(torch.randn(16, 8) + 1)) + criterion(marks(0), judge(fake.detach()))
            loss.backward()
            of_judge.step()
            if i % 2:
                of_maker.zero_grad()
                loss = criterion(marks(1), judge(fake))
                loss.backward()
                of_maker.step()
            losses.append(loss.detach())
        return losses

    run.__name__ = name
    return suspicious(run)


least_squares_with_marks_first = _judged(
    "least_squares_with_marks_first", lambda mark: torch.full((16, 1), float(mark))
)
least_squares_with_whole_marks = _judged("least_squares_with_whole_marks", lambda mark: torch.full((16, 1), mark))


@suspicious
def judge_alone_is_watched(watch, wrong=False):
    maker, judge, criterion = network(8, 8), network(8, 1), watch(nn.BCEWithLogitsLoss())
    of_maker, of_judge = (torch.optim.Adam(net.parameters(), 1e-3) for net in (maker, judge))
    losses = []
    for _ in range(STEPS):
        fake = maker(torch.randn(16, 8))
        loss = criterion(judge(torch.randn(16, 8) + 1), torch.ones(16, 1))
        loss = loss + criterion(judge(fake.detach()), torch.zeros(16, 1))
        of_judge.zero_grad()
        loss.backward()
        of_judge.step()
        of_maker.zero_grad()
        F.softplus(-judge(fake)).mean().backward()
        of_maker.step()
        losses.append(loss.detach())
    return losses


@suspicious
def parts_frozen_in_turn(watch, wrong=False):
    trunk, head, criterion = nn.Linear(8, 8), nn.Linear(8, 4), watch(nn.CrossEntropyLoss())
    both = [torch.optim.Adam(part.parameters(), lr=0.01) for part in (trunk, head)]
    losses = []
    for i in range(STEPS):
        trunk.requires_grad_(i >= STEPS - 2)
        x, y = labelled()
        for optimizer in both:
            optimizer.zero_grad()
        loss = criterion(head(trunk(x).relu()), y)
        loss.backward()
        for optimizer in both:
            optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def tasks_with_optimizers_of_their_own(watch, wrong=False):
    trunk, criterion = nn.Linear(8, 8), watch(nn.MSELoss())
    heads = nn.ModuleList([nn.Linear(8, 1) for _ in range(3)])
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.05) for part in (*heads, trunk)]
    losses = []
    for i in range(STEPS):
        x, y = measured()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = criterion(y, heads[i % 3](trunk(x).relu()))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def learned_to_learn(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        inner = criterion(net(x), y)
        slopes = torch.autograd.grad(inner, list(net.parameters()), create_graph=True)
        weight, bias = (p - 0.1 * g for p, g in zip(net.parameters(), slopes, strict=True))
        x, y = measured()
        return criterion(y, F.linear(x, weight, bias))

    return train(net, step)


@suspicious
def probabilities_of_actions(watch, wrong=False):
    def reinforce(advantage, log_probability):
        return -(advantage * log_probability).mean()

    net, criterion = network(), watch(reinforce)

    def step():
        policy = torch.distributions.Categorical(logits=net(torch.randn(32, 8)))
        actions = policy.sample()
        reward = (actions == 1).float()
        return criterion(reward - reward.mean(), policy.log_prob(actions))

    return train(net, step, optimizer=torch.optim.Adam, lr=0.01)


@suspicious
def ratings_as_integers(watch, wrong=False):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        return criterion(net(x), (2 * y).round().clamp(-1, 1).long())

    return train(net, step)


@suspicious
def denoised_more_and_more(watch, wrong=False):
    net, criterion, noise = (
        nn.Linear(8, 8),
        watch(lambda out, y: (F.mse_loss(out, y) + 1e-8).sqrt()),
        iter(range(STEPS)),
    )
    nn.init.zeros_(net.weight), nn.init.zeros_(net.bias)

    def step():
        x = torch.randn(16, 8)
        return criterion(x + net(x), x + 0.05 * next(noise) * torch.randn(16, 8))

    return train(net, step)


@suspicious
def hardest_pairs_of_the_batch(watch, wrong=False):
    net, criterion = nn.Linear(8, 6), watch(nn.CosineEmbeddingLoss(margin=0.2))

    def step():
        y = torch.arange(4).repeat(6)
        z = F.normalize(net(torch.randn(24, 8) + 0.1 * y[:, None]), dim=1)
        with torch.no_grad():
            distance, same = torch.cdist(z, z), y[:, None] == y
            far = (distance * same).argmax(1)
            near = distance.masked_fill(same, torch.inf).argmin(1)
        signs = torch.ones(24)
        return criterion(torch.cat([z, z]), torch.cat([z[far], z[near]]), torch.cat([signs, -signs]))

    return train(net, step)
