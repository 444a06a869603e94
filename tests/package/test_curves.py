"""The data behind plot: every loss over its variable, against its definition and against formulas written here by hand."""

import itertools
import math
import re

import pytest
import torch

from lossbook import nn
from lossbook.catalogue import CATALOGUE, find
from lossbook.plotting.curves import curves


def huber(e: float) -> float:
    return e * e / 2 if abs(e) <= 1 else abs(e) - 0.5


def softplus(z: float) -> float:
    return math.log(1 + math.exp(z))


def kl(p: float):
    return lambda q: p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def gaussian(v: float):
    return lambda e: (math.log(v) + e * e / v) / 2


def js(p: float):
    def loss(q: float) -> float:
        halves = [((a + b) / 2, a, b) for a, b in ((p, q), (1 - p, 1 - q))]
        return sum(a * math.log(a / m) + b * math.log(b / m) for m, a, b in halves) / 2

    return loss


def distilled(v: float):
    """T = 2: the divergence times 4."""

    def loss(z: float) -> float:
        p, q = (1 / (1 + 2 * math.exp(-x / 2)) for x in (v, z))
        return 4 * (p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)))

    return loss


def ctc(frames: int):
    """One label, 1; the blank is 0. Of all sequences those count whose 1s stand side by side."""

    def loss(p: float) -> float:
        rows = [
            row for row in itertools.product((0, 1), repeat=frames) if re.fullmatch("0*1+0*", "".join(map(str, row)))
        ]
        return -math.log(sum(p ** sum(row) * (1 - p) ** (frames - sum(row)) for row in rows))

    return loss


def three_scores(x: float) -> float:
    return math.log(1 + 2 * math.exp(-x))


def arcface(angle: float) -> float:
    """A margin of 0.5, a scale of 64, two other classes at 90°."""
    beyond = angle + 0.5 > math.pi
    own = math.cos(angle) - 0.5 * math.sin(0.5) if beyond else math.cos(angle + 0.5)
    return math.log(1 + 2 * math.exp(-64 * own))


DRAWN = [entry.name for entry in CATALOGUE if entry.views]
EXPECTED = {
    "l1": {"": abs},
    "mse": {"": lambda e: e * e},
    "log_cosh": {"": lambda e: math.log(math.cosh(e))},
    "charbonnier": {"": lambda e: math.hypot(e, 1e-3)},
    "quantile": {"": lambda e: abs(e) / 2},
    "js_div": {f"p = {p}": js(p) for p in (0.5, 0.8)},
    "distillation": {f"v = {v}": distilled(v) for v in (0, 2)},
    "gaussian_kl": {f"μ = {m}": lambda s, m=m: (m * m + math.exp(s) - 1 - s) / 2 for m in (0, 1, 2)},
    "soft_target_cross_entropy": {f"q = {q:g}": lambda x, q=q: three_scores(x) + (1 - q) * x for q in (1, 0.8, 0.5)},
    "token_cross_entropy": {"": three_scores},
    "uncertainty_weighting": {f"L = {L}": lambda s, L=L: (L * math.exp(-s) + s) / 2 for L in (1, 4)},
    "smooth_l1": {"": huber},
    "huber": {"": huber},
    "poisson_nll": {"y = 1": lambda x: math.exp(x) - x, "y = 5": lambda x: math.exp(x) - 5 * x},
    "gaussian_nll": {f"var = {v:g}": gaussian(v) for v in (0.25, 1, 4)},
    "kl_div": {f"p = {p}": kl(p) for p in (0.5, 0.8)},
    "list_net": {"y = 2, 1, 0": lambda x: math.log(math.exp(x) + 2) - x * math.exp(2) / (math.exp(2) + math.e + 1)},
    "pairwise_logistic": {
        "y = 1": lambda d: math.log(1 + math.exp(-d)),
        "y = 0": lambda d: math.log(1 + math.exp(d)),
    },
    "dpo": {"": lambda h: math.log(1 + math.exp(-h / 10))},
    "ipo": {"": lambda h: (h - 5) ** 2},
    "contrastive": {"y = 1": lambda d: d * d / 2, "y = 0": lambda d: max(0, 1 - d) ** 2 / 2},
    "info_nce": {f"M = {m}": lambda c, m=m: math.log(1 + m * math.exp(-c / 0.1)) for m in (1, 10, 100)},
    "ctc": {f"T = {frames}": ctc(frames) for frames in (1, 2, 4)},
    "bce": {"y = 1": lambda p: -math.log(p), "y = 0": lambda p: -math.log(1 - p)},
    "bce_with_logits": {"y = 1": lambda z: softplus(-z), "y = 0": softplus},
    "nll": {"": lambda p: -math.log(p)},
    "cross_entropy": {"": three_scores},
    "linear_cross_entropy": {"": three_scores},
    "arcface": {"": arcface},
    "hinge_embedding": {"y = 1": lambda d: d, "y = −1": lambda d: max(0, 1 - d)},
    "soft_margin": {"y = 1": lambda z: softplus(-z), "y = −1": softplus},
    "margin_ranking": {"y = 1": lambda x: max(0, -x), "y = −1": lambda x: max(0, x)},
    "multi_margin": {"": lambda x: 2 * max(0, 1 - x) / 3},
    "multilabel_margin": {"": lambda x: 2 * max(0, 1 - x) / 3},
    "multilabel_soft_margin": {"": lambda x: (softplus(-x) + 2 * math.log(2)) / 3},
    "cosine_embedding": {"y = 1": lambda c: 1 - c, "y = −1": lambda c: max(0, c)},
    "triplet_margin": {"": lambda d: max(0, 2 - d)},
    "triplet_margin_with_distance": {"": lambda d: max(0, 2 - d)},
}
#: Where the gradient jumps. Nowhere else, and not in the losses that are not named.
KINKS = {
    ("arcface", ""): [pytest.approx(math.pi - 0.5)],
    ("contrastive", "y = 0"): [0],
    ("l1", ""): [0],
    ("quantile", ""): [0],
    ("hinge_embedding", "y = −1"): [1],
    ("margin_ranking", "y = 1"): [0],
    ("margin_ranking", "y = −1"): [0],
    ("multi_margin", ""): [1],
    ("multilabel_margin", ""): [1],
    ("cosine_embedding", "y = −1"): [0],
    ("triplet_margin", ""): [2],
    ("triplet_margin_with_distance", ""): [2],
}
LIMITS = {
    "the error": (-3, 3),
    "the log-rate": (-2, 3),
    "the probability q": (0.02, 0.98),
    "the probability of yes": (0.02, 0.98),
    "the probability of the true class": (0.02, 0.98),
    "the logit": (-4, 4),
    "the score of the true class": (-4, 4),
    "the difference of two scores": (-3, 3),
    "the distance of a pair": (0, 3),
    "the cosine": (-1, 1),
    "the angle": (0.5, 3.12),
    "the distance of the negative": (0, 3),
    "the log-ratio": (-30, 30),
    "the log-variance": (-3, 3),
}


# ---- the whole catalogue ----


def test_every_loss_is_drawn_or_a_sentence_says_why_not():
    for entry in CATALOGUE:
        assert bool(entry.views) != bool(entry.not_drawn), entry.name
        assert entry.views or re.fullmatch(r"plot draws no \w+: .{60,}\.", str(entry.not_drawn))


@pytest.mark.parametrize("name", DRAWN)
def test_curve_is_the_definition(name):
    entry = find(name)
    found = curves(name)
    assert [curve.case for curve in found] == list(entry.views[0].cases)
    for curve in found:
        inputs = entry.views[0].cases[curve.case](curve.x)
        terms = entry.definition(*(tensor.tolist() for tensor in inputs))
        losses = torch.tensor([term.loss for term in terms]).double().reshape(len(curve.x), -1).sum(1)
        assert torch.allclose(curve.loss, losses, atol=2e-6)
        assert curve.gradient.isfinite().all()


@pytest.mark.parametrize("name", EXPECTED)
def test_curve_is_the_formula(name):
    found = curves(name)
    assert [curve.case for curve in found] == list(EXPECTED[name])
    for curve, formula in zip(found, EXPECTED[name].values(), strict=True):
        low, high = LIMITS[str(curve.variable.name)]
        x = curve.x.tolist()
        assert (x[0], x[-1]) == (low, high)
        assert len(x) > 190
        assert curve.loss.tolist() == pytest.approx([formula(value) for value in x], abs=2e-6)
        assert curve.gradient.isfinite().all()
        assert curve.x[curve.kinks].tolist() == KINKS.get((name, curve.case), [])
        inside = [(v, g) for v, g, kink in zip(x, curve.gradient.tolist(), curve.kinks, strict=True) if not kink][1:-1]
        slopes = [(formula(v + 1e-6) - formula(v - 1e-6)) / 2e-6 for v, _ in inside]
        assert [g for _, g in inside] == pytest.approx(slopes, rel=1e-4, abs=1e-4)
        level = [formula(v) == 0 and 0 in (formula(v + 1e-6), formula(v - 1e-6)) for v, _ in inside]
        flat = [f for f, kink in zip(curve.flat.tolist(), curve.kinks, strict=True) if not kink][1:-1]
        assert flat == level


@pytest.mark.parametrize("name", DRAWN)
def test_torch_and_modules_give_the_same_curves(name):
    entry = find(name)
    losses = [entry.torch_function] if entry.torch_function else []
    if not entry.sizes:  # its module owns parameters
        losses.append(entry.module(reduction="sum"))
    drawn = curves(name)
    for loss in losses:
        for ours, other in zip(drawn, curves(loss), strict=True):
            assert torch.allclose(ours.loss, other.loss)
            if (name, loss) != ("ctc", entry.torch_function):  # torch's gradient takes a log_softmax for granted
                assert torch.allclose(ours.gradient, other.gradient)


@pytest.mark.parametrize("library", [nn, torch.nn], ids=["lossbook", "torch"])
def test_parameters_of_its_own_leave_a_module_without_a_curve(library, in_torch):
    module = in_torch(getattr(library, "LinearCrossEntropyLoss", None))(4, 3)
    with pytest.raises(ValueError, match=re.escape("Draw its function: plot('linear_cross_entropy').")):
        curves(module)


def test_a_subclass_is_the_readers_own():
    class Doubled(nn.L1Loss):
        def forward(self, prediction, target):
            return 2 * super().forward(prediction, target)

    [curve] = curves(Doubled())
    assert (curve.name, curve.loss[0].item()) == ("Doubled", 6)


# ---- settings ----


def test_modules_show_what_they_were_built_with():
    found = curves(nn.HuberLoss(delta=2), torch.nn.HuberLoss(delta=0.5), nn.HuberLoss(reduction="sum"))
    assert [curve.setting for curve in found] == ["delta=2", "delta=0.5", ""]
    assert [curve.loss[0].item() for curve in found] == [4, 1.375, 2.5]
    [weighted] = curves(torch.nn.CrossEntropyLoss(weight=torch.tensor([3.0, 1, 1]), reduction="sum"))
    assert weighted.setting == "weight=[3, 1, 1]"
    assert weighted.loss[400].item() == pytest.approx(3 * math.log(3))


def test_a_case_that_the_settings_do_not_change_is_drawn_once():
    found = curves("hinge_embedding", margin=[0.5, 1.0, 2.0])
    assert [(c.setting, c.case) for c in found] == [
        ("", "y = 1"),
        *((f"margin={margin}", "y = −1") for margin in (0.5, 1, 2)),
    ]
    assert [c.x[c.kinks].tolist() for c in found] == [[], [0.5], [1], [2]]


def test_settings_change_the_variable_where_they_must():
    rate, _ = curves("poisson_nll", log_input=False)
    assert rate.loss.tolist() == pytest.approx([x - math.log(x) for x in rate.x.tolist()])
    plain, logarithm = curves("kl_div"), curves("kl_div", log_target=True)
    assert all(torch.allclose(a.loss, b.loss) for a, b in zip(plain, logarithm, strict=True))


def test_cross_entropy_joins_nll_over_the_probability():
    nll, cross_entropy = curves("nll", "cross_entropy")
    assert str(cross_entropy.variable.name) == "the probability of the true class"
    assert torch.allclose(nll.loss, cross_entropy.loss)
    assert torch.allclose(nll.gradient, cross_entropy.gradient)


def test_kinks_are_found_between_the_points_too():
    for curve, sign in zip(curves("margin_ranking", margin=1 / 3), (1, -1), strict=True):
        assert curve.x[curve.kinks].tolist() == pytest.approx([sign / 3], abs=1e-9)
        assert (curve.x.diff() > 0).all()
        assert len(curve.x) == 602


@pytest.mark.parametrize("loss", ["margin_ranking", "multi_margin", "hinge_embedding"])
def test_a_flat_stretch_reaches_to_its_kink(loss):
    """Of these torch takes 0 for the gradient at the kink, or the slope beside it, by loss and version."""
    for curve in curves(loss):
        flat = curve.x[curve.flat]
        if len(flat):
            ends = {flat.min().item(), flat.max().item()} - {curve.x.min().item(), curve.x.max().item()}
            assert ends <= set(curve.x[curve.kinks].tolist())
            assert ends


def test_swap_makes_two_more_kinks():
    _, swapped = curves("triplet_margin", swap=[False, True])
    inside = swapped.kinks & (swapped.x < 3)  # at 3 the loss ends; there clamp has the slope 0 from torch 2.14 on
    assert swapped.x[inside].tolist() == pytest.approx([0.5, 1])
    expected = [max(0, 2 - min(d, abs(d - 1))) for d in swapped.x.tolist()]
    assert swapped.loss.tolist() == pytest.approx(expected, abs=1e-5)


# ---- the reader's own -------------------------------------------------------------------------------


def hinge(prediction, target, margin=1.0):
    return (margin - prediction).clamp(min=0).mean() + target.sum()


def test_a_loss_of_the_readers_own():
    [curve] = curves(hinge)
    assert curve.name == "hinge"
    assert curve.x[curve.kinks].tolist() == [1]
    assert curve.loss.tolist() == pytest.approx([max(0, 1 - e) for e in curve.x.tolist()])
    assert [c.x[c.kinks].tolist() for c in curves(hinge, margin=[0.5, 2.0])] == [[0.5], [2]]


def test_a_loss_of_the_readers_own_is_called_as_its_neighbor():
    def focal(logits, label):
        p = logits.softmax(-1)[range(len(label)), label]
        return (-((1 - p) ** 2) * p.log()).mean()

    _, mine = curves("cross_entropy", focal)
    for x, loss in zip(mine.x.tolist(), mine.loss.tolist(), strict=True):
        p = 1 / (1 + 2 * math.exp(-x))
        assert loss == pytest.approx(-((1 - p) ** 2) * math.log(p))


def test_a_module_of_the_readers_own_keeps_its_type():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor([3.0]))

        def forward(self, prediction, target):
            return (self.scale * (prediction - target)).abs().sum()

    mine = Scaled()
    [curve] = curves(mine)
    assert curve.loss[0] == 9
    assert mine.scale.dtype == torch.float32
    assert mine.scale.grad is None


def test_stairs_have_no_gradient():
    [curve] = curves(lambda prediction, target: (prediction > target).double().mean())
    assert curve.loss.unique().tolist() == [0, 1]
    assert curve.gradient.unique().tolist() == [0]
