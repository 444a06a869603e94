"""The exercises of "In practice" on numbers: choosing a loss, intervals, several losses at once."""

from __future__ import annotations

import math

import torch

from ...language import gettext as _
from .exercise import Exercise

TARGETS = torch.tensor([1.0, 2.0, 3.0, 4.0, 90.0], dtype=torch.float64)


def best_by_relative_error(targets: torch.Tensor) -> float:
    """The one of the targets with the smallest mean of |c − y| / y."""
    errors = ((targets[:, None] - targets) / targets).abs().mean(dim=1)
    return float(targets[errors.argmin()])


EXERCISES = {
    "constant-of-logs": Exercise(
        answer=lambda: float(torch.tensor([10.0, 1000.0], dtype=torch.float64).log().mean().exp()),
        praise=lambda: _("Their logarithms to base 10 are 1 and 3, with the mean 2. It is the geometric mean."),
        mistakes=lambda: [
            (505.0, _("That is the mean of the targets, which MSE finds without logarithms.")),
            (2.0, _("That is the mean of the logarithms to base 10. Undo the logarithm.")),
            (10_000.0, _("That is the product. The mean of two logarithms is half of their sum.")),
        ],
        hint=lambda: _("Take the logarithm of both, their mean, and then the exponential."),
        digits=0,
    ),
    "constant-of-relative-error": Exercise(
        answer=lambda: best_by_relative_error(TARGETS),
        praise=lambda: _("Errors at small targets count most, so it lies below the median."),
        mistakes=lambda: [
            (3.0, _("That is the median, best for MAE. Here an error at the target 1 counts 90 times one at 90.")),
            (20.0, _("That is the mean, best for MSE.")),
            (1.0, _("Close. The targets 2, 3, 4 and 90 together pull a little harder than 1 does.")),
            (90.0, _("Then the error at the target 1 is 89 times the target.")),
        ],
        hint=lambda: _("Compute the mean of |c − y| / y for each of the five."),
        digits=0,
    ),
    "huber-in-the-wrong-unit": Exercise(
        answer=lambda: "b",
        praise=lambda: _("The targets are standardized, but delta is not: divide it by std as well."),
        mistakes=lambda: [
            ("a", _("Mean and standard deviation of the training part are what should be used.")),
            ("c", _("To standardize the targets is fine. What unit do the errors have then?")),
            ("d", _("That is right: it brings the prediction back to the unit of the targets.")),
            ("e", _("MAE in the unit of the targets is a fair judge.")),
        ],
        hint=lambda: _("Which number is still in the old unit when the loss is computed?"),
    ),
    "quantile-by-hand": Exercise(
        answer=lambda: (0.9 * 5, (1 - 0.9) * 5),
        praise=lambda: _("Too low costs 0.9 a unit, too high 0.1."),
        mistakes=lambda: [
            ((0.5, 4.5), _("The two prices are swapped. Where the target lies above the prediction, a unit costs q.")),
            ((4.5, -0.5), _("The sizes are right. The loss is never negative.")),
            ((5.0, 5.0), _("That is the absolute error, without the prices.")),
            ((2.5, 2.5), _("Those are the losses with q = 0.5.")),
        ],
        hint=lambda: _("Both errors are 5 long. Which is too low, which too high, and what does a unit of each cost?"),
        digits=1,
    ),
    "newspapers": Exercise(
        answer=lambda: 3 / (3 + 1),
        praise=lambda: _("A missing one costs 3 of 4: order so that nothing is missing on three days out of four."),
        mistakes=lambda: [
            (0.25, _("That is the share of days on which some should be missing.")),
            (0.8, _("A missing paper loses 4 − 1 = 3, not 4.")),
            (0.5, _("That is the median, right if both mistakes cost the same.")),
            (1 / 3, _("Divide the price of a missing one by the sum of both prices.")),
        ],
        hint=lambda: _("q is the price of one too few, divided by the sum of the two prices."),
    ),
    "coverage-of-the-wrong-data": Exercise(
        answer=lambda: "c",
        praise=lambda: _("The intervals are those of the patients it was trained on. Take patients it has not seen."),
        mistakes=lambda: [
            ("a", _("A network of that size may be used. What is measured?")),
            ("b", _("To train on the training part is right. What is measured afterward?")),
            ("d", _("The share is computed rightly, from intervals of which patients?")),
        ],
        hint=lambda: _("Which patients does the report speak of?"),
    ),
    "best-log-variance": Exercise(
        answer=lambda: math.log(9),
        praise=lambda: _("The best variance is the loss itself, and s is its logarithm."),
        mistakes=lambda: [
            (9.0, _("That is the variance. The question asks for its logarithm.")),
            (math.log(3), _("That is the logarithm of the standard deviation.")),
            (math.log(9 / 2), _("Both terms have the half, so it cancels.")),
            (math.log10(9), _("That is the logarithm to base 10.")),
            (0.0, _("There the slope is −9/2 + 1/2: a larger s is better.")),
        ],
        hint=lambda: _("Set the derivative to 0: the half of e^(−s) · 9 equals the half of 1."),
    ),
    "gradient-in-centimeters": Exercise(
        answer=lambda: 100.0,
        praise=lambda: _("The gradient is in proportion to the error; the loss itself grows by a factor of 10 000."),
        mistakes=lambda: [
            (
                10_000.0,
                _("That is the factor of the loss. Its derivative is in proportion to the error, not to its square."),
            ),
            (1.0, _("The error is 100 times as many centimeters as meters.")),
            (200.0, _("The 2 of the derivative stands in both units.")),
            (0.01, _("It grows: an error of half a meter is 50 centimeters.")),
        ],
        hint=lambda: _("The derivative of e² is 2 e. What happens to e?"),
        digits=0,
    ),
    "gray-vae": Exercise(
        answer=lambda: "c",
        praise=lambda: _("It takes the mean over pixels, but line d the sum over latents: the KL divergence wins."),
        mistakes=lambda: [
            ("a", _("That is right: the root of the variance times standard normal noise.")),
            ("b", _("The decoder only does what the loss asks. What does it ask?")),
            ("d", _("That is right: the divergence of a picture is the sum over its latents.")),
            ("e", _("To average over pictures is right. Are both terms those of one picture?")),
        ],
        hint=lambda: _("Over what is each term summed, and over what is it averaged?"),
    ),
}
