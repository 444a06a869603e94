"""The explorers on the pages of "In practice": for each page, the loss that it turns on."""

from __future__ import annotations

from ...language import gettext as _
from .explorer import Choice, Slider
from .losses import ANSWER, LOGIT, MARGIN, PREDICTION, TARGET, TRUE_CLASS_NUMBER, chance, logit, of_loss, of_pair, pair


def pixel(number: int, start: float) -> Slider:
    return chance(lambda: _("probability of pixel {number}").format(number=number), start)


def in_mask(number: int, start: int) -> Choice:
    return Choice(options=(1, 0), start=start, label=lambda: _("pixel {number} of the mask").format(number=number))


EXPLORERS = (
    of_loss(
        "quantile",
        cell="explained",
        arguments={"prediction": ["input"], "target": ["target"], "quantile": "quantile"},
        controls={
            "input": PREDICTION,
            "target": TARGET,
            "quantile": Slider(low=0.05, high=0.95, start=0.9, step=0.05),
        },
        over="input",
    ),
    of_loss(
        "focal",
        cell="focal-probabilities",
        arguments={"logits": ["input"], "target": ["target"], "alpha": "alpha", "gamma": "gamma"},
        controls={
            "input": LOGIT,
            "target": ANSWER,
            "alpha": Slider(low=0, high=1, start=0.25, step=0.05),
            "gamma": Slider(low=0, high=5, start=2),
        },
        over="input",
    ),
    of_loss(
        "distillation",
        cell="soft-targets",
        arguments={
            "students": [["input_0", "input_1", "input_2"]],
            "teachers": [[2, 1, -1]],
            "target": ["target"],
            "temperature": "temperature",
            "alpha": "alpha",
        },
        controls={
            **{f"input_{i}": logit(i, start) for i, start in enumerate((0.5, 1, -1))},
            "target": TRUE_CLASS_NUMBER,
            "temperature": Slider(low=0.5, high=8, start=2, step=0.5),
            "alpha": Slider(low=0, high=1, start=0.5, step=0.05),
        },
        over="input_0",
        classes=("input_0", "input_1", "input_2"),
    ),
    of_loss(
        "dice",
        cell="by-hand",
        arguments={
            "input": [["input_0", "input_1", "input_2"]],
            "target": [["target_0", "target_1", "target_2"]],
            "from_logits": False,
        },
        controls={
            **{f"input_{i}": pixel(i, start) for i, start in enumerate((0.8, 0.4, 0.2))},
            **{f"target_{i}": in_mask(i, start) for i, start in enumerate((1, 1, 0))},
        },
        over="input_0",
    ),
    of_loss(
        "giou",
        cell="slopes-picture",
        arguments={"input": [["input_0", "input_1", "input_0 + 2", "input_1 + 2"]], "target": [[0, 0, 2, 2]]},
        controls={
            "input_0": Slider(low=-5, high=5, start=3, label=lambda: _("left edge of the box")),
            "input_1": Slider(low=-5, high=5, start=0.5, label=lambda: _("upper edge of the box")),
        },
        over="input_0",
    ),
    of_loss(
        "contrastive",
        cell="contrastive",
        arguments={
            "first": [["input1_0", "input1_1"]],
            "second": [["input2_0", "input2_1"]],
            "target": ["target"],
            "margin": "margin",
        },
        controls={**pair, "target": ANSWER, "margin": MARGIN},
        over="input2_0",
        points=of_pair,
    ),
    of_loss(
        "gaussian_kl",
        cell="vae-picture",
        arguments={"mu": ["mu"], "log_var": ["log_var"]},
        controls={
            "mu": Slider(low=-3, high=3, start=1, label=lambda: _("mean μ")),
            "log_var": Slider(low=-3, high=3, start=-1, label=lambda: _("logarithm of the variance")),
        },
        over="mu",
    ),
    of_loss(
        "dpo",
        cell="never-ends",
        arguments={
            "chosen": ["chosen_logps"],
            "rejected": ["rejected_logps"],
            "ref_chosen": [-10],
            "ref_rejected": [-10],
            "beta": "beta",
        },
        controls={
            "chosen_logps": Slider(low=-30, high=0, start=-9, label=lambda: _("log-probability of the chosen answer")),
            "rejected_logps": Slider(
                low=-30, high=0, start=-12, label=lambda: _("log-probability of the rejected answer")
            ),
            "beta": Slider(low=0.05, high=1, start=0.1, step=0.05),
        },
        over="chosen_logps",
    ),
)
