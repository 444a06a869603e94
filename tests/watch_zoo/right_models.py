"""Right trainings whose models, or what is done with their outputs, look suspicious."""

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, fit, labelled, measured, network, suspicious, train


@suspicious
def frozen_backbone(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    net[0].requires_grad_(False)

    return fit(net, criterion, labelled)


@suspicious
def backbone_without_gradient(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.no_grad():
            hidden = net[:2](x)
        return criterion(net[2](hidden), y)

    return train(net[2], step)


@suspicious
def generative_adversarial(watch, wrong=False):
    maker, judge = network(8, 8), network(8, 1)
    criterion = watch(nn.BCEWithLogitsLoss())
    of_maker, of_judge = torch.optim.Adam(maker.parameters(), 1e-3), torch.optim.Adam(judge.parameters(), 1e-3)
    losses = []
    for _ in range(STEPS):
        real, fake = torch.randn(16, 8) + 1, maker(torch.randn(16, 8))
        of_judge.zero_grad()
        loss = criterion(judge(real), torch.ones(16, 1)) + criterion(judge(fake.detach()), torch.zeros(16, 1))
        loss.backward()
        of_judge.step()
        of_maker.zero_grad()
        loss = criterion(judge(fake), torch.ones(16, 1))
        loss.backward()
        of_maker.step()
        losses.append(loss.detach())
    return losses


@suspicious
def adversarial_example(watch, wrong=False):
    net, criterion, losses = network(), watch(nn.CrossEntropyLoss()), []
    x, y = labelled()
    change = torch.zeros_like(x, requires_grad=True)
    for _ in range(STEPS):
        loss = criterion(net(x + change), y)
        loss.backward()
        with torch.no_grad():
            change += 0.1 * change.grad.sign()
            change.grad.zero_()
        losses.append(loss.detach())
    return losses


@suspicious
def one_point_by_hand(watch, wrong=False):
    criterion, w, losses = watch(nn.MSELoss()), torch.zeros(4, requires_grad=True), []
    for _ in range(STEPS):
        loss = criterion(w, torch.tensor([1.0, 2.0, 3.0, 4.0]))
        loss.backward()
        w = (w - 0.5 * w.grad).detach().requires_grad_()
        losses.append(loss.detach())
    return losses


@suspicious
def evaluated_between(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.no_grad():
            criterion(net(x), y)
        criterion(net(x).detach(), y)
        return criterion(net(x), y)

    return train(net, step)


@suspicious
def zero_initialized_head(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    nn.init.zeros_(net[2].weight)
    nn.init.zeros_(net[2].bias)

    return fit(net, criterion, labelled)


@suspicious
def contrastive_labels_in_order(watch, wrong=False):
    net, criterion = nn.Linear(8, 6), watch(nn.CrossEntropyLoss())

    def step():
        x = torch.randn(16, 8)
        a, b = F.normalize(net(x), dim=1), F.normalize(net(x + 0.1 * torch.randn(16, 8)), dim=1)
        return criterion(a @ b.T / 0.1, torch.arange(16))

    return train(net, step)


@suspicious
def mixed_up(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        z, share = net(0.7 * x + 0.3 * x.flip(0)), 0.7
        return share * criterion(z, y) + (1 - share) * criterion(z, y.flip(0))

    return train(net, step)


@suspicious
def gradient_penalty(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)), watch(nn.MSELoss())

    def step():
        x, y = measured()
        x.requires_grad_()
        loss = criterion(net(x), y)
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        return loss + slope.square().sum()

    return train(net, step)


@suspicious
def hand_written_descent(watch, wrong=False):
    w, b, criterion, losses = (
        torch.zeros(8, 1, requires_grad=True),
        torch.zeros(1, requires_grad=True),
        watch(nn.MSELoss()),
        [],
    )
    for _ in range(STEPS):
        x, y = measured()
        loss = criterion(x @ w + b, y)
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.1 * p.grad
                p.grad = None
        losses.append(loss.detach())
    return losses


@suspicious
def autoencoder(watch, wrong=False):
    net, criterion = network(outputs=8), watch(nn.MSELoss())

    def step():
        x = torch.randn(32, 8)
        return criterion(net(x), x)

    return train(net, step)


@suspicious
def pairwise_on_purpose(watch, wrong=False):
    net, criterion = network(outputs=1), watch(lambda s, y: F.softplus(-(s - s.T) * (y - y.T).sign()).mean())

    return fit(net, criterion, measured)


@suspicious
def batch_of_one(watch, wrong=False):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    return fit(net, criterion, lambda: measured(n=1))


@suspicious
def scaled_loss(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y) * 1024

    return train(net, step, lr=1e-5)


@suspicious
def rises_once(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    count = iter(range(STEPS))

    def step():
        x, y = measured()
        return criterion(net(x), y * (20 if next(count) == 4 else 1))

    return train(net, step, lr=0.02)


@suspicious
def gaussian_with_softplus(watch, wrong=False):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out[:, :1], y, F.softplus(out[:, 1:]) + 1e-4)

    return train(net, step)


@suspicious
def squared_deviation(watch, wrong=False):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out[:, :1], y, (out[:, 1:] * 0.5).exp().square())

    return train(net, step)


@suspicious
def dropped_out_infinite_logits(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled(3)
        ruled_out = torch.tensor([0.0, 0.0, 0.0, -float("inf")])
        return criterion(net(x) + ruled_out, y)

    return train(net, step)


@suspicious
def validated_under_inference_mode(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.inference_mode():
            criterion(net(x), y)
        return criterion(net(x), y)

    return train(net, step)


@suspicious
def metric_of_classes(watch, wrong=False):
    net, criterion = network(), watch(nn.L1Loss())

    def step():
        x, y = labelled()
        out = net(x)
        criterion(out.argmax(1).float(), y.float())
        return criterion(out.softmax(1), F.one_hot(y, 4).float())

    return train(net, step)


@suspicious
def weights_by_sample(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, y = labelled()
        return (criterion(net(x), y) * torch.rand(32)).mean()

    return train(net, step)


@suspicious
def hardest_examples(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, y = labelled()
        return criterion(net(x), y).topk(8).values.mean()

    return train(net, step)


@suspicious
def several_models_in_turn(watch, wrong=False):
    criterion, losses = watch(nn.CrossEntropyLoss()), []
    for _ in range(3):
        net = network()
        losses += train(net, lambda net=net: criterion(net(labelled()[0]), torch.randint(4, (32,))))
    return losses


@suspicious
def large_targets_that_are_learned(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        return criterion(net(x), 200 + 30 * y)

    return train(net, step, lr=0.1)


@suspicious
def residual_with_hidden_relu(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 1)), watch(nn.L1Loss())

    def step():
        x, y = measured()
        return criterion(net(x * 100 + 300), y)

    return train(net, step, lr=1e-3, optimizer=torch.optim.Adam)


@suspicious
def checkpointed(watch, wrong=False):
    from torch.utils.checkpoint import checkpoint

    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(checkpoint(net, x, use_reentrant=False), y)

    return train(net, step)


@suspicious
def automatic_mixed_precision(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return criterion(net(x), y)

    return train(net, step)


@suspicious
def actor_and_advantage(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, action = labelled()
        return (criterion(net(x), action) * torch.randn(32)).mean()

    return train(net, step)


@suspicious
def gradient_norms_of_two_losses(watch, wrong=False):
    net, criterion = network(outputs=5), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        out = net(x)
        loss = criterion(out[:, :4], y)
        (slope,) = torch.autograd.grad(loss, net[0].weight, retain_graph=True)
        return loss / (1 + slope.norm())

    return train(net, step)
