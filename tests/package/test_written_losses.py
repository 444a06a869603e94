"""A loss that a reader writes: the right one passes, a known slip gets its hint, a blank one the invitation."""

import functools
import inspect

import pytest
import torch
from torch.nn import functional as F

from lossbook import check, set_language
from lossbook.catalogue import find
from lossbook.language import gettext, languages
from lossbook.lessons.exercises import EXERCISES
from lossbook.lessons.exercises.written_loss import WrittenLoss

WRITTEN = {name: exercise for name, exercise in EXERCISES.items() if isinstance(exercise, WrittenLoss)}


class SignForgotten(find("adaptive_log_softmax").module):
    """Of a loss that owns parameters the reader writes the class."""

    def forward(self, input, target):
        return super().forward(input, target).output.mean()


def overlap_of_boxes_that_meet(a, b):
    """The IoU loss, with a shared area above 0 where both sides of it are below."""
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).prod(dim=-1)
    area_a, area_b = ((box[..., 2:] - box[..., :2]).prod(dim=-1) for box in (a, b))
    return (1 - shared / (area_a + area_b - shared + 1e-7)).mean()


# What the reader finds in the cell of an exercise that mends, or a slip of one who writes; and what verify calls it.
SLIPS = {
    "mend-mse": (lambda x, y: (x - y).mean() ** 2, "the errors are averaged first and squared afterwards"),
    "write-l1": (lambda x, y: (x - y).mean(), "the error itself is averaged: positive and negative errors cancel"),
    "mend-softmax": (
        lambda z, t: -z.softmax(dim=0).log().gather(1, t.unsqueeze(1)).mean(),
        "log-softmax goes over dimension 0, the batch, and not over the classes",
    ),
    "write-softmax-cross-entropy": (
        lambda z, t: -z.softmax(dim=1).gather(1, t.unsqueeze(1)).mean(),
        "the logarithm is missing: the loss is minus the probability",
    ),
    "mend-multi-margin": (
        lambda s, t: (1 - s.gather(1, t.unsqueeze(1)) + s).clamp(min=0).mean(),
        "the true class is compared with itself: one margin too many in the sum",
    ),
    "mend-l1": (
        lambda x, y: (x - y).abs().sum() / len(y),
        "the sum divided by the batch size only, instead of by the number of all elements",
    ),
    "write-weighted-l1": (
        lambda x, y, weight=None: ((x - y).abs() * (1 if weight is None else weight)).mean(),
        "the weights are not divided out: the mean divides by N, not by the sum of the weights",
    ),
    "mend-mse-divisor": (lambda x, y: (x - y).square().mean(dim=-1).sum(), ""),
    "write-mse": (
        lambda x, y, reduction="mean": (x - y).square().sum(),
        "the sum instead of the mean: exactly N times too large",
    ),
    "mend-smooth-l1": (
        lambda x, y, beta=1.0: torch.where((x - y).abs() < beta, (x - y).square() / 2, (x - y).abs() - beta / 2).mean(),
        "",
    ),
    "write-huber": (lambda x, y, delta=1.0: (x - y).square().mean(), ""),
    "mend-cross-entropy": (
        lambda z, t: -(F.one_hot(t, z.shape[1]) * z.log_softmax(dim=1)).mean(),
        "the mean divides by the number of all inputs, N·C, instead of by the number of losses, N",
    ),
    "write-label-smoothing": (lambda z, t: F.cross_entropy(z, t), ""),
    "mend-nll": (lambda x, t: -x[:, t].mean(), ""),
    "write-nll": (lambda x, t, ignore_index=-100: x.gather(1, t.unsqueeze(1)).mean(), ""),
    "mend-bce": (
        lambda p, y: (
            -y * p.clamp(min=1e-44).log().clamp(min=-100) + (1 - y) * (1 - p).clamp(min=1e-44).log().clamp(min=-100)
        ).mean(),
        "the sign of the second term is wrong",
    ),
    "write-bce": (lambda p, y: -(y * p.clamp(min=1e-44).log()).mean(), "the term (1 − y)·log(1 − p) is missing"),
    "mend-bce-with-logits": (
        lambda z, y: ((1 + z.exp()).log() - y * z).mean(),
        "exp overflows: subtract the largest number first, or use log_softmax or logsumexp",
    ),
    "write-bce-with-logits": (
        lambda z, y, pos_weight=None: F.binary_cross_entropy_with_logits(z.sigmoid(), y),
        "",
    ),
    "mend-hinge-embedding": (lambda x, y: torch.where(y == 1, x, 1 - x).mean(), "the hinge is missing"),
    "write-hinge-embedding": (lambda x, y, margin=1.0: torch.where(y == 1, x, 1 - x).mean(), "the hinge is missing"),
    "mend-margin-ranking": (
        lambda a, b, y, margin=0.0: (margin + y * (a - b)).clamp(min=0).mean(),
        "the sign is wrong: the lower score should win",
    ),
    "write-margin-ranking": (
        lambda a, b, y, margin=0.0, reduction="mean": (y * (a - b)).clamp(min=0).mean(),
        "the sign is wrong: the lower score should win",
    ),
    "mend-triplet": (
        lambda a, p, n: (F.pairwise_distance(a, p) - F.pairwise_distance(a, n) + 1).mean().clamp(min=0),
        "",
    ),
    "write-triplet": (
        lambda a, p, n, margin=1.0, swap=False: (F.pairwise_distance(a, p) - F.pairwise_distance(a, n) + 1).mean(),
        "the hinge is missing: easy triplets cost less than 0",
    ),
    "mend-cosine": (
        lambda u, v, y: torch.where(y == 1, 1 - (u * v).sum(1), (u * v).sum(1).clamp(min=0)).mean(),
        "the vectors are not divided by their lengths: a dot product, not a cosine",
    ),
    "write-cosine": (
        lambda u, v, y, margin=0.0: torch.where(y == 1, 1 - (u * v).sum(1), (u * v).sum(1).clamp(min=0)).mean(),
        "the vectors are not divided by their lengths: a dot product, not a cosine",
    ),
    "mend-kl": (
        lambda x, p: (x.exp() * (x - p.log())).sum() / len(p),
        "the divergence the other way round, KL(q‖p): the two distributions are swapped",
    ),
    "write-kl": (lambda x, p: -(p * x).sum() / len(p), ""),
    "mend-detached": (
        lambda x, y: ((x - y).detach() * (x - y)).mean(),
        "the value is right, half of the gradient is missing: of a square, one factor was detached",
    ),
    "write-soft-margin": (lambda x, y, reduction="mean": getattr(F.softplus(y * x), reduction)(), ""),
    "mend-multi-margin-classes": (lambda x, t: (1 - x.gather(1, t.unsqueeze(1)) + x).relu().mean(), ""),
    "write-multi-margin": (
        lambda x, t, p=1, margin=1.0: (margin - x.gather(1, t.unsqueeze(1)) + x).relu().pow(p).mean(),
        "the true class is compared with itself: one margin too many in the sum",
    ),
    "write-multilabel-margin": (lambda x, t: F.multilabel_margin_loss(x, t, reduction="sum"), ""),
    "mend-multilabel": (lambda x, y: F.binary_cross_entropy_with_logits(x.sigmoid(), y), ""),
    "write-multilabel-soft-margin": (
        lambda x, y, weight=None: F.multilabel_soft_margin_loss(x, y, weight, reduction="none").sum(),
        "",
    ),
    "mend-huber": (
        lambda x, y, delta=1.0: torch.where((x - y).abs() <= delta, (x - y).square() / 2, delta * (x - y).abs()).mean(),
        "",
    ),
    "write-weighted-huber": (
        lambda x, y, delta=1.0, weight=None: F.smooth_l1_loss(x, y, beta=delta),
        "",
    ),
    "mend-poisson": (lambda x, y: (x - y * torch.log(x + 1e-8)).mean(), ""),
    "write-poisson": (
        lambda x, y, log_input=True, eps=1e-8: (x - y * torch.log(x + eps)).mean(),
        "",
    ),
    "mend-gaussian": (lambda x, y, var: (torch.log(var) + ((x - y) / var).square()).mean() / 2, ""),
    "write-gaussian": (
        lambda x, y, var, full=False, eps=1e-6: (torch.log(var) + (x - y).square() / var).mean(),
        "",
    ),
    "mend-iou": (overlap_of_boxes_that_meet, ""),
    "write-giou": (lambda a, b: find("iou").function(a, b), ""),
    "mend-accumulation": (lambda x, y: (F.mse_loss(x[:1], y[:1]) + F.mse_loss(x[1:], y[1:])) / 2, ""),
    "mend-ctc": (lambda *batch: find("ctc").function(*batch, reduction="none").mean(), ""),
    "write-ctc": (lambda *batch: find("ctc").function(*batch, reduction="sum"), ""),
    "mend-linear-cross-entropy": (
        lambda x, weight, t: torch.stack(
            [F.cross_entropy(a @ weight.T, b) for a, b in zip(x.split(2), t.split(2), strict=True)]
        ).mean(),
        "",
    ),
    "write-linear-cross-entropy": (
        lambda x, weight, t, linear_bias=None, reduction="mean": F.cross_entropy(x @ weight.T, t, reduction="sum"),
        "",
    ),
    "write-adaptive-log-softmax": (SignForgotten, ""),
    "mend-token-loss": (
        lambda z, t: F.cross_entropy(z[:, :-1].transpose(1, 2), t[:, 1:], reduction="none").mean(),
        "",
    ),
    "mend-focal": (
        lambda z, y: (
            (1 - (-F.binary_cross_entropy_with_logits(z, y)).exp()) ** 2 * F.binary_cross_entropy_with_logits(z, y)
        ),
        "",
    ),
    "mend-dice": (
        lambda z, t: (
            1
            - 2 * ((z.sigmoid() * t).flatten(1).sum(1) + 1) / (z.sigmoid().flatten(1).sum(1) + t.flatten(1).sum(1) + 1)
        ).mean(),
        "",
    ),
    "mend-distillation": (
        lambda z, v, t, temperature=2.0, alpha=0.5: (
            alpha * F.kl_div((z / temperature).log_softmax(1), (v / temperature).softmax(1), reduction="batchmean")
            + (1 - alpha) * F.cross_entropy(z, t)
        ),
        "",
    ),
    "mend-own-bce": (lambda z, y: -(y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log()).mean(), ""),
    "repair-own-loss": (
        lambda z, t: -z.log_softmax(dim=0).gather(1, t.unsqueeze(1)).mean(),
        "log-softmax goes over dimension 0, the batch, and not over the classes",
    ),
    "repair-weighted": (
        lambda z, t, weight=None: (
            -z.log_softmax(1).gather(1, t.unsqueeze(1))[:, 0] * (1 if weight is None else weight[t])
        ).mean(),
        "the weights are not divided out: the mean divides by N, not by the sum of the weights",
    ),
}
every_loss = pytest.mark.parametrize("name", WRITTEN)


def test_every_written_loss_has_a_slip():
    assert set(SLIPS) == set(WRITTEN)


@every_loss
def test_the_right_loss_passes(name):
    exercise = WRITTEN[name]
    function = find(exercise.like).function or find(exercise.like).module

    verdict = check(name, functools.partial(function, **exercise.settings))
    assert verdict, verdict
    assert verdict.message.endswith(f"agrees with {exercise.like}.")


@every_loss
def test_a_slip_gets_its_hint(name):
    slip, diagnosis = SLIPS[name]
    verdict = check(name, slip)
    assert not verdict
    facts = "\n".join(verdict.facts)
    assert len(verdict.facts) >= 2, "the smallest input, and what came"
    assert "guide/" not in facts, "the reader is on the page already"
    if diagnosis:
        assert (diagnosis in facts) == WRITTEN[name].names_the_slip


@pytest.mark.parametrize("name", ["write-bce", "mend-kl", "write-triplet"])
def test_the_hint_is_in_the_language_of_the_reader(name):
    slip, diagnosis = SLIPS[name]
    hints = set()
    for language in languages():
        set_language(language)
        verdict = check(name, slip)
        hints.add(verdict.message)
        assert (gettext(diagnosis) in "\n".join(verdict.facts)) == WRITTEN[name].names_the_slip
    assert len(hints) == len(languages())


@every_loss
def test_three_dots_get_the_invitation(name):
    invitation = check("same-accuracy", ...)
    assert check(name, ...) == invitation
    assert check(name, lambda *tensors, **settings: ...) == invitation


@pytest.mark.parametrize("language", languages())
def test_a_setting_that_the_exercise_asks_for_must_be_taken(language):
    set_language(language)
    without = check("write-nll", lambda log_p, target: -log_p.gather(1, target.unsqueeze(1)).mean())
    assert not without
    assert without.message.endswith(("ignore_index.", "ignore_index。"))


@pytest.mark.parametrize(("name", "setting"), [(name, s) for name, e in WRITTEN.items() for s in e.takes])
def test_a_setting_that_the_exercise_asks_for_must_be_used(name, setting):
    function = find(WRITTEN[name].like).function

    def without(*tensors, **settings):
        return function(*tensors, **{k: v for k, v in settings.items() if k != setting})

    without.__signature__ = inspect.signature(function)
    assert not check(name, without)


def test_a_class_with_other_parameters_is_said():
    assert "in_features" in check("write-adaptive-log-softmax", torch.nn.Identity().forward).message
    assert "Unexpected key" in check("write-adaptive-log-softmax", torch.nn.Identity).message


def test_what_is_no_loss_is_said():
    assert "got int" in check("write-l1", 3).message
    assert "division" in repr(check("write-l1", lambda prediction, target: 1 / 0))


def test_facts_are_plain_text_in_markdown():
    verdict = check("mend-l1", SLIPS["mend-l1"][0])
    assert "\\[\\[−2, 1\\]\\], \\[\\[−2, 2\\]\\]" in verdict._repr_markdown_()
    assert "[[−2, 1]], [[−2, 2]]" in repr(verdict)
