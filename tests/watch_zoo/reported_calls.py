"""Faults as they stand in questions and bug reports, in what is given to a loss."""

import torch
from torch import nn
from torch.nn import functional as F

from . import fit, train, twins
from .reported import Tagger, convolutional, mlp, photographs, tabular


@twins("call", "padding-counted")
def tags_padded_with_their_own_class(watch, wrong):
    net, criterion = Tagger(), watch(nn.CrossEntropyLoss() if wrong else nn.CrossEntropyLoss(ignore_index=5))

    def step():
        tokens = torch.randint(1, 40, (8, 11))
        tags = tokens % 5
        lengths = torch.tensor([11, 3, 5, 8, 4, 11, 6, 9])
        tags[torch.arange(11) >= lengths[:, None]] = 5
        return criterion(net(tokens).permute(0, 2, 1), tags)

    return train(net, step, optimizer=torch.optim.Adam, lr=0.01)


@twins("call", "target-outside-0-1")
def masks_of_255(watch, wrong):
    net, criterion = (
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1)),
        watch(nn.BCEWithLogitsLoss()),
    )

    def data():
        x = torch.rand(4, 3, 8, 8)
        return x, (x.mean(1, keepdim=True) > 0.5).float() * (255 if wrong else 1)

    return fit(net, criterion, data, lr=0.01)


@twins("call", "loss-raises")
def dice_of_scores(watch, wrong):
    from lossbook.beyond import DiceLoss

    net, criterion = nn.Conv2d(3, 1, 3, padding=1), watch(DiceLoss(from_logits=not wrong))

    def data():
        x = torch.rand(4, 3, 8, 8)
        return x, (x.mean(1, keepdim=True) > 0.5).float()

    return fit(net, criterion, data)


@twins("call", "crossed-shapes")
def squeezed_prediction_against_a_column(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.HuberLoss())

    def step():
        x, y = tabular()
        return criterion(net(x).squeeze(), y if wrong else y.squeeze())

    return train(net, step)


@twins("call", "crossed-shapes")
def column_of_a_data_frame(watch, wrong):
    net, criterion = mlp(5, 1), watch(F.l1_loss)

    def step():
        x, y = tabular()
        table = torch.cat([x, y], 1)
        return criterion(net(table[:, :5]), table[:, 5] if wrong else table[:, 5:])

    return train(net, step)


@twins("call", "labels-without-signs")
def first_is_better_as_one(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.MarginRankingLoss(margin=0.2))

    def step():
        (a, y), (b, z) = tabular(), tabular()
        better = (y > z).float()
        return criterion(net(a), net(b), better if wrong else 2 * better - 1)

    return train(net, step)


@twins("call", "divergence-swapped")
def teacher_first(watch, wrong):
    student, teacher, criterion = mlp(5, 7), mlp(5, 7), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = tabular()
        one, other = F.log_softmax(student(x), 1), F.softmax(teacher(x).detach(), 1)
        return criterion(other, one) if wrong else criterion(one, other)

    return train(student, step)


@twins("call", "divergence-mean")
def divergence_as_it_comes(watch, wrong):
    student, teacher = mlp(5, 7), mlp(5, 7)
    criterion = watch(nn.KLDivLoss() if wrong else nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = tabular()
        with torch.no_grad():
            soft = (teacher(x) / 3).softmax(1)
        return 9 * criterion((student(x) / 3).log_softmax(1), soft)

    return train(student, step)


@twins("call", "weights-the-wrong-way")
def weights_are_the_frequencies(watch, wrong):
    share = torch.tensor([0.7, 0.2, 0.1])
    weight = share if wrong else 1 / share
    net, criterion = mlp(5, 3), watch(nn.CrossEntropyLoss(weight=weight / weight.sum()))

    def data():
        y = torch.multinomial(share, 40, replacement=True)
        return torch.randn(40, 5) + y[:, None], y

    return fit(net, criterion, data)


@twins("call", "pos-weight-the-wrong-way")
def positives_over_negatives(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1 / 9 if wrong else 9.0])))

    def data():
        y = (torch.rand(48, 1) < 0.1).float()
        return torch.randn(48, 5) + y, y

    return fit(net, criterion, data)


@twins("call", "smoothing-too-strong")
def smoothing_taken_for_confidence(watch, wrong):
    return fit(convolutional(), watch(nn.CrossEntropyLoss(label_smoothing=0.9 if wrong else 0.1)), photographs)


@twins("call", "inputs-not-scaled")
def bytes_of_a_picture(watch, wrong):
    net, criterion = (
        nn.Sequential(nn.Flatten(), nn.Linear(300, 32), nn.ReLU(), nn.Linear(32, 3)),
        watch(nn.CrossEntropyLoss()),
    )

    def data():
        x, y = photographs(32)
        x = (x * 255).round()
        return x if wrong else x / 255, y

    return fit(net, criterion, data, lr=0.01)


@twins("call", "targets-not-scaled")
def prices_of_houses(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.L1Loss())

    def data():
        x, y = tabular()
        price = 350_000 + 80_000 * y
        return x, price if wrong else (price - 350_000) / 80_000

    return fit(net, criterion, data, optimizer=torch.optim.Adam, lr=1e-3)


@twins("call", "prediction-not-finite")
def missing_values_in_a_table(watch, wrong):
    def data():
        x, y = tabular()
        x[3, 2] = torch.nan if wrong else 0.0
        return x, y

    return fit(mlp(5, 1), watch(nn.MSELoss()), data)


@twins("call", "loss-not-finite", "gradient-not-finite", "prediction-not-finite")
def entropy_written_out(watch, wrong):
    def entropy(p, y):
        return -(y * (p + (0 if wrong else 1e-8)).log()).sum(1).mean()

    net, criterion = mlp(5, 3), watch(entropy)

    def step():
        x, _ = tabular()
        p = F.softmax(net(x) * 200, 1)
        return criterion(p, F.one_hot(torch.randint(3, (24,)), 3).float())

    return train(net, step, lr=1e-5)


@twins("call", "several-true-classes")
def genres_of_a_film(watch, wrong):
    net, criterion = mlp(5, 6), watch(nn.CrossEntropyLoss() if wrong else nn.MultiLabelSoftMarginLoss())
    return fit(net, criterion, lambda: (torch.randn(24, 5), (torch.rand(24, 6) < 0.4).float()))


@twins("call", "marks-instead-of-class-numbers")
def genres_for_a_margin(watch, wrong):
    net, criterion = mlp(5, 6), watch(nn.MultiLabelMarginLoss())

    def data():
        marks = (torch.rand(24, 6) < 0.4).long()
        numbers = torch.full((24, 6), -1)
        for row, mark in zip(numbers, marks, strict=True):
            there = mark.nonzero().flatten()
            row[: len(there)] = there
        return torch.randn(24, 5), marks if wrong else numbers

    return fit(net, criterion, data)


@twins("call", "scores-for-distances")
def hinge_of_support_vectors(watch, wrong):
    net = nn.Linear(5, 1)
    criterion = watch(nn.HingeEmbeddingLoss() if wrong else nn.SoftMarginLoss())
    return fit(net, criterion, lambda: (lambda x, y: (x, y.sign()))(*tabular()))


@twins("call", "margin-out-of-reach")
def cosine_with_the_margin_of_distances(watch, wrong):
    net, criterion = mlp(5, 6), watch(nn.CosineEmbeddingLoss(margin=1.5 if wrong else 0.3))

    def step():
        a, b = torch.randn(24, 5), torch.randn(24, 5)
        return criterion(net(a), net(b), torch.randint(2, (24,)) * 2 - 1)

    return train(net, step)


@twins("call", "loss-not-finite", "half-precision-loss", "prediction-not-finite")
def squares_in_half_precision(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.MSELoss())

    def step():
        x, y = tabular()
        out, target = net(x) * 400, y * 400
        return criterion(out.half(), target.half()).float() if wrong else criterion(out, target)

    return train(net, step, lr=1e-9 if wrong else 1e-7)


@twins("call", "loss-raises", "outside-its-contract")
def scores_for_bce(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.BCELoss())

    def step():
        x, y = tabular()
        return criterion(net(x) if wrong else net(x).sigmoid(), (y > 0).float())

    return train(net, step)


@twins("call", "prediction-expanded")
def one_answer_for_four_sensors(watch, wrong):
    net, criterion = mlp(5, 1 if wrong else 4), watch(nn.MSELoss())
    return fit(net, criterion, lambda: (torch.randn(24, 5), torch.randn(24, 4)))


@twins("call", "crossed-weights", "crossed-shapes")
def mask_without_the_last_dimension(watch, wrong):
    def masked(prediction, target, mask):
        errors = (prediction - target).square()
        return (errors * mask).sum() / mask.sum()

    net, criterion = mlp(5, 1), watch(masked)

    def step():
        x, y = tabular()
        mask = (torch.rand(24) < 0.7).float()
        return criterion(net(x), y, mask if wrong else mask[:, None])

    return train(net, step, lr=0.01)


@twins("call", "crossed-weights")
def weights_of_samples_against_columns(watch, wrong):
    weights = torch.rand(24)

    def weighted(prediction, target):
        losses = F.binary_cross_entropy_with_logits(prediction, target, reduction="none")
        return (losses * (weights if wrong else weights[:, None])).mean()

    return fit(mlp(5, 1), watch(weighted), lambda: (lambda x, y: (x, (y > 0).float()))(*tabular()))
