"""Models and data of the trainings that follow reports: pictures, tagged words, speech, tables."""

import torch
from torch import nn


def photographs(n=12, classes=3):
    """Small pictures (n, 3, 10, 10) and what they show."""
    y = torch.randint(classes, (n,))
    x = torch.rand(n, 3, 10, 10) * 0.5
    x[torch.arange(n), y] += 0.4
    return x, y


def convolutional(outputs=3, *last):
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(384, outputs), *last)


class Tagger(nn.Module):
    """Reads tokens (N, T), scores `tags` for each."""

    def __init__(self, tags=6):
        super().__init__()
        self.embed = nn.Embedding(40, 10)
        self.body = nn.LSTM(10, 8, batch_first=True, bidirectional=True)
        self.head = nn.Linear(16, tags)

    def forward(self, tokens):
        return self.head(self.body(self.embed(tokens))[0])


def mlp(inputs, outputs, *last):
    return nn.Sequential(nn.Linear(inputs, 24), nn.GELU(), nn.Linear(24, outputs), *last)


def tabular(n=24, inputs=5):
    x = torch.randn(n, inputs)
    return x, (x[:, :1] - 0.5 * x[:, 1:2]).sin() + 0.1 * torch.randn(n, 1)


class Listener(nn.Module):
    """Hears frames (T, N, 6), scores eight letters and the blank for each."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.GRU(6, 12), nn.Linear(12, 9)

    def forward(self, frames):
        return self.head(self.body(frames)[0])
