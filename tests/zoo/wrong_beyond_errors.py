"""Wrong losses of numbers that torch lacks."""

import torch
from torch.nn import functional as F

from . import wrong


@wrong("quantile", "swapped arguments", r"turned round|flipped|q and 1|swap", quantile=0.9)
def pinball_turned(pred, y, tau=0.9):
    diff = pred - y
    return torch.max(tau * diff, (tau - 1) * diff).mean()


@wrong("quantile", "wrong formula", r"both sides|absolute error", quantile=0.75)
def pinball_weighs_both_sides(pred, y):
    return 0.75 * (pred - y).abs().mean()


@wrong("rmse", "NaN gradient, finite value", r"nan|not finite|root|slope")
def rmse_bare_root(pred, y):
    return torch.sqrt(F.mse_loss(pred, y))


@wrong("rmse", "reduction", r"root|mean of the|wrong dimension: right with `mean\(…\)`")
def rmse_of_rows(pred, y):
    return (pred - y).square().reshape(len(pred), -1).mean(1).add(1e-12).sqrt().mean()


@wrong("log_cosh", "unstable log, overflow", r"inf|overflow|large|huge|nan|finite|no number")
def log_of_cosh(pred, y):
    return (pred - y).cosh().log().mean()


@wrong("charbonnier", "wrong formula", r"eps|square")
def charbonnier_epsilon_not_squared(pred, y):
    return torch.sqrt((pred - y) ** 2 + 1e-3).mean()
