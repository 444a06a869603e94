"""Losses of one's own, as far as their parts tell what they are: hinges, overlaps, answers of yes and no."""

from __future__ import annotations

import re

from torch import Tensor

from ...kit.text import number
from ...language import Phrase
from .. import graph
from ..finding import Told
from ..observation import Call
from ..training import Training
from .rule import in_call, in_training

#: Functions that make probabilities, or answers, of scores.
_SQUEEZING = {
    "sigmoid", "softmax", "log_softmax", "logsigmoid", "hardsigmoid", "tanh", "clamp", "clip", "clamp_min", "clamp_max", "relu",
    "softplus", "exp", "expit", "gt", "ge", "lt", "le", "round", "argmax", "binary_cross_entropy_with_logits", "cross_entropy",
}  # fmt: skip
#: What the names of losses of labels say.
_LIKELIHOOD = re.compile(
    r"[Cc]ross_?[Ee]ntropy|\b(my_|own_)?(ce|bce|nll)\b|_(ce|bce|nll)\b|CELoss|NLL|[Ff]ocal|[Ll]og_?[Ll]oss|_(ce|bce|nll)_loss"
)
_OVERLAP = re.compile(r"[Dd]ice|[Jj]accard|[Tt]versky|IoU|IOU|\biou|_iou|[Ss]oft_?[Ff]1")


@in_call(
    "hinge-of-probabilities",
    Phrase("a hinge of probabilities, which can never be satisfied"),
    page="guide/hinge-embedding",
    likely=True,
)
def hinge_of_probabilities(call: Call) -> Told | None:
    if call.entry is not None or not isinstance(call.result, Tensor) or call.result.grad_fn is None:
        return None
    hinges = graph.hinges(call.result)
    never = [(c, sign) for c, sign in hinges if c + min(0, sign) >= 0]
    if not never or len(never) < len(hinges):
        return None
    constant, sign = never[0]
    return Told(
        Phrase(
            "{loss} contains a hinge, max(0, {hinge}), of the output p of a sigmoid or softmax. p lies between 0 and "
            "1, so this is never 0: no answer is ever good enough, and none is left alone.",
            loss=call.spoken,
            hinge=f"{number(constant)} {'+' if sign > 0 else '−'} p",
        ),
        Phrase("Give the hinge raw scores: leave the sigmoid out; or take BCEWithLogitsLoss."),
    )


@in_call(
    "overlap-of-scores",
    Phrase("an overlap such as Dice, computed of raw scores"),
    page="practice/segmentation",
    likely=True,
    hides=("learning-rate-too-high", "loss-not-finite"),
)
def overlap_of_scores(call: Call) -> Told | None:
    if call.entry is not None or not _OVERLAP.search(call.spoken) or call.used & _SQUEEZING or not call.has_target:
        return None
    if call.target.numel() != call.prediction.numel() or call.targeted.values != (0, 1):
        return None
    seen = call.predicted
    if not call.prediction.requires_grad or seen.share(lambda p: (p < -0.01) | (p > 1.01)) < 0.05:
        return None
    return Told(
        Phrase(
            "{loss} measures the overlap of a mask with probabilities, but these numbers go from {low} to {high}, and "
            "nothing in it makes probabilities of them: the overlap can be more than 1, or divided by 0.",
            loss=call.spoken,
            low=number(seen.low),
            high=number(seen.high),
        ),
        Phrase("Apply sigmoid first, or softmax over the classes."),
    )


@in_training(
    "away-from-the-labels",
    Phrase("a cross-entropy without its minus, or an overlap such as Dice that is made smaller"),
    page="guide/custom-losses",
    likely=True,
    hides=("learning-rate-too-high",),
)
def away_from_labels(training: Training) -> Told | None:
    learning = [seen for seen in training.calls if seen.away and seen.arrived]
    overlaps = _OVERLAP.search(training.loss)
    if not overlaps and not _LIKELIHOOD.search(training.loss):
        return None  # a label may stand for what has a low score
    if len(learning) < 3 or not all(all(seen.away) and min(seen.arrived) > 0 for seen in learning):
        return None
    if training.maximizes or not training.held_together():
        return None  # who fools an opponent leaves its parameters as they are
    return Told(
        Phrase(
            "In {calls} calls of {loss} every step lowers the scores of what is labeled as true, and raises none of "
            "them: the smaller the loss, the worse the answers.",
            calls=len(learning),
            loss=training.loss,
        ),
        Phrase("It is the overlap itself: write 1 - overlap.")
        if overlaps
        else Phrase("A minus is missing: write -(…).mean()."),
    )


@in_training(
    "loss-without-floor",
    Phrase("a loss that falls below 0 and on without end"),
    page="guide/custom-losses",
    likely=True,
    hides=("loss-not-finite", "prediction-not-finite", "gradient-not-finite", "parameters-not-finite", "dead-units"),
)
def without_floor(training: Training) -> Told | None:
    for calls in training.series():
        values = [seen.value for seen in calls if seen.arrived and seen.single]
        lows = _new_lows(values)
        if len(lows) < 3 or values[0] <= 0 or lows[-1] > -100 * (values[0] + 1) or lows[-1] > 30 * lows[0]:
            continue
        return Told(
            Phrase(
                "The loss falls from {first} to {last} in {calls} calls, faster and faster: it has no least value, "
                "and the model runs after it to infinity.",
                first=number(round(values[0], 3)),
                last=f"{lows[-1]:.3g}",
                calls=len(values),
            ),
            Phrase("Look at the signs of its terms: a divergence is added, kl = -0.5 * (…), not subtracted."),
        )
    return None


def _new_lows(values: list[float]) -> list[float]:
    """The numbers below 0 that are smaller than all before them."""
    return [v for i, v in enumerate(values) if v < min([0.0, *values[:i]])]
