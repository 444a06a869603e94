"""Generalized Dice against MONAI, a plain formula, plain Dice, and where classes are absent, tiny or huge."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import dice_loss, generalized_dice_loss
from lossbook.catalogue import find
from tests.package.peers import assert_same, learned

from .test_overlap import smoothing, stored_masks

#: What MONAI 1.6.1's GeneralizedDiceLoss gave for the masks of test_overlap: value, and sum of |gradient|.
MONAI = {
    "softmax": ({}, 0.8536764736, 0.1785523153),
    "softmax, batch": ({"batch": True}, 0.8436726621, 0.1776967848),
    "softmax, simple": ({"weighting": "simple"}, 0.8309222440, 0.1792091794),
    "softmax, simple, batch": ({"weighting": "simple", "batch": True}, 0.8217349897, 0.1750053468),
    "softmax, uniform": ({"weighting": "uniform"}, 0.7920699347, 0.1706409129),
    "softmax, uniform, batch": ({"weighting": "uniform", "batch": True}, 0.7920701987, 0.1706409698),
    "sigmoid": ({"mode": "multilabel"}, 0.4142181012, 0.1171273525),
    "softmax, smoothing of 1": (smoothing(1.0), 0.5689070317, 0.1459358857),
    "softmax, include_background=False": (
        {"include_background": False, **smoothing(0.0)},
        0.8360854722,
        0.1617178788,
    ),
}


@pytest.mark.parametrize("case", MONAI)
def test_equals_monai(case):
    settings, value, slopes = MONAI[case]
    z, classes, labels = stored_masks()
    target = labels if settings.get("mode") == "multilabel" else classes
    found = generalized_dice_loss(z.requires_grad_(), target, **{**smoothing(1e-5), **settings})
    # MONAI makes its weights in float32.
    assert found.item() == pytest.approx(value, abs=1e-8)
    assert torch.autograd.grad(found, z)[0].abs().sum().item() == pytest.approx(slopes, abs=1e-8)


def by_einsum(z, target, power, absent, batch):
    """As the authors of boundary losses have it: sums of products over axes."""
    hot = F.one_hot(target, z.shape[1]).double()
    axes = "nkd,ndk->k" if batch else "nkd,ndk->nk"
    shared = torch.einsum(axes, z.softmax(1), hot)
    sizes = torch.einsum(axes, torch.ones_like(z), hot)
    predicted = torch.einsum(axes, z.softmax(1), torch.ones_like(hot))
    weights = sizes.pow(-power)
    finite = weights.masked_fill(weights.isinf() | (sizes == 0), 0)
    unseen = finite.max(-1, keepdim=True).values if absent == "largest" else 0
    weights = torch.where(sizes == 0, unseen, finite)
    return 1 - 2 * torch.einsum("...k,...k->...", weights, shared) / torch.einsum(
        "...k,...k->...", weights, predicted + sizes
    )


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("absent", ["largest", "zero"])
@pytest.mark.parametrize(("weighting", "power"), [("square", 2), ("simple", 1), ("uniform", 0)])
def test_equals_sums_of_products(weighting, power, absent, batch, generator):
    z, target = learned(generator, 3, 4, 6), torch.randint(3, (3, 6), generator=generator)
    settings = {"weighting": weighting, "absent": absent, "batch": batch, "reduction": "none"}
    assert_same(
        lambda z: generalized_dice_loss(z, target, **settings),
        lambda z: by_einsum(z, target, power, absent, batch),
        z,
    )


def test_of_classes_of_one_size_it_is_dice_of_all_together(generator):
    z, target = learned(generator, 1, 3, 6), torch.tensor([[0, 0, 1, 1, 2, 2]])
    hot = F.one_hot(target, 3).movedim(-1, 1)
    together = dice_loss(z.softmax(1), hot, from_logits=False, **smoothing(0.0))
    for weighting in ("square", "simple", "uniform"):
        assert_close(generalized_dice_loss(z, target, weighting=weighting), together)


def test_equals_its_definition_on_pixels(generator):
    z, t = learned(generator, 3, 4, 5), torch.rand(3, 4, 5, generator=generator, dtype=torch.float64)
    for settings in ({}, {"batch": True}, {"mode": "multilabel", "weighting": "simple"}):
        terms = find("generalized_dice").definition(z.tolist(), t.tolist(), **settings)
        ours = generalized_dice_loss(z, t, reduction="none", **settings).flatten()
        assert_close(ours, torch.tensor([term.loss for term in terms], dtype=torch.float64), rtol=1e-12, atol=1e-12)


def test_a_small_class_counts_as_much_as_a_large_one():
    """Its one pixel is missed: uniform weights hardly see it."""
    target = torch.zeros(1, 10_000).long()
    target[0, 0] = 1
    p = torch.stack([torch.ones(1, 10_000), torch.zeros(1, 10_000)], 1)
    assert generalized_dice_loss(p, target, from_logits=False, weighting="uniform") < 2e-4
    assert generalized_dice_loss(p, target, from_logits=False) > 0.9


# ---- extremes


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("absent", ["largest", "zero"])
def test_absent_classes(absent, dtype):
    z = torch.tensor([[[2.0, -1, 0], [0, 1, 1], [0.5, 0, 0]]], dtype=dtype, requires_grad=True)
    one_class = generalized_dice_loss(z, torch.zeros(1, 3).long(), absent=absent)
    assert 0 < one_class < 1
    assert torch.autograd.grad(one_class, z)[0].isfinite().all()
    for settings in ({"ignore_index": 0}, {"include_background": False}):
        nothing = generalized_dice_loss(z, torch.zeros(1, 3).long(), absent=absent, **settings)
        assert nothing == 0
        assert torch.equal(torch.autograd.grad(nothing, z)[0], torch.zeros_like(z))
    predicted = z.detach().clone()
    predicted[:, 2] += 4
    worse = generalized_dice_loss(predicted, torch.tensor([[0, 1, 1]]), absent=absent)
    without = generalized_dice_loss(predicted[:, :2], torch.tensor([[0, 1, 1]]), absent=absent)
    assert worse > without, "what is predicted of an absent class is missed elsewhere"


def test_soft_masks_that_are_learned_too(generator):
    """A weight of 1/n² has an infinite slope where a class is absent."""
    z, t = learned(generator, 2, 3, 4), torch.rand(2, 3, 4, generator=generator, dtype=torch.float64)
    t[0, 2] = 0
    for weighting in ("square", "simple", "uniform"):
        loss = generalized_dice_loss(z, t.requires_grad_(), weighting=weighting)
        assert all(slope.isfinite().all() for slope in torch.autograd.grad(loss, (z, t)))
    assert torch.autograd.gradcheck(generalized_dice_loss, (z[1:].detach(), t[1:].detach().requires_grad_()))


@pytest.mark.parametrize("scale", [30.0, -30.0])
def test_perfect_and_useless_predictions(scale):
    target = torch.tensor([[0, 1, 1, 2]])
    hot = F.one_hot(target, 3).movedim(-1, 1).float()
    z = (scale * hot).requires_grad_()
    value = generalized_dice_loss(z, target)
    assert value.item() == (pytest.approx(0.0, abs=1e-6) if scale > 0 else pytest.approx(1.0))
    assert torch.autograd.grad(value, z)[0].isfinite().all()


def test_a_good_prediction_keeps_its_digits():
    target = torch.tensor([[0, 1, 1, 2]])
    z = 20 * F.one_hot(target, 3).movedim(-1, 1)
    exact = generalized_dice_loss(z.double(), target)
    assert 0 < exact < 1e-7
    assert_close(generalized_dice_loss(z.float(), target).double(), exact, rtol=1e-5, atol=0)


def test_monais_smoothing_swallows_large_objects():
    """The same half right prediction of two halves, of 100 and of a million voxels."""

    def loss(voxels, smooth):
        p = torch.tensor([[[0.5], [0.5]]]).expand(1, 2, voxels)
        target = (torch.arange(voxels) < voxels // 2).long()[None]
        return generalized_dice_loss(p, target, from_logits=False, **smoothing(smooth)).item()

    assert loss(100, 0.0) == pytest.approx(0.5)
    assert loss(1_000_000, 0.0) == pytest.approx(0.5)
    assert loss(100, 1e-5) == pytest.approx(0.5, abs=1e-3)
    assert loss(1_000_000, 1e-5) < 0.25


def test_half_precision_of_a_large_image(generator):
    """The squares of the sizes pass 65504."""
    z, target = torch.randn(1, 2, 300, 300, generator=generator), torch.randint(2, (1, 300, 300), generator=generator)
    for dtype in (torch.float16, torch.bfloat16):
        ours = generalized_dice_loss(z.to(dtype), target).double()
        assert_close(ours, generalized_dice_loss(z.to(dtype).double(), target), rtol=torch.finfo(dtype).eps, atol=0)


def test_compiled_and_mapped(generator):
    z, numbers = learned(generator, 2, 3, 4), torch.randint(3, (2, 4), generator=generator)
    loss = lambda z, t: generalized_dice_loss(z, t, ignore_index=1)  # noqa: E731
    assert_close(torch.compile(loss, fullgraph=True, backend="aot_eager")(z, numbers), loss(z, numbers))
    assert_close(torch.func.vmap(lambda z, t: loss(z[None], t[None]))(z, numbers).mean(), loss(z, numbers))
    assert generalized_dice_loss(z[:0], numbers[:0]).isnan()
    assert generalized_dice_loss(z[0, :, 0], numbers[0, 0], reduction="none").shape == ()


LOGITS, NUMBERS = torch.zeros(2, 3, 4), torch.zeros(2, 4).long()
WRONG = {
    "binary": ({"mode": "binary"}, ValueError, "mode must be one of 'multiclass', 'multilabel', got 'binary'"),
    "another weight": ({"weighting": "inverse"}, ValueError, "weighting must be one of 'square', 'simple', 'uniform'"),
    "MONAI's name": ({"w_type": "square"}, TypeError, "has no setting 'w_type'"),
    "masks wanted": ({"mode": "multilabel"}, ValueError, "same shape with mode='multilabel'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        generalized_dice_loss(LOGITS, NUMBERS, **settings)


def test_verify_names_what_is_wrong():
    def weighted(logits, target, power=2):
        p, t = logits.softmax(1).flatten(2), F.one_hot(target, logits.shape[1]).movedim(-1, 1).flatten(2)
        sizes = t.sum(-1).double()
        w = torch.where(sizes > 0, sizes.clamp(min=1) ** -power, 0)
        w = torch.where(sizes > 0, w, w.amax(1, keepdim=True))
        return 1 - 2 * (w * (p * t).sum(-1)).sum(1) / (w * (p + t).sum(-1)).sum(1)

    def means_of_classes(logits, target):
        return dice_loss(logits, target, mode="multiclass", **smoothing(0.0))

    assert lossbook.verify(lambda z, t: weighted(z, t).mean(), like="generalized_dice")
    once = lossbook.verify(lambda z, t: weighted(z, t, power=1).mean(), like="gdl")
    assert "not squared" in once.diagnosis
    assert "each class" in lossbook.verify(means_of_classes, like="generalized_dice").diagnosis
