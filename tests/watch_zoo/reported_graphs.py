"""Faults as they stand in questions and bug reports, in the last operations before a loss."""

import torch
from torch import nn
from torch.nn import functional as F

from . import fit, train, twins
from .reported import Listener, Tagger, convolutional, mlp, photographs, tabular


@twins("graph", "sigmoid-twice")
def focal_of_probabilities(watch, wrong):
    class Focal(nn.Module):
        def __init__(self, gamma=2.0, alpha=0.25):
            super().__init__()
            self.gamma, self.alpha = gamma, alpha

        def forward(self, inputs, targets):
            bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
            return (self.alpha * (1 - torch.exp(-bce)) ** self.gamma * bce).mean()

    net = mlp(5, 1, nn.Sigmoid()) if wrong else mlp(5, 1)
    return fit(net, watch(Focal()), lambda: (lambda x, y: (x, (y > 0).float()))(*tabular()))


def _speech(name, last_of_wrong, *kinds):
    def run(watch, wrong):
        net, criterion = Listener(), watch(nn.CTCLoss())

        def step():
            scores = net(torch.randn(20, 5, 6))
            letters, lengths = torch.randint(1, 9, (5, 7)), torch.randint(3, 8, (5,))
            spoken = last_of_wrong(scores) if wrong else scores.log_softmax(2)
            return criterion(spoken, letters, torch.full((5,), 20), lengths)

        return train(net, step, lr=0.01)

    run.__name__ = name
    return twins("graph", *kinds)(run)


speech_without_logarithm = _speech("speech_without_logarithm", lambda z: z.softmax(2), "logarithm-missing")


speech_of_raw_scores = _speech("speech_of_raw_scores", lambda z: z, "logits-for-log-probabilities")


speech_over_frames = _speech(
    "speech_over_frames", lambda z: z.log_softmax(0), "softmax-over-wrong-dimension", "logits-for-log-probabilities"
)


@twins("graph", "variance-or-its-root")
def scale_of_a_normal_as_variance(watch, wrong):
    net, criterion = mlp(5, 2), watch(nn.GaussianNLLLoss(full=True))

    def step():
        x, y = tabular()
        mean, s = net(x).split(1, dim=1)
        variance = F.softplus(s) + 1e-3
        return criterion(mean, y, variance.sqrt() if wrong else variance)

    return train(net, step, lr=0.01)


@twins("graph", "logarithm-missing")
def likelihood_of_softmax(watch, wrong):
    net, criterion = convolutional(), watch(F.nll_loss)

    def step():
        x, y = photographs()
        return criterion(F.softmax(net(x), -1) if wrong else F.log_softmax(net(x), -1), y)

    return train(net, step)


@twins("graph", "rate-or-its-logarithm")
def visits_from_softplus(watch, wrong):
    net, criterion = mlp(5, 1, nn.Softplus()) if wrong else mlp(5, 1), watch(nn.PoissonNLLLoss())
    return fit(net, criterion, lambda: (lambda x, y: (x, torch.poisson(y.exp())))(*tabular()), lr=0.01)


@twins("graph", "target-out-of-reach")
def tanh_for_bytes(watch, wrong):
    net, criterion = (
        nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 3, 1), nn.Tanh()),
        watch(nn.L1Loss()),
    )

    def data():
        x, _ = photographs()
        return x, x * 255 if wrong else 2 * x - 1

    return fit(net, criterion, data)


@twins("graph", "view-instead-of-transpose")
def sequence_first_by_view(watch, wrong):
    net, criterion = Tagger(), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(40, (4, 9))
        scores = net(tokens)
        return criterion(scores.contiguous().view(4, 6, 9) if wrong else scores.movedim(-1, 1), tokens % 6)

    return train(net, step)


@twins("graph", "classes-in-last-dimension", "outside-its-contract")
def tags_of_as_many_places_as_classes(watch, wrong):
    net, criterion = Tagger(), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(40, (8, 6))
        scores = net(tokens)
        return criterion(scores if wrong else scores.transpose(1, 2), tokens % 6)

    return train(net, step)


@twins("graph", "softmax-over-wrong-dimension")
def default_dimension_of_batches(watch, wrong):
    net, criterion = convolutional(3, nn.LogSoftmax(dim=0 if wrong else 1)), watch(nn.NLLLoss())
    return fit(net, criterion, photographs)


@twins("graph", "clamped-probabilities")
def clipped_to_probabilities(watch, wrong):
    net, criterion = mlp(5, 1), watch(F.binary_cross_entropy)

    def step():
        x, y = tabular()
        out = net(x)
        p = torch.clamp(out + 0.5, 1e-7, 1 - 1e-7) if wrong else out.sigmoid()
        return criterion(p, (y > 0).float())

    return train(net, step, lr=0.01)


@twins("graph", "clamped-probabilities", "loss-not-finite")
def relu_and_one_for_a_sigmoid(watch, wrong):
    net, criterion = convolutional(1), watch(nn.BCELoss())

    def step():
        x, y = photographs(classes=2)
        out = net(x)
        p = out.relu().clamp(max=1) if wrong else out.sigmoid()
        return criterion(p[:, 0], y.float())

    return train(net, step, lr=0.001)
