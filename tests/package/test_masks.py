"""The masks that the losses of overlap take: their forms, empty, full or alike, large, and what is refused."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.catalogue import find
from lossbook.losses._masks import logistic, mask_batches
from tests.package.peers import learned

from .test_overlap import CLASSES, PLAIN, every_loss, loss_of

# ---- forms of input


@every_loss
def test_class_numbers_are_one_hot_masks(name, generator):
    z, numbers = learned(generator, 2, 3, 4), torch.randint(3, (2, 4), generator=generator)
    hot = F.one_hot(numbers, 3).movedim(-1, 1).double()
    loss = loss_of(name, mode="multiclass", reduction="none")
    assert loss(z, numbers).shape == (2, 3)
    assert_close(loss(z, numbers), loss(z, hot))
    assert_close(loss(z[0, :, 0], numbers[0, 0]), loss(z[:1, :, :1], numbers[:1, :1])[0])
    without = loss_of(name, mode="multiclass", include_background=False, reduction="none")
    assert_close(without(z, numbers), loss(z, numbers)[:, 1:])
    for index, kept in ((1, numbers != 1), (-1, torch.tensor([True, True, True, False]).expand(2, 4))):
        marked = torch.where(kept, numbers, index)
        ignoring = loss_of(name, mode="multiclass", ignore_index=index, batch=True, reduction="none")
        alone = z.movedim(1, -1)[kept], numbers[kept]
        assert_close(ignoring(z, marked), loss_of(name, mode="multiclass", batch=True, reduction="none")(*alone))


@every_loss
def test_ignored_elements_are_as_if_they_were_not_there(name, generator):
    z, t = learned(generator, 2, 6), torch.randint(2, (2, 6), generator=generator)
    t[:, 4:] = 255
    loss = loss_of(name, ignore_index=255)
    assert_close(loss(z, t), loss(z[:, :4], t[:, :4]))
    assert "255" not in str(lossbook.explain(name, z.detach(), t, ignore_index=255))
    assert_close(lossbook.explain(name, z.detach(), t, ignore_index=255).value, loss(z, t).detach())


@every_loss
def test_a_label_of_masks_can_be_the_ignored_one(name, generator):
    z, t = learned(generator, 2, 6), torch.tensor([[1, 0, 1, 1, 0, 1], [1, 1, 0, 0, 1, 1]])
    assert_close(loss_of(name, ignore_index=0)(z, t), loss_of(name)(z[t == 1].reshape(2, 4), torch.ones(2, 4)))


@every_loss
def test_one_mask_is_a_batch_of_one(name, generator):
    z, t = learned(generator, 7), torch.randint(2, (7,), generator=generator)
    assert_close(loss_of(name)(z, t), loss_of(name)(z[None], t[None]))
    assert loss_of(name, reduction="none")(z, t).shape == ()


# ---- extremes


@every_loss
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_empty_masks(name, dtype):
    """0 / 0 is 0: nothing was to be found, and nothing was. What is predicted although nothing is true costs 1."""
    t = torch.zeros(2, 6, dtype=dtype)
    for settings in (PLAIN, {}):
        z = torch.tensor([[-1e4] * 6, [3.0] * 6], dtype=dtype, requires_grad=True)
        value = loss_of(name, reduction="none", **settings)(z, t)
        assert_close(value, torch.tensor([0.0, 1.0], dtype=dtype), rtol=1e-3, atol=1e-3)
        assert torch.autograd.grad(value.sum(), z)[0].isfinite().all()
    skipping = loss_of(name, skip_absent=True, reduction="none")
    assert (skipping(z, t) == 0).all()
    t[:, 0] = 0.5
    assert_close(skipping(z, t), loss_of(name, reduction="none")(z, t))
    t[:, 0] = 0
    below_only = loss_of(name, smooth_nr=0.0, smooth_dr=1e-8)
    assert below_only(torch.full((1, 6), -50.0), t[:1].float()) == 1, "0 / (0 + d), as others have it"


@every_loss
def test_perfect_and_useless_predictions(name):
    t = torch.tensor([[1.0, 1.0, 0.0]])
    for scale, expected in ((100.0, 0.0), (-100.0, 1.0)):
        z = (scale * (2 * t - 1)).requires_grad_()
        value = loss_of(name, **PLAIN)(z, t)
        assert_close(value, torch.tensor(expected))
        assert torch.autograd.grad(value, z)[0].isfinite().all()
    everything = torch.ones(1, 3)
    assert loss_of(name)(100 * everything, everything) == 0, "one class only"


@every_loss
def test_keeps_its_digits_near_a_perfect_prediction(name):
    t = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    z = torch.tensor([[20.0, -21.0, 19.0, -18.0]])
    exact = loss_of(name, **PLAIN)(z.double(), t)
    slopes = [
        torch.autograd.grad(loss_of(name, **PLAIN)(x, t), x)[0]
        for x in (z.requires_grad_(), z.detach().double().requires_grad_())
    ]
    assert_close(slopes[0].double(), slopes[1], rtol=1e-5, atol=0)  # the sigmoid of 20 is 1: torch's slope of it is 0
    assert exact < (1e-3 if name != "focal_tversky" else 1e-2)
    assert_close(loss_of(name, **PLAIN)(z, t).double(), exact, rtol=1e-5, atol=0)
    p = z.sigmoid()
    plain = 1 - 2 * (p * t).sum() / (p + t).sum()
    assert plain == 0, "as it is mostly written, the digits are lost: the test above can fail"


def test_each_half_of_the_logistic_function_has_its_slope(generator):
    z = learned(generator, 5)
    p, rest = logistic(z)
    for half, slope in ((p, p * rest), (rest, -p * rest), (p + 2 * rest, -p * rest)):
        assert_close(torch.autograd.grad(half.sum(), z, retain_graph=True)[0], slope.detach())


@every_loss
def test_keeps_its_digits_where_the_softmax_rounds_to_1(name):
    target = torch.tensor([[0, 1, 1, 2]])
    z = 20 * F.one_hot(target, 3).movedim(-1, 1)
    loss = loss_of(name, **PLAIN, **CLASSES)
    assert_close(loss(z.float(), target).double(), loss(z.double(), target), rtol=1e-5, atol=0)
    assert loss(z.float(), target) > 0


@every_loss
def test_the_logarithm_is_finite_and_keeps_its_digits(name):
    loss = loss_of(name, **PLAIN, log_loss=True, reduction="none")
    t = torch.tensor([[1.0, 0.0, 1.0, 0.0]]).expand(4, -1)
    sure = 20 * (2 * t - 1)
    z = torch.stack([sure[0], -sure[0], torch.full((4,), -100.0), torch.full((4,), -1e4)]).requires_grad_()
    value = loss(z, t)
    exact = loss(z.detach().double()[:3], t[:3])
    assert_close(value[:3].double(), exact, rtol=1e-5, atol=0)
    power = 0.75 if name == "focal_tversky" else 1
    assert 0 < value[0] < 1e-8**power, "1 − Dice rounds to 0"
    assert value[2:].tolist() == pytest.approx([(-math.log(1e-30)) ** power] * 2), "nothing is shared"
    assert torch.autograd.grad(value.sum(), z)[0].isfinite().all()
    nothing = torch.full((1, 4), -1e4, requires_grad=True)
    value = loss(nothing, torch.zeros(1, 4))
    assert value == 0, "two empty masks agree"
    assert torch.equal(torch.autograd.grad(value.sum(), nothing)[0], torch.zeros(1, 4))
    more_above = loss_of(name, smooth_nr=1.0, smooth_dr=0.5, log_loss=True)(sure, t)
    assert more_above == 0 if name == "focal_tversky" else more_above < 0


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_masks_in_half_precision(name, dtype, generator):
    """The sums pass 65504, the largest number of float16."""
    z = (3 * torch.randn(1, 1, 400, 400, generator=generator)).to(dtype)
    t = torch.ones_like(z)
    assert_close(
        loss_of(name)(z, t).double(), loss_of(name)(z.double(), t.double()), rtol=4 * torch.finfo(dtype).eps, atol=0
    )


@every_loss
def test_compiled_and_mapped_in_every_mode(name, generator):
    z, numbers = learned(generator, 2, 3, 4), torch.randint(3, (2, 4), generator=generator)
    loss = loss_of(name, mode="multiclass", ignore_index=1)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    assert_close(compiled(z, numbers), loss(z, numbers))
    each = torch.func.vmap(lambda z, t: loss(z[None], t[None]))(z, numbers)
    assert_close(each.mean(), loss(z, numbers))


# ---- what is wrong is told


MASK, NUMBERS = torch.zeros(2, 1, 3), torch.zeros(2, 3, dtype=torch.int64)
WRONG = {
    "class numbers": ((torch.zeros(2, 4, 3), NUMBERS), {}, ValueError, r"\(2, 4, 3\) and \(2, 3\).*mode='multiclass'"),
    "without the channel": ((MASK, NUMBERS), {}, ValueError, r"target.unsqueeze\(1\)"),
    "an unknown mode": ((MASK, MASK), {"mode": "multi"}, ValueError, "one of 'binary', 'multiclass', 'multilabel'"),
    "a mask of 255": ((MASK, MASK + 255), {}, ValueError, "target must lie between 0, .*got 255. Divide a mask"),
    "logits as probabilities": ((MASK + 2, MASK), {"from_logits": False}, ValueError, "input must hold probabilities"),
    "no background": ((MASK, MASK), {"include_background": False}, ValueError, "mode='binary' has no classes"),
    "a class too many": (
        (torch.zeros(2, 4, 3), NUMBERS + 4),
        {"mode": "multiclass"},
        IndexError,
        "class 4, but input has 4 classes.*ignore_index=4",
    ),
    "truth values": ((MASK, MASK > 0), {}, TypeError, r"target must hold real numbers.*target.float\(\)"),
    "integers": ((NUMBERS, NUMBERS), {}, TypeError, "input must hold floating-point numbers"),
    "smoothing below 0": ((MASK, MASK), {"smooth_nr": -1.0}, ValueError, "smooth_nr must lie between 0 and inf"),
    "smooth": ((MASK, MASK), {"smooth": 1.0}, TypeError, "Did you mean 'smooth_"),
}


@every_loss
@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, name, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        find(name).function(*tensors, **settings)


WRONG_WEIGHTS = {
    "without classes": ({"weight": torch.ones(1)}, ValueError, "weight holds one number for each class, and mode='bin"),
    "too few": ({"weight": torch.ones(2), **CLASSES}, ValueError, r"shape \(4,\), got \(2,\)"),
    "no tensor": ({"weight": [1.0, 2.0], **CLASSES}, TypeError, "weight must be a torch.Tensor, got list"),
    "another mean": ({"average": "samples", **CLASSES}, ValueError, "average must be one of 'masks', 'weights'"),
}


@every_loss
@pytest.mark.parametrize("case", WRONG_WEIGHTS)
def test_wrong_weights_are_told_in_a_sentence(case, name, refuses):
    settings, kind, sentence = WRONG_WEIGHTS[case]
    with refuses(kind, sentence):
        find(name).function(torch.zeros(2, 4, 3), NUMBERS if "mode" in settings else torch.zeros(2, 4, 3), **settings)


# ---- what verify calls them with


@pytest.mark.parametrize("mode", ["binary", "multilabel", "multiclass"])
def test_probabilities_are_drawn_as_the_mode_has_them(mode, generator):
    """Those of classes add up to 1; those of masks are each for themselves."""
    drawn = [batch.tensors[0] for batch in mask_batches({"mode": mode, "from_logits": False}, generator)]
    assert all(((p >= 0) & (p <= 1)).all() for p in drawn)
    assert all(torch.allclose(p.sum(1), torch.ones(()).to(p), atol=1e-5) for p in drawn) is (mode == "multiclass")


def test_background_is_left_out_of_logits_too():
    z = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
    t = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    settings = {"mode": "multilabel", "include_background": False, "reduction": "none"}
    found = lossbook.beyond.dice_loss(z, t, **settings)
    assert found.shape == (2, 2)
    torch.testing.assert_close(found, lossbook.beyond.dice_loss(z.sigmoid(), t, from_logits=False, **settings))


def test_squares_have_a_slope_where_the_sigmoid_rounds_to_1():
    slopes = []
    for dtype in (torch.float32, torch.float64):
        z = torch.tensor([[30.0, 1.0]], dtype=dtype, requires_grad=True)
        t = torch.tensor([[0.0, 1.0]], dtype=dtype)
        slopes.append(torch.autograd.grad(lossbook.beyond.dice_loss(z, t, squared=True), z)[0].double())
    torch.testing.assert_close(*slopes, rtol=1e-5, atol=0)
