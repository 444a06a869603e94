"""What `explain` takes for a reader's own loss, whose gradients it tells, and what it leaves as it was."""

import sys

import pytest
import torch

import lossbook
from tests.package.explained import ROW, root_mean_square


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


def test_a_loss_that_switches_gradients_off_is_explained_and_leaves_them_on():
    def loss(p, t):
        result = (p - t).mean()
        torch.set_grad_enabled(False)
        return result

    assert lossbook.explain(loss, ROW, ROW).gradient.tolist() == [0.5, 0.5]
    assert torch.is_grad_enabled()


def test_a_loss_may_work_on_its_input_in_place():
    def loss(p, t):
        p.sub_(t)
        return p.square().sum()

    given = ROW.clone()
    assert lossbook.explain(loss, given, torch.ones(2)).gradient.tolist() == [0.0, 2.0]
    assert given.tolist() == [1.0, 2.0]


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
