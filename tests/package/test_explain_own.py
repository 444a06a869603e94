"""`explain` on losses that are not in the catalogue: the reader's own lines, or the operations as they ran."""

import sys

import pytest
import torch
from torch.testing import assert_close

import lossbook

COLUMN, ROW = torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 2.0])


def root_mean_square(prediction, target, eps=0.0):
    """A docstring is no step."""
    error = prediction - target
    # a comment is none either
    mean = (
        error.square()
        .mean()
    )  # fmt: skip
    return (mean + eps).sqrt()


class Detached(torch.nn.Module):
    def forward(self, prediction, target):
        total = 0.0
        for p, y in zip(prediction, target, strict=True):
            total = total + (p - y) ** 2
        weight = prediction.detach().exp()
        return total * weight.sum()


class Callable:
    def __call__(self, prediction, target):
        error = prediction - target
        return error.abs().sum()


def steps(loss, *tensors, **settings):
    return {step.say: step for step in lossbook.explain(loss, *tensors, **settings).steps}


def test_each_line_with_its_value():
    explanation = lossbook.explain(root_mean_square, torch.tensor([1.0, 5.0]), torch.tensor([0.0, 5.0]), eps=0.25)
    assert [step.say for step in explanation.steps] == [
        "error = prediction - target",
        "mean = error.square().mean()",
        "return (mean + eps).sqrt()",
    ]
    assert [step.value.tolist() for step in explanation.steps] == [[1.0, 0.0], 0.5, pytest.approx(0.75**0.5)]
    assert explanation.value == explanation.steps[-1].value
    assert_close(explanation.gradient, torch.tensor([0.5 / 0.75**0.5, 0.0]))
    assert not any(step.marks for step in explanation.steps)


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


def test_values_are_those_of_the_moment():
    def loss(prediction, target):
        error = prediction - target
        error += 1
        error = error.abs()
        error.mul_(2)
        first, last = error[0], error[-1]
        out = torch.zeros(2)
        out[0] = first
        total = out.sum() + last
        half = total / 10  # noqa: E702
        half = half.exp()
        half = half.exp()
        return half

    shown = [(step.say, step.value.tolist()) for step in lossbook.explain(loss, ROW, torch.zeros(2)).steps]
    assert shown[:3] == [
        ("error = prediction - target", [1.0, 2.0]),
        ("error += 1", [2.0, 3.0]),
        ("error = error.abs()", [2.0, 3.0]),
    ]
    assert ("first, last = (error[0], error[-1]): last", 6.0) in shown
    assert ("out[0] = first", [4.0, 0.0]) in shown
    assert [value for say, value in shown if say == "half = half.exp()"] == pytest.approx([2.71828, 15.15426], rel=1e-4)


def test_a_subclass_is_a_loss_of_its_own():
    class Hundredfold(torch.nn.MSELoss):
        def forward(self, input, target):
            return 100 * super().forward(input, target)

    assert lossbook.explain(Hundredfold(), ROW, torch.zeros(2)).value == 250


def test_a_callable_object():
    assert list(steps(Callable(), ROW, ROW)) == ["error = prediction - target", "return error.abs().sum()"]


def test_operations_where_there_is_no_source():
    loss = eval("lambda x, y: ((x - y) ** 2).mean()")
    explanation = lossbook.explain(loss, ROW, torch.zeros(2))
    assert [step.say.split("(")[0] for step in explanation.steps] == ["sub", "pow", "mean"]
    assert explanation.value == 2.5


def test_tells_what_is_wrong():
    with pytest.raises(TypeError, match="must return a tensor, got float.*item"):
        lossbook.explain(lambda x, y: (x - y).sum().item(), ROW, ROW)
    with pytest.raises(TypeError, match="argument 2 must be a torch.Tensor, got list"):
        lossbook.explain(root_mean_square, ROW, [1.0])


def test_leaves_no_trace_behind():
    before = sys.gettrace()

    def broken(x, y):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        lossbook.explain(broken, ROW, ROW)
    assert sys.gettrace() is before


def test_markdown_shows_code_and_marks():
    text = lossbook.explain(root_mean_square, COLUMN, ROW)._repr_markdown_()
    assert "`error = prediction - target`" in text
    assert "**(2, 1), (2,) were broadcast" in text
