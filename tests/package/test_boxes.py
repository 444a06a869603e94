"""The losses of boxes (IoU, GIoU, DIoU, CIoU) against peers, on a grid of cells, and where boxes are equal, apart or empty."""

import math

import pytest
import torch
from torch.testing import assert_close

import lossbook
from lossbook.catalogue import find
from tests.package.peers import assert_same

LOSSES = ["iou", "giou", "diou", "ciou"]
every_loss = pytest.mark.parametrize("name", LOSSES)


def loss_of(name, **settings):
    function = find(name).function
    return lambda a, b: function(a, b, **settings)


def draw(generator, count, dtype=torch.float64):
    corner, size = (torch.rand(count, 2, generator=generator, dtype=dtype) for _ in range(2))
    return torch.cat([4 * corner, 4 * corner + 0.25 + 4 * size], 1)


def by_torchvision(a, b, name, eps=1e-7):
    """Its formulas: coordinates one by one, eps in each denominator."""
    x1, y1, x2, y2 = a.unbind(-1)
    x1g, y1g, x2g, y2g = b.unbind(-1)
    left, top, right, bottom = torch.max(x1, x1g), torch.max(y1, y1g), torch.min(x2, x2g), torch.min(y2, y2g)
    shared = torch.where((right > left) & (bottom > top), (right - left) * (bottom - top), 0)
    union = (x2 - x1) * (y2 - y1) + (x2g - x1g) * (y2g - y1g) - shared
    iou = shared / (union + eps)
    width, height = torch.max(x2, x2g) - torch.min(x1, x1g), torch.max(y2, y2g) - torch.min(y1, y1g)
    if name == "iou":
        return 1 - iou
    if name == "giou":
        return 1 - (iou - (width * height - union) / (width * height + eps))
    squared = ((x1 + x2) / 2 - (x1g + x2g) / 2) ** 2 + ((y1 + y2) / 2 - (y1g + y2g) / 2) ** 2
    diou = 1 - iou + squared / (width**2 + height**2 + eps)
    if name == "diou":
        return diou
    v = 4 / math.pi**2 * (torch.atan((x2g - x1g) / (y2g - y1g)) - torch.atan((x2 - x1) / (y2 - y1))) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return diou + alpha * v


@every_loss
@pytest.mark.parametrize("eps", [1e-7, 1e-2])
def test_equals_torchvisions_formula(name, eps, generator):
    a, b = draw(generator, 40).requires_grad_(), draw(generator, 40).requires_grad_()
    ours = loss_of(name, eps=eps, reduction="none")
    assert_same(ours, lambda a, b: by_torchvision(a, b, name, eps), a, b)


#: torchvision 0.29.1 and MONAI 1.6.1 (1 minus its box_pair_giou) for these boxes: the mean, and the sum of |gradient|
STORED = {
    "torchvision giou": ("giou", 0.8531819733, 0.4671658513),
    "torchvision diou": ("diou", 0.8343052851, 0.3677400374),
    "torchvision ciou": ("ciou", 0.8343347818, 0.3679725643),
    "MONAI giou": ("giou", 0.8531819905, 0.4671658698),
}


@pytest.mark.parametrize("case", STORED)
def test_equals_what_others_gave(case):
    name, value, slopes = STORED[case]
    n = torch.arange(24, dtype=torch.float64)
    corner, size = (4 * torch.sin(n)).reshape(2, 6, 2), (1 + 3 * torch.cos(3 * n).abs()).reshape(2, 6, 2)
    a, b = torch.cat([corner, corner + size], -1)
    b = torch.cat([a[:2] + torch.tensor([0.5, -0.25, 1.0, 0.75]), b[2:]])
    found = loss_of(name)(a.requires_grad_(), b)
    close = 1e-7 if "MONAI" in case else 1e-9  # MONAI's eps is that of float32
    assert found.item() == pytest.approx(value, abs=close)
    assert torch.autograd.grad(found, a)[0].abs().sum().item() == pytest.approx(slopes, abs=close)


def test_areas_are_counts_of_cells(generator):
    """On whole coordinates an area is a number of cells, and a union is that of sets."""
    corners = torch.randint(0, 6, (30, 2, 2), generator=generator)
    boxes = torch.cat([corners, corners + torch.randint(1, 6, (30, 2, 2), generator=generator)], -1)

    def cells(x1, y1, x2, y2):
        return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}

    for one, other in boxes.tolist():
        a, b = cells(*one), cells(*other)
        around = cells(*(min(p, q) for p, q in zip(one[:2], other[:2], strict=True)),
                       *(max(p, q) for p, q in zip(one[2:], other[2:], strict=True)))  # fmt: skip
        pair = torch.tensor([one]).double(), torch.tensor([other])
        iou = 1 - len(a & b) / len(a | b)
        assert loss_of("iou", eps=0.0)(*pair).item() == pytest.approx(iou)
        assert loss_of("giou", eps=0.0)(*pair).item() == pytest.approx(iou + len(around - (a | b)) / len(around))


def test_ciou_weighs_without_a_gradient(generator):
    """With α held where it is, the derivative of the value is its gradient."""
    a, b = draw(generator, 6), draw(generator, 6)
    iou = 1 - loss_of("iou", reduction="none")(a, b)

    def v(a):
        width, height = (a[:, 2:] - a[:, :2]).unbind(-1)
        wide, high = (b[:, 2:] - b[:, :2]).unbind(-1)
        return 4 / math.pi**2 * (torch.atan(wide / high) - torch.atan(width / height)) ** 2

    for threshold in (0.0, iou.median().item()):
        alpha = torch.where(iou < threshold, 0, v(a) / (1 - iou + v(a) + 1e-7)).detach()
        ours = loss_of("ciou", iou_threshold=threshold, reduction="none")

        def held(a, alpha=alpha):
            return loss_of("diou", reduction="none")(a, b) + alpha * v(a)

        assert_same(lambda a, f=ours: f(a, b), held, a.requires_grad_())
        assert torch.autograd.gradcheck(held, a)


def by_size(a, b):
    """As the authors' Darknet has it: α · 8/π² · (arctan w_g/h_g − arctan w/h) times −h with respect to w, times w to h."""
    width, height = (a[:, 2:] - a[:, :2]).unbind(-1)
    apart = angle_of(b) - angle_of(a)
    iou, v = 1 - by_torchvision(a, b, "iou"), 4 / math.pi**2 * apart**2
    factor = v / (1 - iou + v + 1e-7) * 8 / math.pi**2 * apart
    along_x, along_y = -factor * height, factor * width
    return torch.stack([-along_x, -along_y, along_x, along_y], -1)


def by_product(a, b):
    """As their first code in PyTorch has it, its sign set right: the derivative of a product, half of which is held."""
    width, height = (a[:, 2:] - a[:, :2]).unbind(-1)
    apart = angle_of(b) - angle_of(a)
    iou, v = 1 - by_torchvision(a, b, "iou"), 4 / math.pi**2 * apart**2
    held = (v / (1 - iou + v + 1e-7) * 8 / math.pi**2 * apart).detach()
    return torch.autograd.grad((-held * (width - 2 * width.detach()) * height).sum(), a)[0]


def angle_of(box):
    width, height = (box[:, 2:] - box[:, :2]).unbind(-1)
    return torch.atan(width / height)


@pytest.mark.parametrize("peer", [by_size, by_product])
def test_the_papers_gradient_of_the_proportions(peer, generator):
    a, b = (draw(generator, 20) / 10 for _ in range(2))
    given = a.requires_grad_(), b.requires_grad_()
    exact, unscaled = (loss_of("ciou", v_gradient=kind, reduction="none")(a, b) for kind in ("exact", "unscaled"))
    assert torch.equal(exact, unscaled)
    diou = torch.autograd.grad(loss_of("diou", reduction="sum")(a, b), a)[0]
    (to_a, to_b), (_, exactly_to_b) = (torch.autograd.grad(x.sum(), given) for x in (unscaled, exact))
    assert_close(to_a, diou + peer(a, b))
    assert_close(to_b, exactly_to_b)
    moved = (a - 0.01 * (to_a - diou)).detach()
    assert ((angle_of(moved) - angle_of(b)).abs() < (angle_of(a) - angle_of(b)).abs()).all(), "the sign of equation 12"


class BareAtan2(torch.autograd.Function):
    """torch.atan2 with the slope that it had before 2.10: nan at (0, 0)."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return torch.arctan2(x, y)

    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        return upstream * y / (x * x + y * y), -upstream * x / (x * x + y * y)


def test_a_point_has_a_slope_under_an_older_torch(monkeypatch):
    monkeypatch.setattr(torch, "atan2", BareAtan2.apply)
    test_boxes_without_an_area("ciou", 0.0)


# ---- extremes


@every_loss
@pytest.mark.parametrize("eps", [0.0, 1e-7])
def test_boxes_without_an_area(name, eps):
    point, line, square = ([1.0, 1, 1, 1], [1.0, 1, 2, 1], [1.0, 1, 2, 2])
    for one in (point, line):
        for other in (point, line, square):
            a, b = torch.tensor([one], requires_grad=True), torch.tensor([other])
            value = loss_of(name, eps=eps)(a, b)
            assert value.isfinite()
            assert torch.autograd.grad(value, a)[0].isfinite().all()
            if one == other:
                assert value == 1, "they share no area"


def test_torchvisions_ciou_has_no_gradient_there():
    """The test above can fail."""
    line = torch.tensor([[1.0, 1, 2, 1]], requires_grad=True)
    loss = by_torchvision(line, torch.tensor([[1.0, 1, 2, 2]]), "ciou")
    assert torch.autograd.grad(loss.sum(), line)[0].isnan().any()


@every_loss
def test_equal_boxes_and_boxes_apart(name):
    box = torch.tensor([[1.0, 2, 4, 3]], requires_grad=True)
    value = loss_of(name)(box, box.detach())
    assert 0 <= value < 1e-6
    assert torch.autograd.grad(value, box)[0].isfinite().all()
    apart = loss_of(name)(box, box.detach() + 10)
    assert apart >= 1
    slopes = torch.autograd.grad(apart, box)[0]
    assert bool((slopes == 0).all()) == (name == "iou")
    assert apart < loss_of(name)(box, box.detach() + 20) or name == "iou"


@every_loss
def test_pixels_in_half_precision(name):
    """An area of 900 · 900 pixels is more than float16 holds."""
    a, b = torch.tensor([[0.0, 0, 900, 900]]), torch.tensor([[100.0, 0, 1000, 800]])
    value = loss_of(name)(a.half(), b.half())
    assert value.dtype == torch.float16
    assert_close(value.float(), loss_of(name)(a, b), rtol=1e-3, atol=0)


@every_loss
def test_any_leading_shape(name, generator):
    a, b = draw(generator, 6), draw(generator, 6)
    each = loss_of(name, reduction="none")
    assert_close(each(a.reshape(2, 3, 4), b.reshape(2, 3, 4)), each(a, b).reshape(2, 3))
    assert each(a[0], b[0]).shape == ()
    assert loss_of(name)(a[:0], b[:0]).isnan()
    assert loss_of(name, reduction="sum")(a[:0], b[:0]) == 0


BOX = torch.tensor([[0.0, 0, 1, 1]])
WRONG = {
    "centers and sizes": ((BOX, BOX[:, [2, 3, 0, 1]]), {}, ValueError, r"target must hold boxes .*got \[1.0, 1.0, 0.0"),
    "three numbers": ((BOX[:, :3], BOX[:, :3]), {}, ValueError, r"shape \(\*, 4\).*got \(1, 3\)"),
    "shapes": ((BOX, BOX[0]), {}, ValueError, "same shape"),
    "integers": ((BOX.long(), BOX), {}, TypeError, "input must hold floating-point numbers"),
    "eps below 0": ((BOX, BOX), {"eps": -1.0}, ValueError, "eps must lie between 0 and inf"),
}


@every_loss
@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, name, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        find(name).function(*tensors, **settings)


def test_iou_loss_means_boxes_or_masks():
    assert find("iou").name == "iou"
    assert find("giou_loss").name == "giou"
    with pytest.raises(ValueError, match="'jaccard' .* and 'iou'"):
        find("iou_loss")


def test_verify_knows_them():
    def flowing(a, b):
        squared = (a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2])
        angles = [torch.atan(size[..., 0] / size[..., 1]) for size in squared]
        v = 4 / math.pi**2 * (angles[1] - angles[0]) ** 2
        iou = 1 - by_torchvision(a, b, "iou")
        return (by_torchvision(a, b, "diou") + v / (1 - iou + v + 1e-7) * v).mean()

    assert "detach" in lossbook.verify(flowing, like="ciou").diagnosis
    assert "IoU loss" in lossbook.verify(lambda a, b: by_torchvision(a, b, "iou").mean(), like="giou").diagnosis
    for name in LOSSES:
        assert lossbook.verify(lambda a, b, name=name: by_torchvision(a, b, name).mean(), like=name)
