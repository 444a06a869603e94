"""The focal loss of several classes against peers, its means, and where probabilities round to 1."""

import kornia
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import sigmoid_focal_loss, softmax_focal_loss
from lossbook.catalogue import find
from tests.package.peers import assert_same, learned


def by_cross_entropy(z, target, gamma, weight=None):
    """As ``softmax_focal_loss_with_logits`` of segmentation-models-pytorch: p is read off the cross-entropy, without the weight."""
    losses = F.nll_loss(z.log_softmax(1), target, reduction="none")
    factor = (1 - torch.exp(-losses)) ** gamma
    return factor * losses if weight is None else weight[target] * factor * losses


def by_one_hot(z, target, gamma, weight=None):
    """As MONAI: of every class, times its one-hot target, a sum over the classes."""
    log_p, hot = z.log_softmax(1), F.one_hot(target, z.shape[1]).movedim(-1, 1).to(z)
    weights = 1 if weight is None else weight.reshape(-1, *[1] * (z.dim() - 2))
    return -(weights * (1 - log_p.exp()) ** gamma * log_p * hot).sum(1)


@pytest.mark.parametrize("peer", [by_cross_entropy, by_one_hot])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("shape", [(6, 4), (2, 4, 3, 2)])
def test_equals_its_peers(shape, gamma, peer, generator):
    z, target = learned(generator, *shape), torch.randint(4, (shape[0], *shape[2:]), generator=generator)
    for weight in (None, torch.tensor([0.5, 2.0, 1.0, 0.25]).double()):
        settings = {"gamma": gamma, "weight": weight, "reduction": "none"}
        assert_same(
            lambda z, s=settings: softmax_focal_loss(z, target, **s),
            lambda z, w=weight: peer(z, target, gamma, w),
            z,
        )


def test_means_of_others(generator):
    z, target = learned(generator, 6, 4), torch.tensor([0, 1, 2, 3, 0, 0])
    weight = torch.tensor([0.5, 2.0, 1.0, 0.25]).double()
    theirs = kornia.losses.focal_loss(z, target, alpha=None, gamma=2.0)  # (N, C), 0 for all classes but one
    assert_close(softmax_focal_loss(z, target, average="elements"), theirs.mean())
    assert_close(softmax_focal_loss(z, target), theirs.sum(1).mean())
    kept = target != 0
    ignoring = softmax_focal_loss(z, target, ignore_index=0, average="elements")
    assert_close(ignoring, softmax_focal_loss(z[kept], target[kept], average="elements"))
    plain = {"gamma": 0.0, "weight": weight, "average": "weights"}
    for index in (-100, 0):
        expected = F.cross_entropy(z, target, weight=weight, ignore_index=index)
        assert_close(softmax_focal_loss(z, target, ignore_index=index, **plain), expected)


def test_kornias_alpha_is_a_weight_of_each_class(generator):
    """One α weighs the class 0 with 1 − α, and all others with α; so it does in MONAI."""
    z, target = learned(generator, 6, 4), torch.tensor([0, 1, 2, 3, 0, 0])
    weight = torch.tensor([0.75, 0.25, 0.25, 0.25]).double()
    theirs = kornia.losses.focal_loss(z, target, alpha=0.25, gamma=2.0).sum(1)
    assert_close(softmax_focal_loss(z, target, weight=weight, reduction="none"), theirs)


def test_two_classes_are_yes_and_no(generator):
    z, target = learned(generator, 8, scale=6.0), torch.randint(2, (8,), generator=generator)
    for gamma in (0.5, 2.0):
        assert_same(
            lambda z, g=gamma: softmax_focal_loss(torch.stack([0 * z, z], 1), target, gamma=g, reduction="none"),
            lambda z, g=gamma: sigmoid_focal_loss(z, target, alpha=None, gamma=g, reduction="none"),
            z,
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0])
def test_is_finite_where_the_probability_rounds_to_one(gamma, dtype):
    for lead in (17.0, 40.0, 104.0, 1e4):
        z = torch.tensor([[lead, 0.0, -1.0], [0.0, lead, 0.0]], dtype=dtype, requires_grad=True)
        value = softmax_focal_loss(z, torch.tensor([0, 0]), gamma=gamma, reduction="none")
        (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), z)
        assert all(numbers.isfinite().all() for numbers in (value, slope, curvature))
        assert value[0] < 1e-6
        assert_close(value[1].double(), torch.tensor(lead).double(), rtol=1e-2, atol=0)


def test_a_mean_whose_sum_passes_65504(generator):
    z, target = torch.randn(40_000, 3, generator=generator).half() * 8, torch.randint(3, (40_000,), generator=generator)
    value = softmax_focal_loss(z, target)
    assert value.dtype == torch.float16
    assert_close(value.double(), softmax_focal_loss(z.double(), target), rtol=1e-3, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_once(dtype, generator):
    z, target = (3 * torch.randn(40, 7, generator=generator)).to(dtype), torch.randint(7, (40,), generator=generator)
    found = []
    for x in (z.clone().requires_grad_(), z.double().requires_grad_()):
        losses = softmax_focal_loss(x, target, reduction="none")
        found.append((losses.double(), torch.autograd.grad(losses.sum(), x)[0].double()))
    rounding = {"rtol": torch.finfo(dtype).eps * 0.51, "atol": 2 * torch.finfo(dtype).smallest_normal}
    assert_close(*found, **rounding)


def test_keeps_its_digits_in_float32():
    lead = torch.linspace(-30, 30, 61)
    z = torch.stack([lead, torch.zeros(61), torch.ones(61)], 1)
    for gamma in (0.0, 0.5, 2.0):
        ours, exact = (
            softmax_focal_loss(x, torch.zeros(61, dtype=torch.int64), gamma=gamma, reduction="none")
            for x in (z, z.double())
        )
        assert_close(ours.double(), exact, rtol=3e-5, atol=0)


def test_extremes():
    one = torch.zeros(3, 1, requires_grad=True)
    for gamma in (0.0, 0.5, 2.0):
        value = softmax_focal_loss(one, torch.zeros(3, dtype=torch.int64), gamma=gamma)
        assert value == 0, "one class only"
        with torch.autograd.set_detect_anomaly(True):  # no nan on the way back either
            assert torch.equal(torch.autograd.grad(value, one)[0], torch.zeros(3, 1))
    z = torch.tensor([[1.0, 2.0], [float("nan"), 0.0]])
    assert softmax_focal_loss(z, torch.tensor([1, -100])).isfinite(), "an ignored row may hold anything"
    assert softmax_focal_loss(z, torch.tensor([-100, -100])).isnan(), "the mean of nothing"
    assert softmax_focal_loss(z, torch.tensor([0, 1])).isnan()


LOGITS, NUMBERS = torch.zeros(2, 3), torch.tensor([0, 1])
WRONG = {
    "a class too many": ((LOGITS, NUMBERS + 2), {}, IndexError, "class 3, but input has 3 classes.*ignore_index=3"),
    "class numbers as floats": ((LOGITS, NUMBERS.float()), {}, TypeError, "torch.int64, got torch.float32"),
    "probabilities": ((LOGITS, LOGITS), {}, ValueError, "one class number for each sample"),
    "gamma below 0": ((LOGITS, NUMBERS), {"gamma": -1.0}, ValueError, "gamma must lie between 0 and inf"),
    "a weight for each sample": ((LOGITS, NUMBERS), {"weight": torch.ones(2)}, ValueError, "one number for each class"),
    "an average": ((LOGITS, NUMBERS), {"average": "mean"}, ValueError, "one of 'samples', 'weights', 'elements'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        softmax_focal_loss(*tensors, **settings)


def test_focal_means_the_papers_and_focal_loss_means_both():
    assert find("focal").function is sigmoid_focal_loss
    assert find("multiclass_focal").function is softmax_focal_loss
    for name in ("focal_loss", "FocalLoss"):
        with pytest.raises(ValueError, match="means several losses: 'focal' .* and 'softmax_focal'"):
            find(name)


def test_verify_knows_it(generator):
    def of_the_mean(logits, target):
        ce = F.cross_entropy(logits, target)
        return (1 - torch.exp(-ce)) ** 2 * ce

    def over_elements(logits, target):
        return by_one_hot(logits, target, 2.0).mean() / logits.shape[1]

    assert "p is taken from the mean" in lossbook.verify(of_the_mean, like="multiclass_focal").diagnosis
    assert "samples times classes" in lossbook.verify(over_elements, like="multiclass_focal").diagnosis
