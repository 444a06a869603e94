"""Explorers of what is no loss: softmax with its temperature, gradient descent, the error of a line."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...kit.entry import Term
from ...language import gettext as _
from .explorer import Choice, Explorer, Slider
from .losses import logit


def softmax(logits: list[float], temperature: float) -> Iterator[Term]:
    powers = [math.exp(z / temperature) for z in logits]
    yield Term(powers[0] / sum(powers))


def descent(start: float, learning_rate: float, steps: int) -> Iterator[Term]:
    a = start
    for _step in range(steps):
        a = a - learning_rate * 18 * (a + 1)
    yield Term((3 + 3 * a) ** 2)


def line_error(weight: float, bias: float) -> Iterator[Term]:
    xs = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    ys = [3.0, 1.6, 1.3, -0.2, -0.7, -2.3, -2.8]
    for x, y in zip(xs, ys, strict=True):
        yield Term((weight * x + bias - y) ** 2)


EXPLORERS = (
    Explorer(
        name="softmax",
        definition=softmax,
        page="what-is-a-loss/one-hot-and-softmax",
        cell="temperature-picture",
        title=lambda: "Softmax",
        value=lambda: _("probability of class 0"),
        arguments={"logits": ["input_0", "input_1", "input_2"], "temperature": "temperature"},
        controls={
            "input_0": logit(0, 2),
            "input_1": logit(1, 1),
            "input_2": logit(2, 0),
            "temperature": Slider(low=0.2, high=5, start=1, label=lambda: _("temperature T")),
        },
        over="input_0",
        classes=("input_0 / temperature", "input_1 / temperature", "input_2 / temperature"),
    ),
    Explorer(
        name="descent",
        definition=descent,
        page="first-losses/one-point",
        cell="rates-picture",
        title=lambda: _("Gradient descent"),
        arguments={"start": "start", "learning_rate": "learning_rate", "steps": "steps"},
        controls={
            "learning_rate": Slider(low=0, high=0.12, start=0.01, step=0.002, label=lambda: _("learning rate η")),
            "start": Slider(low=-3, high=1, start=0, label=lambda: _("weight A at the start")),
            "steps": Choice(options=(1, 2, 3, 5, 10), start=3, label=lambda: _("number of steps")),
        },
        over="learning_rate",
        draws_gradient=False,
    ),
    Explorer(
        name="line_error",
        definition=line_error,
        page="first-losses/one-point",
        cell="contours",
        title=lambda: _("The error of a line through seven points"),
        arguments={"weight": "weight", "bias": "bias"},
        controls={
            "weight": Slider(low=-3, high=1, start=0, label=lambda: _("weight A")),
            "bias": Slider(low=-3, high=3, start=1, label=lambda: _("bias b")),
        },
        over="weight",
    ),
)
