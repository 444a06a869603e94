"""Right trainings of agents and of rivals: critics, policies, values, generators."""

import torch
from torch import nn
from torch.nn import functional as F

from . import suspicious, train
from .reported import mlp


@suspicious
def critic_of_wasserstein(watch, wrong=False):
    critic, criterion = mlp(5, 1), watch(lambda real, fake: fake.mean() - real.mean())
    return train(critic, lambda: criterion(critic(torch.randn(24, 5) + 1), critic(torch.randn(24, 5))), lr=0.01)


@suspicious
def hinge_of_a_discriminator(watch, wrong=False):
    critic, criterion = mlp(5, 1), watch(lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean())
    return train(critic, lambda: criterion(critic(torch.randn(24, 5) + 1), critic(torch.randn(24, 5))), lr=0.01)


@suspicious
def generator_against_a_frozen_judge(watch, wrong=False):
    maker, judge, criterion = mlp(4, 5), mlp(5, 1), watch(nn.BCEWithLogitsLoss())
    judge.requires_grad_(False)
    return train(maker, lambda: criterion(judge(maker(torch.randn(24, 4))), torch.ones(24, 1)))


@suspicious
def clipped_policy(watch, wrong=False):
    def surrogate(new, old, advantage):
        ratio = (new - old).exp()
        return -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()

    net, criterion = mlp(5, 3), watch(surrogate)

    def step():
        x, action, advantage = torch.randn(24, 5), torch.randint(3, (24, 1)), torch.randn(24)
        new = net(x).log_softmax(1).gather(1, action)[:, 0]
        return criterion(new, new.detach() + 0.05 * torch.randn(24), advantage)

    return train(net, step)


@suspicious
def return_as_target_of_a_critic(watch, wrong=False):
    net, criterion = mlp(5, 2), watch(nn.MSELoss())

    def step():
        policy, value = net(torch.randn(24, 5)).chunk(2, 1)
        reward = torch.randn(24, 1)
        advantage = (reward - value).detach()
        return -(F.logsigmoid(policy) * advantage).mean() + 0.5 * criterion(value, reward)

    return train(net, step)


@suspicious
def averaged_teacher_of_views(watch, wrong=False):
    net, slow, criterion = mlp(5, 3), mlp(5, 3), watch(nn.MSELoss())
    slow.load_state_dict(net.state_dict())

    def step():
        x = torch.randn(24, 5)
        with torch.no_grad():
            for p, q in zip(slow.parameters(), net.parameters(), strict=True):
                p.lerp_(q, 0.1)
            target = slow(x + 0.1 * torch.randn_like(x)).softmax(1)
        return criterion(net(x + 0.1 * torch.randn_like(x)).softmax(1), target)

    return train(net, step)


@suspicious
def double_q_learning(watch, wrong=False):
    net, slow, criterion = mlp(5, 3), mlp(5, 3), watch(F.huber_loss)

    def step():
        state, following = torch.randn(24, 5), torch.randn(24, 5)
        with torch.no_grad():
            best = net(following).argmax(1, keepdim=True)
            target = torch.randn(24, 1) + 0.99 * slow(following).gather(1, best)
        return criterion(net(state).gather(1, torch.randint(3, (24, 1))), target)

    return train(net, step)


@suspicious
def advantage_that_the_loss_detaches(watch, wrong=False):
    def actor_critic(scores, action, advantage):
        log_p, p = scores.log_softmax(1), scores.softmax(1)
        chosen = log_p.gather(1, action)[:, 0]
        return -(chosen * advantage.detach()).mean() + advantage.square().mean() + 0.01 * (p * log_p).sum(1).mean()

    body, head, value, criterion = mlp(5, 8), nn.Linear(8, 3), nn.Linear(8, 1), watch(actor_critic)

    def step():
        h = body(torch.randn(24, 5))
        return criterion(head(h), torch.randint(3, (24, 1)), torch.randn(24) - value(h)[:, 0])

    return train(nn.ModuleList([body, head, value]), step)
