"""`explain` on losses that are not in the catalogue: the reader's own lines, or the operations as they ran."""

import functools
import linecache
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


def marked(loss, *tensors, **settings):
    return {step.say: step.marks for step in lossbook.explain(loss, *tensors, **settings).steps if step.marks}


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


def test_shapes_are_those_of_the_moment():
    def loss(p, t):
        mask = t > 0
        kept = p + mask
        mask.unsqueeze_(1)
        return kept.sum() + mask.sum()

    assert marked(loss, ROW, ROW) == {}


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


def kl(mu, log_var):
    return (mu**2 + log_var.exp() - log_var - 1).sum() / 2


def test_every_tensor_that_a_model_predicts_has_its_gradient():
    mu, log_var = torch.tensor([1.0, -2.0]), torch.tensor([0.0, 0.0])
    explanation = lossbook.explain(kl, mu, log_var)
    assert {name: g.tolist() for name, g in explanation.gradients.items()} == {"mu": [1.0, -2.0], "log_var": [0.0, 0.0]}
    assert explanation.gradient is explanation.gradients["mu"]
    assert "Gradient of mu\n     [1, −2]\nGradient of log_var\n     [0, 0]" in str(explanation)
    assert "Gradient of log_var" in explanation._repr_markdown_()


@pytest.mark.parametrize(
    ("names", "with_gradient"),
    [
        ("prediction, target", ["prediction"]),
        ("y_true, y_pred", ["y_pred"]),
        ("image_features, text_features", ["image_features", "text_features"]),
        ("z1, z2", ["z1", "z2"]),
        ("logits, teacher_logits", ["logits"]),
        ("x, weight", ["x"]),
        ("a, b", ["a"]),
    ],
)
def test_what_a_model_predicts_is_told_by_its_name(names, with_gradient):
    loss = eval(f"lambda {names}: ({names.replace(', ', '*')}).sum()")
    assert list(lossbook.explain(loss, ROW, ROW).gradients) == with_gradient


def test_a_tensor_that_requires_a_gradient_gets_it():
    given = torch.ones(2, requires_grad=True)
    assert list(lossbook.explain(lambda a, b: (a * b).sum(), ROW, given).gradients) == ["a", "b"]
    assert given.grad is None


def test_numbers_lists_and_dicts_are_taken():
    def loss(outputs, target, beta, *, mask=None):
        error = outputs["logits"] - target
        return beta * (error.square() * mask).mean()

    explanation = lossbook.explain(loss, {"logits": ROW}, torch.zeros(2), 0.5, mask=torch.tensor([1.0, 0.0]))
    assert explanation.value == 0.25
    assert explanation.gradients["outputs['logits']"].tolist() == [0.5, 0.0]
    assert lossbook.explain(lambda scales, t: sum((s - t).abs().sum() for s in scales), [ROW, ROW], ROW).value == 0


def test_a_class_is_built_with_its_settings():
    assert lossbook.explain(Wrapper, ROW, torch.zeros(2), scale=2.0).value == 5


def test_vmap_is_passed_over():
    def loss(p, t):
        each = torch.vmap(squared)(p, t)
        return each.sum()

    assert list(steps(loss, COLUMN, COLUMN)) == ["each = torch.vmap(squared)(p, t)", "return each.sum()"]


def test_a_loss_that_switches_gradients_off_is_explained_and_leaves_them_on():
    def loss(p, t):
        result = (p - t).mean()
        torch.set_grad_enabled(False)
        return result

    assert lossbook.explain(loss, ROW, ROW).gradient.tolist() == [0.5, 0.5]
    assert torch.is_grad_enabled()


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


def test_a_loss_may_work_on_its_input_in_place():
    def loss(p, t):
        p.sub_(t)
        return p.square().sum()

    given = ROW.clone()
    assert lossbook.explain(loss, given, torch.ones(2)).gradient.tolist() == [0.0, 2.0]
    assert given.tolist() == [1.0, 2.0]
