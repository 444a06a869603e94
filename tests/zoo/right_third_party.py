"""Right losses by others: kornia's, as they are published."""

from __future__ import annotations

import functools

import kornia.losses
import torch

from . import references as ref
from . import right


def _barron(rho):
    """One loss of Barron's family with a scale of 1, mean over the elements."""

    def loss(pred, target):
        return rho((pred - target).square()).mean()

    return loss


def _divergence(log_part):
    """A divergence of maps (B, N, H, W) of positive numbers, a sum over each map, the mean over the maps."""

    def loss(pred, target):
        return log_part(pred, target).sum((-2, -1)).mean()

    return loss


def _kl(pred, target):
    return torch.special.xlogy(target, target) - target * pred.log()


def _js(pred, target):
    middle = (pred + target) / 2
    return (_kl(middle, pred) + _kl(middle, target)) / 2


def _focal_over_classes(logits, target):
    """kornia's mean goes over the classes too, of which all but the true one add 0."""
    return ref.focal(logits, target) / logits.shape[1]


def _maps():
    """Probabilities over the cells of each map."""
    return tuple(torch.randn(2, 3, 4).softmax(-1).reshape(2, 3, 2, 2) for _ in range(2))


def _enter(loss, like, inputs, **given):
    right(like, inputs=inputs, build=lambda _: functools.partial(loss, reduction="mean", **given))(loss)


_enter(kornia.losses.focal_loss, _focal_over_classes, ref.class_batch, alpha=None, gamma=2.0)
_enter(kornia.losses.binary_focal_loss_with_logits, ref.binary_focal, ref.label_batch, alpha=0.25, gamma=2.0)
_enter(kornia.losses.charbonnier_loss, _barron(lambda square: (square + 1).sqrt() - 1), ref.regression_batch)
_enter(kornia.losses.cauchy_loss, _barron(lambda square: torch.log1p(square / 2)), ref.regression_batch)
_enter(kornia.losses.geman_mcclure_loss, _barron(lambda square: 2 * square / (square + 4)), ref.regression_batch)
_enter(kornia.losses.welsch_loss, _barron(lambda square: -torch.expm1(-square / 2)), ref.regression_batch)
_enter(kornia.losses.kl_div_loss_2d, _divergence(_kl), _maps)
_enter(kornia.losses.js_div_loss_2d, _divergence(_js), _maps)
