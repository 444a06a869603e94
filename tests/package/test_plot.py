"""plot: every loss of the catalogue over its variable, against formulas written here by hand."""

import re

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from torch.testing import assert_close

import lossbook
from lossbook import nn
from lossbook.catalogue import CATALOGUE
from lossbook.plotting import style
from lossbook.plotting.curves import curves
from tests.package.drawn import foreign_ink, texts_by_language
from tools.book import LANGUAGES

pytestmark = pytest.mark.usefixtures("styled")


LABELS = {
    "the error": "error ŷ − y",
    "the log-rate": "predicted log-rate x",
    "the probability q": "probability q of one of two classes",
    "the probability of yes": "probability p of the label 1",
    "the probability of the true class": "probability p of the true class",
    "the logit": "logit z",
    "the score of the true class": "score of the true class, the other two at 0",
    "the difference of two scores": "difference of the scores x₁ − x₂",
    "the distance of a pair": "distance of the pair",
    "the cosine": "cosine of the two vectors",
    "the angle": "angle θ to the own class in radians, 90° to the others",
    "the distance of the negative": "distance d(a, n), where d(a, p) = 1",
    "the log-ratio": "log-ratio h of chosen to rejected, less the reference's",
    "the log-variance": "log-variance s = log σ²",
}
DRAWN = [entry.name for entry in CATALOGUE if entry.views]


# ---- the whole catalogue ----------------------------------------------------------------------------


def test_a_loss_without_a_curve_says_so():
    for entry in CATALOGUE:
        if not entry.views:
            with pytest.raises(ValueError, match=re.escape(str(entry.not_drawn))):
                lossbook.plot(entry.name)


@pytest.mark.parametrize("quantity", ["loss", "gradient"])
@pytest.mark.parametrize("name", DRAWN)
def test_picture_shows_the_curves(name, quantity):
    ax = lossbook.plot(name, quantity=quantity)
    found = curves(name)
    assert ax.get_xlabel() == LABELS[str(found[0].variable.name)]
    assert ax.get_ylabel() == quantity
    lines = iter(ax.lines)
    for number, curve in enumerate(found):
        heights = getattr(curve, quantity).numpy().copy()
        line = next(lines)
        assert (line.get_color(), line.get_linestyle()) == (style.COLORS[number], style.LINES[number])
        if quantity == "gradient":
            heights[curve.kinks.numpy()] = np.nan  # the line breaks where the gradient jumps
        np.testing.assert_array_equal(line.get_xydata(), np.stack([curve.x.numpy(), heights], -1))
        if curve.kinks.any():
            dots = torch.stack([curve.x, getattr(curve, quantity)], -1)[curve.kinks]
            assert next(lines).get_xydata().tolist() == dots.tolist()
        if curve.flat.any():
            band = next(lines)
            assert band.get_linewidth() > 3 * line.get_linewidth()
            assert np.isfinite(band.get_ydata()).tolist() == curve.flat.tolist()
    assert next(lines, None) is None


SEVERAL = {
    "regression": (("l1", "mse", "smooth_l1", "huber"), {}),
    "variances": (("mse", "gaussian_nll"), {}),
    "deltas": (("huber",), {"delta": [0.5, 1, 2]}),
    "labels": (("bce_with_logits", "soft_margin"), {}),
    "scores": (("cross_entropy", "multi_margin", "multilabel_soft_margin"), {}),
    "margins": (("margin_ranking",), {"margin": [0.0, 0.5, 1.0]}),
    "rates": (("poisson_nll",), {"log_input": False}),
}
PICTURES = {f"{name} {q}": ((name,), {}, q) for name in DRAWN for q in ("loss", "gradient")}
PICTURES |= {name: (losses, settings, "loss") for name, (losses, settings) in SEVERAL.items()}


@pytest.mark.parametrize(("losses", "settings", "quantity"), PICTURES.values(), ids=PICTURES)
def test_every_plot_is_legible_in_every_language(losses, settings, quantity, caplog):
    said = texts_by_language(lambda: lossbook.plot(*losses, quantity=quantity, **settings))
    if quantity == "loss":  # "logit" and "gradient" are Vietnamese words too
        assert len(set(map(tuple, said.values()))) == len(LANGUAGES)
    assert caplog.messages == [], "a notebook would show what matplotlib logs"


@pytest.mark.parametrize(("losses", "settings"), SEVERAL.values(), ids=SEVERAL)
def test_plots_use_only_black_ink_and_the_colors(losses, settings):
    assert foreign_ink(lossbook.plot(*losses, **settings).figure) == set()


# ---- what can be asked of it ------------------------------------------------------------------------

ERRORS = torch.arange(-300, 301, dtype=torch.float64) / 100


@pytest.mark.parametrize(
    ("loss", "label"),
    [
        ("l1", "L1Loss"),
        (nn.L1Loss, "L1Loss"),
        (lossbook.functional.l1_loss, "l1_loss"),
        (nn.L1Loss(), "L1Loss"),
        (torch.nn.functional.l1_loss, "l1_loss"),
        (torch.nn.L1Loss(reduction="sum"), "L1Loss"),
    ],
)
def test_plot_draws_a_loss_and_its_gradient(loss, label):
    line, kink = lossbook.plot(loss).lines
    assert line.get_label() == label
    assert line.get_xdata().tolist() == ERRORS.tolist()
    assert line.get_ydata().tolist() == ERRORS.abs().tolist()
    assert kink.get_xydata().tolist() == [[0, 0]]

    line, kink = lossbook.plot(loss, quantity="gradient").lines
    expected = ERRORS.sign()
    expected[300] = torch.nan
    assert_close(torch.tensor(line.get_ydata()), expected, equal_nan=True, rtol=0, atol=0)
    assert kink.get_xydata().tolist() == [[0, 0]]


def labels(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_plot_draws_several_losses_where_it_is_told():
    _, (left, right) = plt.subplots(1, 2)
    assert lossbook.plot("l1", "mse", ax=left) is left
    assert labels(left) == ["L1Loss", "kink", "MSELoss"]
    height = left.figure.get_figheight()
    lossbook.plot("hinge_embedding", ax=left)
    assert left.figure.get_figheight() == height, "only a figure of its own may grow"
    assert lossbook.plot("mse").figure is not left.figure, "never onto the picture that happens to be open"
    assert not right.lines


def test_legend_names_the_curves_then_each_mark_once():
    assert labels(lossbook.plot("margin_ranking")) == ["y = 1", "y = −1", "kink", "flat: gradient 0"]


def test_a_list_of_settings_compares():
    ax = lossbook.plot("huber", delta=[0.5, 1, 2])
    assert ax.get_legend().get_title().get_text() == "HuberLoss"
    assert labels(ax) == ["delta=0.5", "delta=1", "delta=2"]
    for line, delta in zip(ax.lines, (0.5, 1, 2), strict=True):
        expected = [e * e / 2 if abs(e) <= delta else delta * (abs(e) - delta / 2) for e in line.get_xdata()]
        assert line.get_ydata() == pytest.approx(expected)
    assert len({line.get_linestyle() for line in ax.lines}) == 3


def test_a_setting_goes_to_the_losses_that_have_it():
    ax = lossbook.plot("l1", "huber", delta=2)
    assert labels(ax) == ["L1Loss", "kink", "HuberLoss(delta=2)"]
    assert ax.lines[2].get_ydata()[0] == 2 * (3 - 1)


def test_what_all_curves_share_is_said_once():
    assert lossbook.plot("poisson_nll", log_input=False).get_legend().get_title().get_text() == (
        "PoissonNLLLoss(log_input=False)"
    )
    ax = lossbook.plot("bce_with_logits", "soft_margin")
    assert labels(ax)[1:3] == ["BCEWithLogitsLoss, y = 0", "SoftMarginLoss, y = 1"]


# ---- what it refuses --------------------------------------------------------------------------------


def hinge(prediction, target):
    return (1 - prediction).clamp(min=0).mean() + target.sum()


@pytest.mark.parametrize(
    ("losses", "settings", "error", "message"),
    [
        ((), {}, ValueError, "at least one loss"),
        (("l1", "l1"), {}, ValueError, "each loss once, got L1Loss twice"),
        (("huber",), {"delta": [1, 1.0]}, ValueError, "each loss once"),
        (("huber",), {"delta": []}, ValueError, "no value for delta"),
        (("l1",), {"quantity": "slope"}, ValueError, 'quantity="loss" or "gradient", not \'slope\''),
        (("l1", "cross_entropy"), {}, ValueError, "L1Loss is drawn over the error; CrossEntropyLoss is drawn over"),
        (
            ("l1", "cross_entropy"),
            {},
            ValueError,
            "Over the error it draws l1, mse, smooth_l1, huber, log_cosh, charbonnier, quantile, gaussian_nll",
        ),
        (("bce", torch.nn.NLLLoss()), {}, ValueError, "NLLLoss is drawn over the probability of the true class"),
        (("poisson_nll",), {"log_input": [True, False]}, ValueError, "(log_input=False) is drawn over the rate"),
        (("huber",), {"delta": [0.1 * n for n in range(1, 8)]}, ValueError, "6 curves that can be told apart"),
        (("l2",), {}, ValueError, "no loss 'l2'"),
        ((3,), {}, ValueError, "no loss 3"),
        (("ctc",), {"blank": 1}, ValueError, "plot draws ctc with blank=0 only. Leave the setting out"),
        (("huber",), {"dleta": 2}, TypeError, "Did you mean 'delta'?"),
        (("huber",), {"delta": -1.0}, ValueError, "delta must"),
        ((nn.HuberLoss(),), {"delta": 2}, TypeError, "A module gets its settings when it is built"),
        ((type(nn.L1Loss()).__base__,), {}, TypeError, "is the class of one. Build it: plot(Loss(), …)"),
        ((lambda x, y: None,), {}, TypeError, "must return a tensor, got NoneType"),
        ((lambda x, y: 3.0,), {}, TypeError, "must return a tensor, got float"),
        ((hinge,), {"delta": 2}, TypeError, "None of these losses takes 'delta'"),
    ],
)
def test_plot_says_what_it_cannot_draw(losses, settings, error, message):
    with pytest.raises(error, match=re.escape(message)):
        lossbook.plot(*losses, **settings)
