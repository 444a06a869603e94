"""ArcFace against peers that compute otherwise, and where angles have no slope."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import ArcFaceLoss, arcface_loss

from .test_info_nce import wave

CLASSES = torch.tensor([0, 1, 2, 3, 1])

#: Value, and gradients with respect to the first embedding and the first class, of ArcFaceLoss from
#: pytorch-metric-learning 2.9.0, by margin in degrees and scale.
BY_PYTORCH_METRIC_LEARNING = {
    (28.6, 64): (41.571741888, 0.1080548255, -0.3824437227, 1.8199410275, -2.120127618, 3.1764526535, 4.3023501435),
    (85.0, 4): (6.451746535, -0.0543045413, 0.0053908811, 0.2890715649, -0.0732514408, 0.0772761737, -0.0177799758),
}


def vectors():
    return wave(5, 3), wave(4, 3, step=1.1)


@pytest.mark.parametrize("case", BY_PYTORCH_METRIC_LEARNING, ids=str)
def test_equals_pytorch_metric_learning(case):
    degrees, scale = case
    x, weight = vectors()
    value = arcface_loss(x, weight, CLASSES, margin=math.radians(degrees), scale=scale)
    slopes = [slope[0] for slope in torch.autograd.grad(value, (x, weight))]
    found = [value.item(), *torch.cat(slopes).tolist()]
    assert found == pytest.approx(BY_PYTORCH_METRIC_LEARNING[case], abs=1e-9)


def by_angles(x, weight, margin, scale, beyond):
    """By the angles themselves, as the authors' code has it."""
    angles = F.linear(F.normalize(x), F.normalize(weight)).acos()
    own = angles.gather(1, CLASSES[:, None])
    moved = (own + margin).cos()
    if beyond == "linear":
        moved = torch.where(own + margin > math.pi, own.cos() - margin * math.sin(margin), moved)
    if beyond == "easy":
        moved = torch.where(own < math.pi / 2, moved, own.cos())
    return F.cross_entropy(scale * angles.cos().scatter(1, CLASSES[:, None], moved), CLASSES, reduction="none")


@pytest.mark.parametrize("beyond", ["linear", "easy", "cosine"])
@pytest.mark.parametrize(("margin", "scale"), [(0.5, 64.0), (1.5, 4.0), (0.0, 1.0)])
def test_equals_it_by_angles(beyond, margin, scale):
    pair = vectors()
    losses = by_angles(*pair, margin, scale, beyond)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = arcface_loss(*pair, CLASSES, margin=margin, scale=scale, beyond=beyond, reduction=reduction)
        assert_close(value, expected)
        slopes = [torch.autograd.grad(v.sum(), pair, retain_graph=True) for v in (value, expected)]
        for ours, theirs in zip(*slopes, strict=True):
            assert_close(ours, theirs)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_gradient_is_finite_where_an_angle_is_0_or_pi(sign, dtype):
    """acos has an infinite slope there."""
    x = torch.tensor([[sign, 0.0], [0.3 * sign, 0.4 * sign], [0.0, 0.0]], dtype=dtype, requires_grad=True)
    weight = torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=dtype, requires_grad=True)
    value = arcface_loss(x, weight, torch.tensor([0, 1, 0]))
    assert value.isfinite()
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(value, (x, weight)))


def test_without_margin_it_is_cross_entropy_of_cosines():
    x, weight = vectors()
    cosines = F.normalize(x) @ F.normalize(weight).T
    assert_close(arcface_loss(x, weight, CLASSES, margin=0.0), F.cross_entropy(64 * cosines, CLASSES))


def test_its_module_owns_the_classes():
    module = ArcFaceLoss(4, 3, dtype=torch.float64, margin=0.25)
    x = wave(5, 3)
    assert_close(module(x, CLASSES), arcface_loss(x, module.weight, CLASSES, margin=0.25))
    module(x, CLASSES).backward()
    assert module.weight.grad.isfinite().all()
    assert list(module.state_dict()) == ["weight"]
    assert lossbook.explain(module, x, CLASSES).value == module(x, CLASSES)


def test_empty_batch_and_nan():
    weight, none = torch.eye(3), torch.empty(0).long()
    assert arcface_loss(torch.empty(0, 3), weight, none).isnan()
    assert arcface_loss(torch.empty(0, 3), weight, none, reduction="sum") == 0
    assert arcface_loss(torch.tensor([[math.nan, 1.0, 0.0]]), weight, torch.tensor([0])).isnan()


X, W, T = torch.ones(2, 3), torch.ones(4, 3), torch.tensor([0, 3])
WRONG = {
    "another width": ((X, torch.ones(4, 2), T), {}, ValueError, r"shape \(C, 3\), got \(4, 2\)"),
    "an unknown class": ((X, W, torch.tensor([0, 4])), {}, IndexError, "holds class 4, but input has 4 classes"),
    "classes as numbers": ((X, W, T.float()), {}, TypeError, r"Write target.long\(\)"),
    "a column of classes": ((X, W, T[:, None]), {}, ValueError, r"label for each pair, shape \(2,\), got \(2, 1\)"),
    "degrees": ((X, W, T), {"margin": 28.6}, ValueError, "margin must lie between 0 and 1.57"),
    "no scale": ((X, W, T), {"scale": 0.0}, ValueError, "scale must be larger than 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        arcface_loss(*tensors, **settings)


def test_verify_names_what_is_wrong():
    def without_margin(x, weight, target):
        return F.cross_entropy(64 * F.linear(F.normalize(x), F.normalize(weight)), target)

    assert "margin is missing" in lossbook.verify(without_margin, like="arcface").diagnosis
