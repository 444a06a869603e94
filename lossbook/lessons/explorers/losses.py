"""The explorers of the losses that have a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...catalogue import find
from ...language import gettext as _
from .explorer import Choice, Explorer, Slider


def chance(label: Callable[[], str], start: float) -> Slider:
    """A probability. At 0 and 1 a logarithm or its slope has no end."""
    return Slider(low=0.02, high=0.98, start=start, step=0.02, label=label)


PREDICTION = Slider(low=-4, high=4, start=2.5, label=lambda: _("prediction ŷ"))
TARGET = Slider(low=-4, high=4, start=1, label=lambda: _("target y"))
PROBABILITY = chance(lambda: _("probability p of the label 1"), start=0.8)
TRUE_CLASS = chance(lambda: _("probability p of the true class"), start=0.5)
LOGIT = Slider(low=-4, high=4, start=1, label=lambda: _("logit z"))
TRUE_CLASS_NUMBER = Choice(options=(0, 1, 2), start=0, label=lambda: _("true class"))
ANSWER = Choice(options=(1, 0), start=1, label=lambda: _("label y"))
SIGN = Choice(options=(1, -1), start=1, label=lambda: _("label y"))
WEIGHT = Slider(low=0, high=4, start=1)
MARGIN = Slider(low=0, high=2, start=1)


def of_loss(loss: str, **how: Any) -> Explorer:
    """The explorer of a loss of the catalogue, under the picture of its page."""
    entry = find(loss)
    return Explorer(name=loss, definition=entry.definition, page=entry.page, title=lambda: entry.module.__name__, **how)


def of_error(loss: str, **settings: Slider) -> Explorer:
    """A prediction and a target, and the loss of their difference."""
    return of_loss(
        loss,
        arguments={"prediction": ["input"], "target": ["target"]}
        | {name: [name] if name == "weight" else name for name in settings},
        controls={"input": PREDICTION, "target": TARGET, **settings},
        over="input",
    )


def logit(number: int, start: float) -> Slider:
    return Slider(low=-4, high=4, start=start, label=lambda: _("logit of class {number}").format(number=number))


def frame(number: int, start: float) -> Slider:
    return chance(
        lambda: _("probability of the label in frame {number}, the rest is the blank's").format(number=number), start
    )


def three_scores(*start: float) -> dict[str, Slider | Choice]:
    def score(number: int, start: float) -> Slider:
        return Slider(low=-4, high=4, start=start, label=lambda: _("score of class {number}").format(number=number))

    return {f"input_{i}": score(i, at) for i, at in enumerate(start)}


def list_entry(place: int, start: int) -> Choice:
    label = (lambda: _("target, first entry"), lambda: _("target, second entry"), lambda: _("target, third entry"))
    return Choice(options=(0, 1, 2, -1), start=start, label=label[place])


def label_of(number: int, start: int) -> Choice:
    return Choice(options=(1, 0), start=start, label=lambda: _("label of class {number}").format(number=number))


def coordinates(start: tuple[float, float], name: str) -> tuple[Slider, Slider]:
    across, up = start
    return (
        Slider(low=-2, high=2, start=across, label=lambda: _("{point}, across").format(point=name)),
        Slider(low=-2, high=2, start=up, label=lambda: _("{point}, up").format(point=name)),
    )


def plane(**points: tuple[float, float]) -> tuple[dict[str, Slider | Choice], dict[str, tuple[str, str]]]:
    """The controls of points in a plane, and which two are whose."""
    controls: dict[str, Slider | Choice] = {}
    for name, start in points.items():
        controls[f"{name}_0"], controls[f"{name}_1"] = coordinates(start, name)
    return controls, {name: (f"{name}_0", f"{name}_1") for name in points}


pair, of_pair = plane(input1=(1.0, 0.5), input2=(0.5, 1.5))
three, of_three = plane(anchor=(0.0, 0.0), positive=(1.0, 0.5), negative=(1.0, -1.0))

EXPLORERS = (
    of_error("l1"),
    of_error("mse"),
    of_error("smooth_l1", beta=Slider(low=0, high=3, start=1)),
    of_error("huber", delta=Slider(low=0.1, high=3, start=1), weight=WEIGHT),
    of_loss(
        "poisson_nll",
        arguments={"rates": ["input"], "counts": ["target"]},
        controls={
            "input": Slider(low=-2, high=3, start=2, label=lambda: _("log-rate x")),
            "target": Slider(low=0, high=12, start=5, step=1, label=lambda: _("count y")),
        },
        over="input",
    ),
    of_loss(
        "gaussian_nll",
        arguments={"means": ["input"], "target": ["target"], "variances": ["var"]},
        controls={
            "input": Slider(low=-4, high=4, start=2.5, label=lambda: _("predicted mean μ")),
            "target": TARGET,
            "var": Slider(low=0.1, high=4, start=1, label=lambda: _("predicted variance v")),
        },
        over="input",
    ),
    of_loss(
        "kl_div",
        reduction="sum",  # over the two classes; "batchmean", for one sample
        arguments={"log_q": [["math.log(input)", "math.log(1 - input)"]], "target": [["target", "1 - target"]]},
        controls={
            "input": chance(lambda: _("probability q of one of two classes"), start=0.3),
            "target": Slider(low=0, high=1, start=0.5, step=0.05, label=lambda: _("its probability p in the target")),
        },
        over="input",
    ),
    of_loss(
        "bce",
        arguments={"probabilities": ["input"], "target": ["target"], "weight": ["weight"]},
        controls={"input": PROBABILITY, "target": ANSWER, "weight": WEIGHT},
        over="input",
    ),
    of_loss(
        "bce_with_logits",
        arguments={"logits": ["input"], "target": ["target"], "weight": ["weight"], "pos_weight": ["pos_weight"]},
        controls={
            "input": LOGIT,
            "target": ANSWER,
            "weight": WEIGHT,
            "pos_weight": WEIGHT,
        },
        over="input",
    ),
    of_loss(
        "nll",
        arguments={
            "rows": [["math.log(input)", "math.log((1 - input) / 2)", "math.log((1 - input) / 2)"]],
            "targets": [0],
        },
        controls={"input": TRUE_CLASS},
        over="input",
    ),
    of_loss(
        "cross_entropy",
        arguments={
            "rows": [["input_0", "input_1", "input_2"]],
            "targets": ["target"],
            "label_smoothing": "label_smoothing",
        },
        controls={
            "input_0": logit(0, 2),
            "input_1": logit(1, 0.5),
            "input_2": logit(2, -1),
            "target": TRUE_CLASS_NUMBER,
            "label_smoothing": Slider(low=0, high=0.5, start=0, step=0.05),
        },
        over="input_0",
        classes=("input_0", "input_1", "input_2"),
    ),
    of_loss(
        "hinge_embedding",
        arguments={"distances": ["input"], "target": ["target"], "margin": "margin"},
        controls={
            "input": Slider(low=0, high=3, start=0.5, label=lambda: _("distance of the pair")),
            "target": SIGN,
            "margin": MARGIN,
        },
        over="input",
    ),
    of_loss(
        "margin_ranking",
        arguments={"first": ["input1"], "second": ["input2"], "target": ["target"], "margin": "margin"},
        controls={
            "input1": Slider(low=-4, high=4, start=0.5, label=lambda: _("score x₁")),
            "input2": Slider(low=-4, high=4, start=1, label=lambda: _("score x₂")),
            "target": SIGN,
            "margin": Slider(low=0, high=2, start=0),
        },
        over="input1",
    ),
    of_loss(
        "cosine_embedding",
        arguments={
            "first": [["input1_0", "input1_1"]],
            "second": [["input2_0", "input2_1"]],
            "target": ["target"],
            "margin": "margin",
        },
        controls={**pair, "target": SIGN, "margin": Slider(low=-1, high=1, start=0)},
        over="input2_0",
        points=of_pair,
    ),
    of_loss(
        "triplet_margin",
        arguments={
            "anchors": [["anchor_0", "anchor_1"]],
            "positives": [["positive_0", "positive_1"]],
            "negatives": [["negative_0", "negative_1"]],
            "margin": "margin",
            "p": "p",
        },
        controls={**three, "margin": MARGIN, "p": Choice(options=(2, 1), start=2)},
        over="negative_0",
        points=of_three,
    ),
    of_loss(
        "ctc",
        arguments={
            "log_probs": [[[f"math.log(1 - log_probs_{t})", f"math.log(log_probs_{t})"]] for t in range(3)],
            "targets": [[1]],
            "input_lengths": [3],
            "target_lengths": [1],
        },
        controls={f"log_probs_{t}": frame(t + 1, start) for t, start in enumerate((0.3, 0.6, 0.2))},
        over="log_probs_1",
    ),
    of_loss(
        "soft_margin",
        arguments={"scores": ["input"], "target": ["target"]},
        controls={"input": Slider(low=-4, high=4, start=1, label=lambda: _("score x")), "target": SIGN},
        over="input",
    ),
    of_loss(
        "multi_margin",
        arguments={"rows": [["input_0", "input_1", "input_2"]], "targets": ["target"], "p": "p", "margin": "margin"},
        controls={
            **three_scores(0.5, 1, -1),
            "target": TRUE_CLASS_NUMBER,
            "margin": MARGIN,
            "p": Choice(options=(1, 2), start=1),
        },
        over="input_0",
    ),
    of_loss(
        "multilabel_margin",
        arguments={
            "rows": [["input_0", "input_1", "input_2"]],
            "targets": [["target_0", "target_1", "target_2"]],
        },
        controls={
            **three_scores(0.5, 1, -1),
            **{f"target_{i}": list_entry(i, start) for i, start in enumerate((0, 2, -1))},
        },
        over="input_0",
    ),
    of_loss(
        "multilabel_soft_margin",
        arguments={
            "rows": [["input_0", "input_1", "input_2"]],
            "targets": [["target_0", "target_1", "target_2"]],
        },
        controls={
            **{f"input_{i}": logit(i, start) for i, start in enumerate((2, 0.5, -1))},
            **{f"target_{i}": label_of(i, start) for i, start in enumerate((1, 0, 0))},
        },
        over="input_0",
    ),
    of_loss(
        "generalized_cross_entropy",
        cell="pull-picture",
        arguments={"rows": [["input_0", "input_1", "input_2"]], "targets": ["target"], "q": "q"},
        controls={
            **{f"input_{i}": logit(i, start) for i, start in enumerate((-1, 0.5, 2))},
            "target": TRUE_CLASS_NUMBER,
            "q": Slider(low=0, high=1, start=0.7, step=0.05),
        },
        over="input_0",
        classes=("input_0", "input_1", "input_2"),
    ),
)
