"""Right trainings as papers and libraries have them, of which a hasty reader would say that something is wrong."""

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, fit, suspicious, train
from .reported import Listener, Tagger, convolutional, mlp, photographs, tabular


@suspicious
def mixed_targets(watch, wrong=False):
    def data():
        x, y = photographs()
        share = torch.rand(12, 1)
        hot = F.one_hot(y, 3).float()
        return share[..., None, None] * x + (1 - share)[..., None, None] * x.flip(0), share * hot + (
            1 - share
        ) * hot.flip(0)

    return fit(convolutional(), watch(nn.CrossEntropyLoss(label_smoothing=0.1)), data)


@suspicious
def random_labels(watch, wrong=False):
    return fit(
        convolutional(), watch(nn.CrossEntropyLoss()), lambda: (torch.randn(16, 3, 10, 10), torch.randint(3, (16,)))
    )


@suspicious
def pictures_and_texts(watch, wrong=False):
    one, other, scale = mlp(5, 6), mlp(7, 6), nn.Parameter(torch.tensor(2.6))
    both, criterion = nn.ModuleList([one, other]), watch(nn.CrossEntropyLoss())
    both.register_parameter("scale", scale)

    def step():
        a, b = F.normalize(one(torch.randn(16, 5)), dim=1), F.normalize(other(torch.randn(16, 7)), dim=1)
        logits, own = scale.exp() * a @ b.T, torch.arange(16)
        return (criterion(logits, own) + criterion(logits.T, own)) / 2

    return train(both, step, lr=0.01)


@suspicious
def counts_with_exposure(watch, wrong=False):
    net, criterion = mlp(5, 1), watch(nn.PoissonNLLLoss())

    def step():
        x, y = tabular()
        exposure = torch.rand(24, 1) * 5 + 0.5
        return criterion(net(x) + exposure.log(), torch.poisson(y.exp() * exposure))

    return train(net, step, lr=0.01)


@suspicious
def variance_clamped_from_below(watch, wrong=False):
    net, criterion = mlp(5, 2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = tabular()
        mean, log_var = net(x).chunk(2, 1)
        return criterion(mean, y, log_var.clamp(-10, 10).exp().clamp_min(1e-4))

    return train(net, step, lr=0.01)


@suspicious
def variance_stands_still_at_first(watch, wrong=False):
    net, criterion = mlp(5, 2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = tabular()
        mean, log_var = net(x).chunk(2, 1)
        return criterion(mean, y, log_var.exp().detach())

    return train(net, step, lr=0.01)


@suspicious
def low_rank_change_of_a_frozen_layer(watch, wrong=False):
    class Adapted(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.a, self.b = nn.Linear(5, 3), nn.Linear(5, 2, bias=False), nn.Linear(2, 3, bias=False)
            self.layer.requires_grad_(False)
            nn.init.zeros_(self.b.weight)

        def forward(self, x):
            return self.layer(x) + self.b(self.a(x))

    return fit(Adapted(), watch(nn.CrossEntropyLoss()), lambda: (torch.randn(24, 5), torch.randint(3, (24,))))


@suspicious
def prompt_before_a_frozen_model(watch, wrong=False):
    net, criterion = Tagger().requires_grad_(False), watch(nn.CrossEntropyLoss())
    prompt = nn.Parameter(torch.randn(2, 10) * 0.1)
    optimizer, losses = torch.optim.Adam([prompt], lr=0.05), []
    for _ in range(STEPS):
        tokens = torch.randint(40, (6, 7))
        inputs = torch.cat([prompt.expand(6, 2, 10), net.embed(tokens)], 1)
        loss = criterion(net.head(net.body(inputs)[0])[:, 2:].transpose(1, 2), tokens % 6)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def harder_classes_come_later(watch, wrong=False):
    count = iter(range(STEPS))

    def data():
        y = torch.randint(2 + next(count) // 2, (24,))
        return torch.randn(24, 5) + y[:, None], y

    return fit(mlp(5, 6), watch(nn.CrossEntropyLoss()), data)


@suspicious
def bag_with_one_positive(watch, wrong=False):
    net, criterion = mlp(5, 1), watch(nn.BCEWithLogitsLoss())

    def step():
        bags = torch.randn(8, 6, 5)
        return criterion(net(bags).amax(1), (bags[..., :1].amax(1) > 1.5).float())

    return train(net, step)


@suspicious
def last_of_a_sequence_first(watch, wrong=False):
    body, head, criterion = nn.GRU(4, 6), nn.Linear(6, 3), watch(nn.CrossEntropyLoss())
    both = nn.ModuleList([body, head])
    return train(both, lambda: criterion(head(body(torch.randn(7, 16, 4))[0])[-1], torch.randint(3, (16,))))


@suspicious
def patches_that_were_hidden(watch, wrong=False):
    net, criterion = mlp(40, 40), watch(nn.MSELoss())

    def step():
        x = torch.randn(6, 8, 5)
        hidden = torch.rand(6, 8) < 0.75
        out = net(torch.where(hidden[..., None], 0.0, x).flatten(1)).reshape(6, 8, 5)
        return criterion(out[hidden], x[hidden])

    return train(net, step)


@suspicious
def speech_with_zero_infinity(watch, wrong=False):
    net, criterion = Listener(), watch(nn.CTCLoss(zero_infinity=True))

    def step():
        scores = net(torch.randn(20, 5, 6)).log_softmax(2)
        lengths = torch.randint(3, 8, (5,))
        return criterion(scores, torch.randint(1, 9, (int(lengths.sum()),)), torch.full((5,), 20), lengths)

    return train(net, step, lr=0.01)


@suspicious
def residual_of_an_equation(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)), watch(nn.MSELoss())

    def step():
        t = torch.rand(32, 1, requires_grad=True)
        u = net(t)
        (slope,) = torch.autograd.grad(u.sum(), t, create_graph=True)
        return criterion(slope + u, torch.zeros_like(u)) + criterion(net(torch.zeros(1, 1)), torch.ones(1, 1))

    return train(net, step)


@suspicious
def heads_at_three_depths(watch, wrong=False):
    layers, heads = nn.ModuleList(nn.Linear(5, 5) for _ in range(3)), nn.ModuleList(nn.Linear(5, 3) for _ in range(3))
    net, criterion = nn.ModuleList([layers, heads]), watch(nn.CrossEntropyLoss())

    def step():
        x, y, total = torch.randn(24, 5), torch.randint(3, (24,)), 0.0
        for layer, head, weight in zip(layers, heads, (0.2, 0.3, 1.0), strict=True):
            x = layer(x).relu()
            total = total + weight * criterion(head(x), y)
        return total

    return train(net, step)


@suspicious
def sharpness_aware(watch, wrong=False):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        moves = [0.02 * p.grad.sign() for p in net.parameters()]
        with torch.no_grad():
            for p, move in zip(net.parameters(), moves, strict=True):
                p.add_(move)
        optimizer.zero_grad()
        criterion(net(x), y).backward()
        with torch.no_grad():
            for p, move in zip(net.parameters(), moves, strict=True):
                p.sub_(move)
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def rate_from_zero_up(watch, wrong=False):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 5))
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@suspicious
def thresholds_of_an_order(watch, wrong=False):
    net, criterion, steps = mlp(5, 1), watch(nn.BCEWithLogitsLoss()), torch.tensor([-1.0, 0.0, 1.0])

    def step():
        x, y = tabular()
        return criterion(net(x) - steps, (y > steps).float())

    return train(net, step)


@suspicious
def hints_of_a_teacher(watch, wrong=False):
    student, teacher, match, criterion = mlp(5, 4), mlp(5, 8), nn.Linear(4, 8), watch(nn.MSELoss())
    both = nn.ModuleList([student, match])

    def step():
        x, _ = tabular()
        return criterion(match(student(x)), teacher(x).detach())

    return train(both, step)


@suspicious
def triplets_mined_within_the_batch(watch, wrong=False):
    from lossbook.beyond import semi_hard_triplets

    net, criterion = mlp(5, 6), watch(nn.TripletMarginLoss(margin=1.0))

    def step():
        y = torch.arange(4).repeat(6)
        z = net(torch.randn(24, 5) + y[:, None])
        a, p, n = semi_hard_triplets(z, y, margin=1.0)
        return criterion(z[a], z[p], z[n])

    return train(net, step, lr=0.01)


@suspicious
def ensemble_in_one_tensor(watch, wrong=False):
    nets, criterion = nn.ModuleList(mlp(5, 1) for _ in range(4)), watch(nn.MSELoss())

    def step():
        x, y = tabular()
        answers = torch.stack([net(x) for net in nets])
        return criterion(answers, y.expand(4, 24, 1))

    return train(nets, step)


@suspicious
def padded_batch_as_one_should(watch, wrong=False):
    net, criterion = Tagger(), watch(nn.CrossEntropyLoss(ignore_index=-100, reduction="sum"))

    def step():
        tokens = torch.randint(1, 40, (6, 10))
        labels = (tokens % 6).masked_fill(torch.arange(10) >= torch.randint(3, 11, (6, 1)), -100)
        return criterion(net(tokens).flatten(0, 1), labels.flatten()) / (labels != -100).sum()

    return train(net, step)


@suspicious
def flow_with_a_scale(watch, wrong=False):
    net = mlp(2, 4)

    def likelihood(log_scale, shift, x):
        z = (x - shift) * (-log_scale).exp()
        return (0.5 * z.square() + log_scale).sum(1).mean()

    criterion = watch(likelihood)

    def step():
        x = torch.randn(24, 4) * 0.1
        log_scale, shift = net(x[:, :2]).chunk(2, 1)
        return criterion(log_scale, shift, x[:, 2:])

    return train(net, step, lr=0.01)


@suspicious
def decoupled_decay_of_a_tenth(watch, wrong=False):
    return fit(
        convolutional(), watch(nn.CrossEntropyLoss()), photographs,
        optimizer=lambda p, lr: torch.optim.AdamW(p, lr=3e-4, weight_decay=0.1),
    )  # fmt: skip


@suspicious
def dropout_within_and_noise_on_labels(watch, wrong=False):
    net = nn.Sequential(nn.Dropout(0.2), nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))
    return fit(net, watch(nn.BCEWithLogitsLoss()), lambda: (torch.randn(24, 5), (torch.rand(24, 1) < 0.5) * 0.9 + 0.05))
