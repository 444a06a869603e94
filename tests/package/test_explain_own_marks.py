"""What `explain` marks in a reader's own lines: shapes that broadcast, values and slopes that are not finite, lost gradients."""

import pytest
import torch

import lossbook
from tests.package.explained import COLUMN, ROW, marked, root_mean_square, steps


class Detached(torch.nn.Module):
    def forward(self, prediction, target):
        total = 0.0
        for p, y in zip(prediction, target, strict=True):
            total = total + (p - y) ** 2
        weight = prediction.detach().exp()
        return total * weight.sum()


def test_a_line_that_broadcasts_is_marked():
    found = steps(root_mean_square, COLUMN, ROW)
    assert "(2, 1), (2,) were broadcast to (2, 2)" in found["error = prediction - target"].marks[0]
    assert not found["return (mean + eps).sqrt()"].marks


def test_a_matrix_product_is_no_broadcast():
    assert not any(step.marks for step in steps(lambda x, y: x @ y.unsqueeze(0), COLUMN, ROW).values())


def test_a_line_that_is_not_finite_is_marked():
    found = steps(lambda x, y: torch.log(x - x), ROW, ROW)
    assert any("not finite" in mark for step in found.values() for mark in step.marks)


def test_a_line_that_loses_the_gradient_is_marked():
    found = steps(Detached(), ROW, torch.zeros(2))
    assert found["weight = prediction.detach().exp()"].marks == ("the gradient ends here",)
    assert found["total = total + (p - y) ** 2"].value == 1, "a loop shows its first round"
    assert found["total = total + (p - y) ** 2, in the last turn of the loop"].value == 5, "and its last"


def test_what_is_meant_is_not_marked():
    def loss(prediction, target):
        pairs = prediction.unsqueeze(1) - prediction.unsqueeze(0)
        right = prediction > target
        ones = torch.ones_like(prediction)
        own = pairs[torch.tensor([0, 1, 1])]
        return own.sum() + (right * ones).sum()

    assert not [step.say for step in lossbook.explain(loss, ROW, ROW).steps if step.marks]


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_the_shape_bug_is_marked_inside_torchs_own_loss_too():
    found = steps(lambda p, y: torch.nn.functional.l1_loss(p, y) * 1, COLUMN, ROW)
    assert any("were broadcast to (2, 2)" in mark for step in found.values() for mark in step.marks)


def test_markdown_shows_code_and_marks():
    text = lossbook.explain(root_mean_square, COLUMN, ROW)._repr_markdown_()
    assert "`error = prediction - target`" in text
    assert "**(2, 1), (2,) were broadcast" in text


def test_a_line_without_the_prediction_is_innocent_wherever_it_stands():
    def late(x, t):
        a = x * 2
        w = t + 1
        return (a * w).mean()

    def both_sides(logits, target):
        p, t = logits.sigmoid().flatten(), target.flatten()
        return (p * t).mean()

    def around(x, t):
        w = t + 1
        assert (x < 9).all()
        if bool(x.isfinite().all()):
            w = w.abs()
        return (x * w).mean()

    def as_another(x, t):
        m = t.to(x) + x.new_tensor(1.0) + x.new_zeros(2)
        return (x * m).mean()

    for loss in (late, both_sides, around, as_another):
        assert marked(loss, ROW, ROW) == {}


def test_a_mask_from_the_prediction_is_meant_but_a_thresholded_prediction_is_not():
    def hinge(p, t):
        active = (p < t).float()
        return (active * (t - p)).mean()

    def thresholded(p, t):
        hard, soft = (p > 0.5).float(), p.sum()
        return (hard * t).sum() / soft

    assert marked(hinge, ROW, ROW + 1) == {}
    assert list(marked(thresholded, ROW, ROW)) == ["hard, soft = ((p > 0.5).float(), p.sum()): hard"]


def test_the_line_is_marked_whose_slope_is_not_finite():
    def loss(p, t):
        square = (p - t).square().mean()
        root = square.sqrt()
        return 2 * root

    assert marked(loss, ROW, ROW) == {
        "root = square.sqrt()": ("the slope is not finite here, and with it the gradient",)
    }
    assert marked(loss, ROW, ROW + 1) == {}
    infinite = marked(lambda p, t: (p.log() - t).square().mean(), torch.tensor([0.0, 1.0]), ROW)
    assert {mark for marks in infinite.values() for mark in marks} == {"not finite from here on"}


def test_what_does_not_reach_the_result_is_not_marked():
    def logs(p, t):
        loss = (p - t).square().mean()
        seen = loss.detach()
        return loss if seen >= 0 else -loss

    assert marked(logs, ROW, ROW) == {}


def test_shapes_are_those_of_the_moment():
    def loss(p, t):
        mask = t > 0
        kept = p + mask
        mask.unsqueeze_(1)
        return kept.sum() + mask.sum()

    assert marked(loss, ROW, ROW) == {}
