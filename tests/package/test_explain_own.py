"""`explain` on losses that are not in the catalogue: the reader's own lines, or the operations as they ran."""

import functools
import linecache

import pytest
import torch
from torch.testing import assert_close

import lossbook
from tests.package.explained import COLUMN, ROW, marked, root_mean_square, steps


class Callable:
    def __call__(self, prediction, target):
        error = prediction - target
        return error.abs().sum()


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


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        result = x**3
        return result

    @staticmethod
    def backward(ctx, grad):
        return 3 * ctx.saved_tensors[0] ** 2 * grad


def test_a_custom_autograd_function_is_followed_and_innocent():
    def loss(p, t):
        error = Cube.apply(p - t)
        return error.mean()

    assert list(steps(loss, ROW, torch.zeros(2))) == [
        "in Cube.forward: result = x ** 3",
        "error = Cube.apply(p - t)",
        "return error.mean()",
    ]
    assert marked(loss, ROW, torch.zeros(2)) == {}
    assert_close(lossbook.explain(loss, ROW, torch.zeros(2)).gradient, torch.tensor([1.5, 6.0]))
    assert lossbook.explain(Cube.apply, ROW).value.tolist() == [1.0, 8.0]


def squared(p, t):
    error = p - t
    return error.square()


class Wrapper(torch.nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = scale

    def forward(self, p, t):
        return self.reduce(squared(p, t))

    def reduce(self, losses):
        mean = losses.mean()
        return mean * self.scale


@pytest.mark.parametrize(
    "loss", [Wrapper(), Wrapper, lambda p, t: Wrapper()(p, t), functools.partial(Wrapper(), t=ROW)]
)
def test_functions_of_the_same_file_are_followed(loss):
    given = (torch.tensor([3.0, 2.0]), ROW)[: 1 if isinstance(loss, functools.partial) else 2]
    shown = [(step.say, step.value.tolist()) for step in lossbook.explain(loss, *given).steps]
    assert shown == [
        ("in squared: error = p - t", [2.0, 0.0]),
        ("in squared: return error.square()", [4.0, 0.0]),
        ("in Wrapper.reduce: mean = losses.mean()", 2.0),
        ("in Wrapper.reduce: return mean * self.scale", 2.0),
    ]


def test_a_function_called_for_every_row_is_shown_for_the_first_and_the_last():
    def loss(p, t):
        return sum(squared(a, b) for a, b in zip(p, t, strict=True))

    shown = [step.value.tolist() for step in lossbook.explain(loss, torch.arange(4.0), torch.zeros(4)).steps]
    assert shown == [0.0, 0.0, 3.0, 9.0, 14.0]


def test_a_loss_with_too_many_steps_shows_fewer_functions():
    def inner(x):
        a = x + 1
        b = a * 2
        c = b - 1
        return c.exp()

    def loss(p, t):
        e = inner(p) - inner(t)
        f = inner(e) * inner(-e)
        g = inner(f / 1e9).log() + inner(p) + inner(t)
        h = inner(-p) + inner(-t) + inner(g * 0)
        k = inner(h * 0) + h
        return k.mean()

    shown = lossbook.explain(loss, ROW, ROW).steps
    assert [step.say.split(" ")[0] for step in shown] == ["e", "f", "g", "h", "k", "return"]


def test_the_broadcast_in_a_function_that_is_called_is_marked_in_its_line():
    assert list(marked(Wrapper(), COLUMN, ROW)) == ["in squared: error = p - t"]


def test_a_single_line_is_shown_part_by_part():
    def loss(p, t):
        return ((p - t) ** 2).mean()

    def by_rows(p, t):
        return torch.stack([(a - b).abs() for a, b in zip(p, t, strict=True)]).sum()

    expected = ["p - t", "(p - t) ** 2", "return ((p - t) ** 2).mean()"]
    assert list(steps(loss, ROW, torch.zeros(2))) == expected
    assert list(steps(lambda p, t: ((p - t) ** 2).mean(), ROW, ROW)) == [*expected[:2], "((p - t) ** 2).mean()"]
    assert list(marked(loss, COLUMN, ROW)) == ["p - t"]
    shown = lossbook.explain(by_rows, torch.arange(4.0), torch.zeros(4)).steps
    assert [step.value.tolist() for step in shown][-3:] == [3.0, [0.0, 1.0, 2.0, 3.0], 6.0]


def test_attributes_items_and_numbers_are_steps_too():
    class Loss:
        def __call__(self, p, t):
            self.error = p - t
            found = {}
            found["squares"] = self.error.square()
            losses = []
            losses.append(self.error.abs())
            count = (t > 1).sum().item()
            eps = 1e-6
            return found["squares"].sum() / (count + eps)

    shown = {say: step.value.tolist() for say, step in steps(Loss(), ROW, torch.tensor([2.0, 2.0])).items()}
    assert list(shown) == [
        "self.error = p - t",
        "found['squares'] = self.error.square(): found['squares']",
        "losses.append(self.error.abs())",
        "count = (t > 1).sum().item()",
        "return found['squares'].sum() / (count + eps)",
    ]
    assert list(shown.values()) == [[-1.0, 0.0], [1.0, 0.0], [1.0, 0.0], 2, pytest.approx(0.5)]


def test_a_statement_over_several_lines_in_a_loop_is_shown_once_a_turn():
    def loss(p, t):
        total = torch.zeros(())
        for a, b in zip(p, t, strict=True):
            total = (
                total
                + (a - b).abs()
            )  # fmt: skip
        return total

    shown = [step.value.tolist() for step in lossbook.explain(loss, torch.arange(1.0, 4.0), torch.zeros(3)).steps]
    assert shown == [0.0, 1.0, 6.0, 6.0]


def test_statements_in_one_line_are_all_shown():
    source = "a = p - t; b = a.square()"
    space = {}
    linecache.cache["two.py"] = (0, None, ["def loss(p, t):\n", f"    {source}\n", "    return b.mean()\n"], "two.py")
    exec(compile("".join(linecache.cache["two.py"][2]), "two.py", "exec"), space)
    shown = [(step.say, step.value.tolist()) for step in lossbook.explain(space["loss"], ROW, torch.zeros(2)).steps]
    assert shown[:2] == [(f"{source}: a", [1.0, 2.0]), (f"{source}: b", [1.0, 4.0])]


def test_what_has_more_than_two_dimensions_is_shown_by_its_shape_and_range():
    (step,) = lossbook.explain(lambda p: p * 2, torch.arange(8.0).reshape(2, 2, 2)).steps
    assert step.text == ("a tensor of shape (2, 2, 2), from 0 to 14",)


def test_a_class_is_built_with_its_settings():
    assert lossbook.explain(Wrapper, ROW, torch.zeros(2), scale=2.0).value == 5


def test_vmap_is_passed_over():
    def loss(p, t):
        each = torch.vmap(squared)(p, t)
        return each.sum()

    assert list(steps(loss, COLUMN, COLUMN)) == ["each = torch.vmap(squared)(p, t)", "return each.sum()"]


def halves(p, t):
    if len(p) == 1:
        error = p - t
        return error.abs().sum()
    left = halves(p[:1], t[:1])
    return left + halves(p[1:], t[1:])


def test_a_loss_that_calls_itself_is_followed_no_deeper():
    assert list(steps(halves, ROW, torch.zeros(2))) == [
        "left = halves(p[:1], t[:1])",
        "return left + halves(p[1:], t[1:])",
    ]
