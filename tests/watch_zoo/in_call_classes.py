"""Faults of classification that stand in one call: labels, weights and masks."""

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, answered, fit, labelled, measured, network, train, twins


@twins("call", "several-true-classes")
def several_labels_in_softmax(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss() if wrong else nn.BCEWithLogitsLoss())

    return fit(net, criterion, lambda: answered(4))


@twins("call", "several-true-classes")
def logits_of_teacher_as_target(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.CrossEntropyLoss())

    def step():
        x, _ = labelled()
        with torch.no_grad():
            target = teacher(x)
        return criterion(net(x), target if wrong else target.softmax(1))

    return train(net, step)


@twins("call", "several-true-classes")
def soft_targets_over_two(watch, wrong):
    net, criterion = network(), watch(F.cross_entropy)

    def step():
        x, y = labelled()
        soft = F.one_hot(y, 4) * 0.8 + 0.2 * F.one_hot((y + 1) % 4, 4)
        return criterion(net(x), soft * 2 if wrong else soft)

    return train(net, step)


@twins("call", "outside-its-contract")
def one_hot_integers(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        hot = F.one_hot(y, 4)
        return criterion(net(x), hot if wrong else hot.float())

    return train(net, step)


@twins("call", "outside-its-contract")
def labels_from_one(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y + 1 if wrong else y)

    return train(net, step)


@twins("loop", "class-zero-never-seen")
def labels_from_one_with_room(watch, wrong):
    net, criterion = network(outputs=5 if wrong else 4), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y + 1 if wrong else y)

    return train(net, step)


@twins("call", "outside-its-contract")
def float_class_numbers(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y.float() if wrong else y)

    return train(net, step)


@twins("call", "outside-its-contract")
def column_of_class_numbers(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y[:, None] if wrong else y)

    return train(net, step)


@twins("call", "softmax-of-one")
def one_class_only(watch, wrong):
    net, criterion = network(outputs=1 if wrong else 2), watch(nn.CrossEntropyLoss())

    def step():
        x, y = answered()
        y = y[:, 0].long()
        return criterion(net(x), y * 0 if wrong else y)

    return train(net, step)


@twins("call", "padding-counted")
def padding_is_a_class(watch, wrong):
    net = nn.Sequential(nn.Embedding(12, 16), nn.Linear(16, 12))
    criterion = watch(nn.CrossEntropyLoss() if wrong else nn.CrossEntropyLoss(ignore_index=0))

    def step():
        tokens = torch.randint(1, 12, (8, 10))
        tokens[torch.arange(10) >= torch.tensor([10, 7, 5, 9, 3, 8, 6, 4])[:, None]] = 0
        return criterion(net(tokens).transpose(1, 2), tokens)

    return train(net, step)


@twins("call", "padding-counted")
def padding_is_a_class_flat(watch, wrong):
    net = nn.Sequential(nn.Embedding(12, 16), nn.Linear(16, 12))
    criterion = watch(F.cross_entropy)

    def step():
        tokens = torch.randint(11, (8, 10))
        tokens[torch.arange(10) >= torch.tensor([10, 7, 5, 9, 3, 8, 6, 4])[:, None]] = 11 if wrong else -100
        logits = net(tokens.clamp_min(0))
        return criterion(logits.view(-1, 12), tokens.view(-1))

    return train(net, step)


@twins("call", "nothing-to-average")
def all_targets_ignored(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss(ignore_index=-1))
    count = iter(range(STEPS))

    def step():
        x, y = labelled()
        if next(count) == 3:
            y[0 if wrong else 1 :] = -1
        return criterion(net(x), y)

    return train(net, step)


@twins("call", "nothing-to-average")
def empty_selection(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())
    count = iter(range(STEPS))

    def step():
        x, y = measured()
        mask = y[:, 0] > (100 if wrong and next(count) == 4 else -100)
        return criterion(net(x)[mask], y[mask])

    return train(net, step)


@twins("call", "negative-weight")
def weight_below_zero(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss(torch.tensor([1.0, -1.0 if wrong else 1.0, 2.0, 1.0])))

    return fit(net, criterion, labelled)


@twins("loop", "weights-the-wrong-way")
def weights_by_frequency(watch, wrong):
    frequency = torch.tensor([0.7, 0.2, 0.1])
    weight = frequency if wrong else 1 / frequency
    net, criterion = network(outputs=3), watch(nn.CrossEntropyLoss(weight / weight.sum()))

    def step():
        y = torch.multinomial(frequency, 40, replacement=True)
        x = torch.randn(40, 8) + y[:, None]
        return criterion(net(x), y)

    return train(net, step)


@twins("loop", "pos-weight-the-wrong-way")
def pos_weight_upside_down(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCEWithLogitsLoss(pos_weight=torch.tensor([0.1 if wrong else 9.0])))

    def step():
        y = (torch.rand(40, 1) < 0.1).float()
        return criterion(net(torch.randn(40, 8) + y), y)

    return train(net, step, lr=0.02)


@twins("call", "crossed-weights")
def weights_of_samples_crossed(watch, wrong):
    net = network(outputs=1)
    criterion = watch(
        lambda out, y, weight: (weight * F.binary_cross_entropy_with_logits(out, y, reduction="none")).mean()
    )

    def step():
        x, y = answered()
        weight = torch.rand(32) if wrong else torch.rand(32, 1)
        return criterion(net(x), y, weight)

    return train(net, step)


@twins("call", "weight-on-last-dimension")
def pos_weight_of_columns(watch, wrong):
    net = nn.Conv2d(1, 3, 3, padding=1)
    weight = torch.tensor([1.0, 2.0, 3.0])
    criterion = watch(nn.BCEWithLogitsLoss(pos_weight=weight if wrong else weight.view(3, 1, 1)))

    def step():
        x = torch.randn(4, 1, 3, 3)
        return criterion(net(x), (x > 0).float().expand(-1, 3, -1, -1))

    return train(net, step)


@twins("call", "classes-in-last-dimension")
def soft_targets_of_sequences(watch, wrong):
    net, criterion = nn.Linear(8, 5), watch(nn.CrossEntropyLoss())

    def step():
        out, target = net(torch.randn(4, 6, 8)), torch.randn(4, 6, 5).softmax(-1)
        return criterion(out, target) if wrong else criterion(out.flatten(0, 1), target.flatten(0, 1))

    return train(net, step)


@twins("call", "smoothing-too-strong")
def smoothing_as_confidence(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss(label_smoothing=0.9 if wrong else 0.1))

    return fit(net, criterion, labelled)


@twins("call", "first-loss-too-high")
def weights_far_too_large(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    if wrong:
        for p in net.parameters():
            nn.init.normal_(p, std=10.0)

    return fit(net, criterion, labelled, lr=1e-3)


@twins("call", "nothing-to-average")
def mask_of_zeros(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y, mask: ((out - y).square() * mask).sum() / mask.sum())
    count = iter(range(STEPS))

    def step():
        x, y = measured()
        mask = (torch.rand(32, 1) < 0.7).float()
        return criterion(net(x), y, mask * 0 if wrong and next(count) == 3 else mask)

    return train(net, step)


@twins("call", "outside-its-contract", "loss-raises")
def weight_of_wrong_length(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss(torch.ones(3 if wrong else 4)))

    return fit(net, criterion, labelled)


@twins("call", "loss-raises")
def own_loss_of_wrong_shapes(watch, wrong):
    net, criterion = network(), watch(lambda out, y: (out - y).square().mean())

    def step():
        x, y = measured(4)
        return criterion(net(x), y[:, :3] if wrong else y)

    return train(net, step)


@twins("loop", "means-of-uneven-parts")
def accumulated_means(watch, wrong):
    net, criterion = nn.Linear(8, 5), watch(nn.CrossEntropyLoss(reduction="mean" if wrong else "sum"))

    def step():
        total, count = 0.0, 0
        for length in (2, 11):
            out, y = net(torch.randn(3, length, 8)), torch.randint(5, (3, length))
            total, count = total + criterion(out.flatten(0, 1), y.flatten()), count + y.numel()
        return total / (2 if wrong else count)

    return train(net, step)
