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
    assert found["total = total + (p - y) ** 2"].value == 1, "a loop shows its first pass"


def test_a_callable_object():
    assert list(steps(Callable(), ROW, ROW)) == ["error = prediction - target", "return error.abs().sum()"]


def test_operations_where_there_is_no_source():
    loss = eval("lambda x, y: ((x - y) ** 2).mean()")
    explanation = lossbook.explain(loss, ROW, torch.zeros(2))
    assert [step.say.split("(")[0] for step in explanation.steps] == ["sub", "__pow__", "mean"]
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
