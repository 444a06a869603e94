"""Large tensors are computed with in pieces: the same losses and derivatives as torch's, which takes them whole."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.autograd.graph import saved_tensors_hooks
from torch.func import grad, jvp, vmap
from torch.testing import assert_close

from lossbook import beyond
from lossbook import functional as lf
from lossbook.kit.curve import PIECE
from lossbook.kit.loss import reduce


def shifted(logits, tokens, reduction):
    losses = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction=reduction)
    return losses if reduction == "mean" else losses.view(len(tokens), -1)


def scores(shape):
    return 3 * torch.randn(shape, dtype=torch.float64)


def labels(shape):
    return torch.randint(2, shape).double()


def overlap(logits, target, reduction):
    p = logits.sigmoid()
    shared, apart = (p * target).sum(1), (0.3 * p * (1 - target) + 0.7 * (1 - p) * target).sum(1)
    return reduce(1 - shared / (shared + apart), reduction)


ROWS = 300, 1000
BOTH = {
    "bce_with_logits": (
        lf.binary_cross_entropy_with_logits,
        F.binary_cross_entropy_with_logits,
        lambda: (scores(ROWS), labels(ROWS)),
    ),
    "bce": (lf.binary_cross_entropy, F.binary_cross_entropy, lambda: (scores(ROWS).sigmoid(), labels(ROWS))),
    "huber": (lf.huber_loss, F.huber_loss, lambda: (scores(ROWS), scores(ROWS))),
    "turned": (lf.mse_loss, F.mse_loss, lambda: (scores(ROWS).T, scores(ROWS).T)),
    "rows": (lf.cross_entropy, F.cross_entropy, lambda: (scores(ROWS), torch.randint(1000, (300,)))),
    "images": (lf.cross_entropy, F.cross_entropy, lambda: (scores((4, 50, 30, 40)), torch.randint(50, (4, 30, 40)))),
    "one sum": (
        lambda x, y, reduction: beyond.rmse_loss(x, y),
        lambda x, y, reduction: F.mse_loss(x, y).sqrt(),
        lambda: (scores(ROWS), scores(ROWS)),
    ),
    "sums of rows": (
        lambda x, y, reduction: beyond.rmse_loss(x, y, batch=False, reduction=reduction),
        lambda x, y, reduction: reduce((x - y).square().mean(1).sqrt(), reduction),
        lambda: (scores(ROWS), scores(ROWS)),
    ),
    "distributions": (
        partial(beyond.distillation_loss, temperature=1.0),
        lambda x, y, reduction: reduce(F.kl_div(x.log_softmax(1), y.softmax(1), reduction="none").sum(1), reduction),
        lambda: (scores(ROWS), scores(ROWS)),
    ),
    "masks": (
        partial(beyond.tversky_loss, alpha=0.3, beta=0.7, smooth_nr=0.0, smooth_dr=0.0),
        overlap,
        lambda: (scores(ROWS), labels(ROWS)),
    ),
    "tokens": (beyond.token_cross_entropy, shifted, lambda: (scores((3, 400, 200)), torch.randint(200, (3, 400)))),
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("name", BOTH)
def test_the_same_in_pieces(name, reduction):
    ours, theirs, tensors = BOTH[name]
    x, target = tensors()
    assert x.numel() > 2 * PIECE
    upstream = torch.randn(ours(x, target, reduction=reduction).shape, dtype=torch.float64)
    found = []
    for loss in (ours, theirs):
        learnt = x.clone().requires_grad_()
        losses = loss(learnt, target, reduction=reduction)
        found.append((losses, torch.autograd.grad(losses, learnt, upstream)[0]))
    assert_close(*found, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", ["bce_with_logits", "huber", "rows", "masks", "distributions"])
def test_derivatives_of_derivatives_and_several_at_once(name):
    loss, _theirs, tensors = BOTH[name]
    x, target = tensors()
    learnt = x.clone().requires_grad_()
    losses = loss(learnt, target, reduction="none")
    several = torch.randn(2, *losses.shape, dtype=torch.float64)
    at_once = torch.autograd.grad(losses, learnt, several, is_grads_batched=True, retain_graph=True)[0]
    for found, upstream in zip(at_once, several, strict=True):
        assert_close(found, torch.autograd.grad(losses, learnt, upstream, retain_graph=True)[0])
    slope = torch.autograd.grad(losses.sum(), learnt, create_graph=True)[0]
    forward = jvp(grad(lambda x: loss(x, target, reduction="sum")), (x,), (x,))[1]
    assert_close(torch.autograd.grad((slope * x).sum(), learnt)[0], forward)
    each = vmap(grad(loss))(x, target)
    assert_close(
        each * (x.shape[1] if name in ("bce_with_logits", "huber") else 1),
        grad(lambda x: loss(x, target, reduction="sum"))(x),
    )


def test_labels_that_learn():
    x, target = scores(ROWS), labels(ROWS).requires_grad_()
    lf.binary_cross_entropy_with_logits(x.clone().requires_grad_(), target, reduction="sum").backward()
    assert_close(target.grad, -x)


def test_two_types_are_not_mixed_in_pieces():
    x, target = scores(ROWS).float().requires_grad_(), labels(ROWS)
    losses = lf.binary_cross_entropy_with_logits(x, target, reduction="none")
    assert losses.dtype == torch.float64


@pytest.mark.parametrize("name", ["rows", "images", "tokens"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_once(name, dtype):
    """And no copy of the logits is kept, which in float32 would be twice their size."""
    loss, _theirs, tensors = BOTH[name]
    x, target = tensors()
    half = x.to(dtype).requires_grad_()
    kept = []
    with saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        losses = loss(half, target, reduction="none")
    assert losses.dtype == dtype
    assert max(t.numel() * t.element_size() for t in kept) <= half.numel() * 2
    wide = half.detach().double().requires_grad_()
    exact = loss(wide, target, reduction="none")
    rounding = {"rtol": torch.finfo(dtype).eps * 0.51, "atol": torch.finfo(dtype).smallest_normal}
    assert_close(losses.double(), exact, **rounding)
    upstream = torch.randint(1, 9, exact.shape)  # without an error of their own
    for create_graph in (False, True):  # in pieces, and to be differentiated again
        slope, true = (
            torch.autograd.grad(found, x, upstream.to(found.dtype), create_graph=create_graph, retain_graph=True)[0]
            for found, x in ((losses, half), (exact, wide))
        )
        assert slope.dtype == dtype
        assert_close(slope.double(), true, **rounding)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_cross_entropy_forward_of_what_learns(dtype):
    """A model's logits learn; along a direction the loss moves by its gradient times that."""
    x, target = scores((3, 5)).to(dtype), torch.tensor([0, 4, 2])
    tangent = torch.randint(-4, 5, (3, 5)).to(dtype)
    loss = lambda x: lf.cross_entropy(x, target, reduction="none")  # noqa: E731
    with forward_ad.dual_level():
        moved = forward_ad.make_dual(x.clone().requires_grad_(), tangent)
        found = forward_ad.unpack_dual(loss(moved)).tangent
    gradient = x.double().softmax(1) - F.one_hot(target, 5)
    assert found.dtype == dtype
    assert_close(found.double(), (gradient * tangent).sum(1), rtol=torch.finfo(dtype).eps, atol=1e-12)


def test_cross_entropy_by_finite_differences():
    x, target = scores((4, 5)).requires_grad_(), torch.tensor([0, 4, -100, 2])
    loss = lambda x: lf.cross_entropy(x, target, reduction="none")  # noqa: E731
    assert gradcheck(loss, x, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(loss, x, check_fwd_over_rev=True, check_batched_grad=True)
