"""Right trainings of words, sequences and pixels."""

import torch
from torch import nn

from . import suspicious, train


@suspicious
def masked_language_model(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(12, 16), nn.Linear(16, 12)), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(12, (8, 10))
        labels = torch.where(torch.rand(8, 10) < 0.2, tokens, -100)
        return criterion(net(tokens).view(-1, 12), labels.view(-1))

    return train(net, step)


@suspicious
def images_as_classes(watch, wrong=False):
    net, criterion = nn.Conv2d(1, 3, 3, padding=1), watch(nn.CrossEntropyLoss())

    def step():
        x = torch.randn(2, 1, 6, 6)
        return criterion(net(x), (x[:, 0] > 0).long() + (x[:, 0] > 1).long())

    return train(net, step)


@suspicious
def ends_that_happen_to_be_zero(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(5, 16), nn.Linear(16, 5)), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(5, (8, 10))
        return criterion(net(tokens).transpose(1, 2), tokens)

    return train(net, step)


@suspicious
def heatmap_divergence(watch, wrong=False):
    net, criterion = nn.Conv2d(1, 2, 3, padding=1), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x = torch.randn(2, 1, 6, 6)
        target = torch.randn(2, 2, 36).softmax(-1).view(2, 2, 6, 6)
        return criterion(net(x).flatten(2).log_softmax(-1).view(2, 2, 6, 6), target)

    return train(net, step)


@suspicious
def tokens_of_language_model(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 20)), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(1, 20, (8, 13))
        return criterion(net(tokens[:, :-1]).transpose(1, 2), tokens[:, 1:])

    return train(net, step)


@suspicious
def sparse_embeddings(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(30, 4, sparse=True)), watch(nn.CrossEntropyLoss())

    def step():
        return criterion(net(torch.randint(30, (16,))), torch.randint(4, (16,)))

    return train(net, step)
