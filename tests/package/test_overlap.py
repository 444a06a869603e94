"""The losses of overlap (Dice, Jaccard, Tversky, focal Tversky) against peers, and where masks are empty, full or alike."""

import kornia
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook import beyond
from lossbook.catalogue import find
from tests.package.peers import assert_same, learned
from tests.package.test_formulas import compute

LOSSES = ["dice", "jaccard", "tversky", "focal_tversky"]
every_loss = pytest.mark.parametrize("name", LOSSES)
PLAIN = {"smooth_nr": 0.0, "smooth_dr": 0.0}


def loss_of(name, **settings):
    function = find(name).function
    return lambda z, t: function(z, t, **settings)


# ---- what MONAI 1.6.1 and segmentation-models-pytorch 0.6.0 gave for these masks: value, and sum of |gradient|


def stored_masks():
    n = torch.arange(120, dtype=torch.float64)
    classes = (7 * torch.arange(30) ** 2 // 3 % 4).reshape(3, 5, 2)
    classes[0] %= 2
    return (3 * torch.sin(n)).reshape(3, 4, 5, 2), classes, ((n * n) % 7 < 3).double().reshape(3, 4, 5, 2)


def smoothing(value):
    return {"smooth_nr": value, "smooth_dr": value}


CLASSES, SMP = {"mode": "multiclass"}, {**PLAIN, "batch": True, "skip_absent": True}
WEIGHT = torch.tensor([2.0, 0.5, 1.0, 0.25], dtype=torch.float64)
WEIGHTED = {"mode": "multiclass", "weight": WEIGHT}
BY_WEIGHTS, LOG = WEIGHTED | {"average": "weights"}, {"log_loss": True}
STORED = {
    "MONAI DiceLoss(softmax)": ("dice", CLASSES, 0.8499756057, 0.1318843567),
    "the same, include_background=False": (
        "dice",
        {**CLASSES, "include_background": False},
        0.8598663039,
        0.1017709815,
    ),
    "the same, batch": ("dice", {**CLASSES, "batch": True}, 0.8379296834, 0.1505623192),
    "the same, ignore_index=2": ("dice", {**CLASSES, "ignore_index": 2}, 0.8587631219, 0.1035398006),
    "MONAI DiceLoss(sigmoid, squared_pred)": (
        "dice",
        {"mode": "multilabel", "squared": True} | smoothing(1.0),
        0.3223622247,
        0.1157015702,
    ),
    "SMP DiceLoss multiclass": ("dice", {**SMP, **CLASSES}, 0.5879304366, 0.1505625084),
    "SMP DiceLoss multilabel": ("dice", {**SMP, "mode": "multilabel"}, 0.4120103921, 0.1170019712),
    "SMP DiceLoss binary": ("dice", SMP, 0.4119273854, 0.1171526124),
    "SMP DiceLoss ignore_index=2": ("dice", {**SMP, **CLASSES, "ignore_index": 2}, 0.3606231961, 0.1064187769),
    # Its formula says (2 I + smooth) / (|p| + |t| + smooth); it computes twice smooth.
    "SMP DiceLoss smooth=0.5": ("dice", SMP | CLASSES | smoothing(1.0), 0.5550249129, 0.1433446244),
    # MONAI doubles the fraction: its smooth_nr and smooth_dr are halved here.
    "MONAI DiceLoss(softmax, jaccard)": ("jaccard", CLASSES | smoothing(5e-6), 0.9071795598, 0.0920097266),
    "the same, jaccard, batch": ("jaccard", CLASSES | smoothing(5e-6) | {"batch": True}, 0.9076572286, 0.0945477400),
    "MONAI DiceLoss(sigmoid, jaccard, squared_pred)": (
        "jaccard",
        {"mode": "multilabel", "squared": True} | smoothing(0.5),
        0.4819353816,
        0.1314137270,
    ),
    "SMP JaccardLoss multiclass": ("jaccard", SMP | CLASSES, 0.6576576464, 0.0945477935),
    "SMP JaccardLoss binary": ("jaccard", SMP, 0.5834965589, 0.1175323040),
    "SMP JaccardLoss smooth=0.5": ("jaccard", SMP | CLASSES | smoothing(0.5), 0.6367848535, 0.0946872932),
    "MONAI TverskyLoss(softmax, 0.3, 0.7)": ("tversky", CLASSES, 0.8587299141, 0.1293240775),
    "MONAI TverskyLoss(sigmoid, batch, 0.3, 0.7)": (
        "tversky",
        {"mode": "multilabel", "batch": True},
        0.4513137247,
        0.1194736898,
    ),
    "SMP TverskyLoss multiclass": ("tversky", SMP | CLASSES, 0.5959438688, 0.1435950020),
    "SMP TverskyLoss binary": ("tversky", SMP, 0.4511919575, 0.1195881421),
    "SMP DiceLoss multiclass, log_loss": ("dice", SMP | CLASSES | LOG, 1.1911787625, 0.7872339520),
    "SMP DiceLoss multilabel, log_loss, smooth=0.5": (
        "dice",
        SMP | LOG | smoothing(1.0) | {"mode": "multilabel"},
        0.5138630941,
        0.1898967554,
    ),
    "SMP DiceLoss multiclass, class_weights": ("dice", SMP | BY_WEIGHTS, 0.7531931822, 0.2053627894),
    "SMP DiceLoss multiclass, both": ("dice", SMP | BY_WEIGHTS | LOG, 1.5659724461, 1.1318152783),
    "MONAI DiceLoss(softmax, weight)": ("dice", WEIGHTED, 0.7801599372, 0.1735034215),
    "the same, weight, include_background=False": (
        "dice",
        WEIGHTED | {"include_background": False},
        0.4933442423,
        0.0778569386,
    ),
    "SMP JaccardLoss multiclass, log_loss": ("jaccard", SMP | CLASSES | LOG, 1.6246238545, 0.8713539461),
    "SMP JaccardLoss multilabel, log_loss, smooth=0.5": (
        "jaccard",
        SMP | LOG | smoothing(0.5) | {"mode": "multilabel"},
        0.8508177180,
        0.2708980167,
    ),
    "SMP JaccardLoss multiclass, class_weights": ("jaccard", SMP | BY_WEIGHTS, 0.8326616665, 0.1256311570),
    "SMP JaccardLoss multiclass, both": ("jaccard", SMP | BY_WEIGHTS | LOG, 2.1177562953, 1.2453285331),
    "MONAI DiceLoss(softmax, weight, jaccard, batch)": (
        "jaccard",
        WEIGHTED | smoothing(5e-6) | {"batch": True},
        0.8431199856,
        0.1177792102,
    ),
    "SMP TverskyLoss multiclass, log_loss": ("tversky", SMP | CLASSES | LOG, 1.2161738560, 0.7756221927),
    "SMP TverskyLoss multilabel, log_loss, smooth=0.5": (
        "tversky",
        SMP | LOG | smoothing(0.5) | {"mode": "multilabel"},
        0.5811365157,
        0.2080068104,
    ),
    "SMP TverskyLoss multiclass, class_weights": ("tversky", SMP | BY_WEIGHTS, 0.7597817365, 0.1937366439),
    "SMP TverskyLoss multiclass, both": ("tversky", SMP | BY_WEIGHTS | LOG, 1.5908278819, 1.0990272127),
    # Of several classes it takes the power of their mean: not compared.
    "SMP TverskyLoss binary, gamma=0.75": ("focal_tversky", SMP, 0.5505173520, 0.1094357062),
    "SMP TverskyLoss binary, gamma=0.75, log_loss": ("focal_tversky", SMP | LOG, 0.6817371998, 0.1856905992),
    "SMP TverskyLoss binary, gamma=2, log_loss": (
        "focal_tversky",
        SMP | LOG | {"gamma": 2.0},
        0.3600078575,
        0.2614891283,
    ),
}


@pytest.mark.parametrize("case", STORED)
def test_equals_what_others_gave(case):
    name, settings, value, slopes = STORED[case]
    z, classes, labels = stored_masks()
    found = loss_of(name, **settings)(z.requires_grad_(), classes if settings.get("mode") == "multiclass" else labels)
    # MONAI makes its one-hot targets in float32; SMP's denominator is at least 1e-7.
    assert found.item() == pytest.approx(value, abs=1e-8)
    assert torch.autograd.grad(found, z)[0].abs().sum().item() == pytest.approx(slopes, abs=1e-8)


# ---- peers that compute otherwise


def dice_by_sets(p, t, settings):
    """MONAI's formula: sums over space, a numerator and a denominator; p and t are (N, C, D) or (C, D)."""
    power = 2 if settings.get("squared") else 1
    return 1 - (2 * (p * t).sum(-1) + 0.25) / (p**power + t**power).sum(-1).add(0.5)


def jaccard_by_sets(p, t, settings):
    power = 2 if settings.get("squared") else 1
    shared = (p * t).sum(-1)
    return 1 - (shared + 0.25) / ((p**power + t**power).sum(-1) - shared + 0.5)


def tversky_by_sets(p, t, settings):
    """As segmentation-models-pytorch: what is shared, from the sizes and the absolute difference of two masks."""
    shared = (p.sum(-1) + t.sum(-1) - (p - t).abs().sum(-1)) / 2
    false, missed = p.sum(-1) - shared, t.sum(-1) - shared
    a, b = settings.get("alpha", 0.3), settings.get("beta", 0.7)
    return (1 - (shared + 0.25) / (shared + a * false + b * missed + 0.5)) ** settings.get("gamma", 1)


BY_SETS = {
    "dice": (dice_by_sets, [{}, {"squared": True}]),
    "jaccard": (jaccard_by_sets, [{}, {"squared": True}]),
    "tversky": (tversky_by_sets, [{}, {"alpha": 1.5, "beta": 0.25}]),
    "focal_tversky": (tversky_by_sets, [{"gamma": 0.75}, {"gamma": 2.0, "alpha": 0.5}]),
}
CASES = [(name, more) for name, (_, every) in BY_SETS.items() for more in every]


@pytest.mark.parametrize("mode", ["binary", "multilabel", "multiclass"])
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("name", "more"), CASES)
def test_equals_its_sets(name, more, batch, mode, generator):
    z = learned(generator, 3, 4, 5, 2)
    target = torch.randint(2, z.shape, generator=generator).double()
    if mode == "multiclass":
        target = torch.randint(4, (3, 5, 2), generator=generator)
    ours = loss_of(name, mode=mode, batch=batch, smooth_nr=0.25, smooth_dr=0.5, reduction="none", **more)

    def theirs(z):
        p, t = (
            (z.softmax(1), F.one_hot(target, 4).movedim(-1, 1).double())
            if mode == "multiclass"
            else (z.sigmoid(), target)
        )
        rows = [x.reshape(3, 1 if mode == "binary" else 4, -1) for x in (p, t)]
        rows = [x.movedim(0, 1).reshape(x.shape[1], -1) if batch else x for x in rows]
        return BY_SETS[name][0](*rows, more).squeeze(-1 if mode == "binary" else ())

    assert_same(lambda z: ours(z, target), theirs, z)


def test_dice_is_kornias(generator):
    """Its "micro" pools the classes: one mask of all; its "macro" takes the mean over the classes that are there."""
    z = learned(generator, 2, 4, 3, 3)
    target = torch.randint(3, (2, 3, 3), generator=generator)
    target[0].clamp_(max=1)
    hot = F.one_hot(target, 4).movedim(-1, 1).double()
    below = {"smooth_nr": 0.0, "smooth_dr": 1e-8}
    pooled = loss_of("dice", from_logits=False, **below)
    assert_same(lambda z: pooled(z.softmax(1), hot), lambda z: kornia.losses.dice_loss(z, target), z)
    each = loss_of("dice", mode="multiclass", reduction="none", **below)
    there = hot.sum((2, 3)) > 0

    def mean_of_those(z):
        return (torch.where(there, each(z, target), 0).sum(1) / there.sum(1)).mean()

    assert_same(mean_of_those, lambda z: kornia.losses.dice_loss(z, target, average="macro"), z)


def test_tversky_is_kornias(generator):
    """It takes the mean over the classes that are there, then over the samples."""
    z, target = learned(generator, 2, 4, 3, 3), torch.randint(3, (2, 3, 3), generator=generator)
    each = loss_of("tversky", mode="multiclass", reduction="none", smooth_nr=0.0, smooth_dr=1e-8)
    there = F.one_hot(target, 4).sum((1, 2)) > 0

    def mean_of_those(z):
        return (torch.where(there, each(z, target), 0).sum(1) / there.sum(1)).mean()

    assert_same(mean_of_those, lambda z: kornia.losses.tversky_loss(z, target, alpha=0.3, beta=0.7), z)


def test_one_family(generator):
    """Dice and Jaccard are Tversky losses, each a function of the other, and the power 1 changes nothing."""
    z, t = learned(generator, 3, 7), torch.randint(2, (3, 7), generator=generator)
    half, one = {"alpha": 0.5, "beta": 0.5}, {"alpha": 1.0, "beta": 1.0}
    dice = loss_of("dice", **smoothing(1.0), reduction="none")(z, t)
    assert_close(loss_of("tversky", **half, **smoothing(0.5), reduction="none")(z, t), dice)
    assert_close(loss_of("jaccard")(z, t), loss_of("tversky", **one)(z, t))
    assert_close(loss_of("jaccard", **smoothing(0.5), reduction="none")(z, t), 2 * dice / (1 + dice))
    assert_close(loss_of("focal_tversky", gamma=1.0)(z, t), loss_of("tversky")(z, t))
    assert loss_of("tversky", alpha=0.0, beta=0.0)(z, t) == 0


@pytest.mark.parametrize("mode", ["binary", "multiclass"])
@every_loss
def test_derivatives_of_every_order(name, mode, generator):
    """What one pass takes back at once is what torch finds: of the target too, forward, and of the second order."""
    z, t = learned(generator, 2, 5), torch.rand(2, 5, generator=generator, dtype=torch.float64).requires_grad_()
    loss = loss_of(name, mode=mode)
    assert torch.autograd.gradcheck(loss, (z, t), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(loss, (z, t), check_fwd_over_rev=True)
    of_z, z = lambda z: loss(z, t.detach()), z.detach()
    forward = torch.func.jacfwd(torch.func.jacfwd(of_z))(z)
    assert forward.abs().max() > 1e-3
    assert_close(torch.func.hessian(of_z)(z), forward)
    assert_close(torch.func.jacrev(torch.func.jacrev(of_z))(z), forward)


@pytest.mark.parametrize("log_loss", [False, True])
@every_loss
def test_its_formula_gives_the_loss(name, log_loss, generator):
    z, t = learned(generator, 7), torch.randint(2, (7,), generator=generator).double()
    explanation = lossbook.explain(name, z, t, log_loss=log_loss, smooth_nr=0.5, smooth_dr=2.0)
    formula, p = explanation.formula, z.detach().sigmoid()
    sums = {"p_i t_i": p * t, "p_i (1 - t_i)": p * (1 - t), "(1 - p_i) t_i": (1 - p) * t, "p_i": p, "t_i": t}
    for text, terms in sums.items():
        formula = formula.replace(rf"\sum_i {text}", f"{terms.sum():.15f}")
    assert compute(formula, {}) == pytest.approx(explanation.value.item(), rel=1e-9)


@every_loss
def test_equals_its_definition_on_pixels(name, generator):
    entry = find(name)
    z, t = learned(generator, 3, 4, 5), torch.rand(3, 4, 5, generator=generator, dtype=torch.float64)
    for mode in ("binary", "multilabel", "multiclass"):
        for batch in (False, True):
            for more in BY_SETS[name][1]:
                terms = entry.definition(z.tolist(), t.tolist(), mode=mode, batch=batch, **more)
                ours = loss_of(name, mode=mode, batch=batch, reduction="none", **more)(z, t).flatten()
                assert_close(
                    ours, torch.tensor([term.loss for term in terms], dtype=torch.float64), rtol=1e-12, atol=1e-12
                )


@pytest.mark.parametrize("average", ["masks", "weights"])
@every_loss
def test_a_weight_of_2_is_a_class_that_is_there_twice(name, average, generator):
    z, t = learned(generator, 3, 2, 5), torch.randint(2, (3, 2, 5), generator=generator)
    weighted = loss_of(name, mode="multilabel", weight=torch.tensor([2.0, 1.0]), average=average)
    twice = loss_of(name, mode="multilabel")(z[:, [0, 0, 1]], t[:, [0, 0, 1]])
    assert_close(weighted(z, t), twice if average == "weights" else 1.5 * twice)
    assert_close(loss_of(name, mode="multilabel", weight=torch.ones(2))(z, t), loss_of(name, mode="multilabel")(z, t))


@pytest.mark.parametrize("gamma", [0.75, 2.0])
def test_the_power_of_a_logarithm_is_weighted(gamma, generator):
    z, t = learned(generator, 3, 4, 5), torch.randint(2, (3, 4, 5), generator=generator)
    settings = {"mode": "multilabel", "log_loss": True, "reduction": "none"}
    ours = loss_of("focal_tversky", gamma=gamma, weight=WEIGHT, **settings)
    each = loss_of("tversky", **settings)
    assert_same(lambda z: ours(z, t), lambda z: WEIGHT * each(z, t) ** gamma, z)


NAMES = {
    "dice": ("soft_dice", "DiceLoss", beyond.dice_loss),
    "jaccard": ("soft_iou", "JaccardLoss", beyond.JaccardLoss()),
    "tversky": ("TverskyLoss", beyond.TverskyLoss),
    "focal_tversky": ("ftl", "focal_tversky_loss"),
}


@every_loss
def test_goes_by_the_names_that_people_type(name):
    assert all(find(other).name == name for other in NAMES[name])


def test_verify_knows_dice():
    def without_two(logits, target):
        p, t = logits.sigmoid().flatten(1), target.flatten(1)
        return (1 - ((p * t).sum(1) + 1e-5) / ((p + t).sum(1) + 1e-5)).mean()

    def of_classes(logits, target):
        p, t = logits.softmax(1).flatten(2), F.one_hot(target, logits.shape[1]).movedim(-1, 1).flatten(2)
        return 1 - (2 * (p * t).sum(-1) / ((p + t).sum(-1) + 1e-5)).mean()

    assert "factor 2" in lossbook.verify(without_two, like="dice").diagnosis
    assert "denominator only" in lossbook.verify(of_classes, like="dice", mode="multiclass").diagnosis
    assert lossbook.verify(of_classes, like="dice", mode="multiclass", smooth_nr=0.0)


def test_verify_knows_the_logarithm_and_the_weights():
    def each(logits, target):
        p, t = logits.softmax(1).flatten(2), F.one_hot(target, logits.shape[1]).movedim(-1, 1).flatten(2)
        return 1 - (2 * (p * t).sum(-1) + 1e-5) / ((p + t).sum(-1) + 1e-5)

    weighted = {"like": "dice", "mode": "multiclass", "weight": WEIGHT}
    assert lossbook.verify(lambda z, t: (each(z, t) * WEIGHT).mean(), **weighted)
    assert "weights of the classes are missing" in lossbook.verify(lambda z, t: each(z, t).mean(), **weighted).diagnosis
    by_weights = lossbook.verify(lambda z, t: (each(z, t) * WEIGHT).sum() / WEIGHT.sum() / len(z), **weighted)
    assert "number of masks" in by_weights.diagnosis
    logarithm = lossbook.verify(lambda z, t: -(1 - each(z, t)).log().mean(), like="dice", mode="multiclass")
    assert "logarithm" in logarithm.diagnosis


def test_verify_knows_the_logarithm_and_the_weights_of_tversky():
    def each(logits, target):
        p, t = logits.softmax(1).flatten(2), F.one_hot(target, logits.shape[1]).movedim(-1, 1).flatten(2)
        tp = (p * t).sum(-1)
        return 1 - (tp + 1e-5) / (0.3 * p.sum(-1) + 0.7 * t.sum(-1) + 1e-5)

    for name, power in (("tversky", 1), ("focal_tversky", 0.75)):
        weighted = {"like": name, "mode": "multiclass", "weight": WEIGHT}
        assert lossbook.verify(lambda z, t, power=power: (each(z, t) ** power * WEIGHT).mean(), **weighted)
        without = lossbook.verify(lambda z, t, power=power: (each(z, t) ** power).mean(), **weighted)
        assert "weights of the classes are missing" in without.diagnosis
        logarithm = lossbook.verify(
            lambda z, t, power=power: ((-(1 - each(z, t)).log()) ** power).mean(), like=name, mode="multiclass"
        )
        assert "logarithm" in logarithm.diagnosis


@every_loss
def test_verify_tries_weights_on_a_loss_that_takes_them(name):
    """One that has another mean under weights is right without them."""
    right = find(name).function

    def always_by_weights(input, target, weight=None):
        return right(input, target, mode="multiclass", weight=weight, average="weights")

    report = lossbook.verify(always_by_weights, like=name, mode="multiclass")
    assert [check.name for check in report.failures] == ["settings"]
    assert lossbook.verify(always_by_weights, like=name, mode="multiclass", average="weights")
    both = lossbook.verify(lambda input, target, mode="binary", weight=None: right(input, target, mode=mode), like=name)
    assert [check.name for check in both.failures] == ["settings"]
