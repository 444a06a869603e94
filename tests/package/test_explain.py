"""The steps that `explain` shows: they end at the loss, and its own text, evaluated, gives its numbers."""

import math
import re
import warnings

import pytest
import torch
from torch.testing import assert_close

import lossbook
from lossbook.catalogue import CATALOGUE, find
from lossbook.kit import text

CASES = [
    pytest.param(entry, {**settings, "reduction": reduction}, id=f"{entry.name}-{i}-{reduction}")
    for entry in CATALOGUE
    for i, settings in enumerate(entry.settings)
    for reduction in ("none", "mean", "sum")
]
CASES.append(pytest.param(find("kl_div"), {"reduction": "batchmean"}, id="kl_div-batchmean"))


def evaluate(text):
    """The number that a piece of the steps' text stands for."""
    text = (
        text.replace("−", "-")
        .replace("·", "*")
        .replace("²", "**2")
        .replace("∞", "math.inf")
        .replace("√(", "math.sqrt(")
    )
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"ln ([\d.e-]+)", r"math.log(\1)", text).replace("ln (", "math.log(")
    text = re.sub(r"e\^([\d.]+|\([^)]*\))", r"math.exp(\1)", text).replace("^", "**")
    return eval(text, {"math": math, "abs": abs, "max": max})


def equations(step):
    """Every `left = … = right` of a step, without rows in brackets and elided parts."""
    for line in step.text:
        for part in line.split(text.SIDE_BY_SIDE):
            if "[" not in part and "…" not in part and re.search("[=≈]", part):
                yield re.split(" [=≈] ", part)


@pytest.mark.parametrize(("entry", "settings"), CASES)
def test_last_step_is_the_loss(entry, settings, generator):
    inputs = entry.sample(generator)
    explanation = lossbook.explain(entry.name, *inputs, **settings)
    assert_close(explanation.value, entry.function(*inputs, **settings))
    assert_close(explanation.steps[-1].value, explanation.value)


@pytest.mark.parametrize(
    ("entry", "settings"), [c for c in CASES if c.values[0].module.__name__ in lossbook.nn.__all__]
)
def test_its_gradient_is_torchs(entry, settings, generator, comparable, in_torch):
    inputs = entry.sample(generator)
    explanation = lossbook.explain(entry.name, *inputs, **settings)
    variable = inputs[0].clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against the mean of kl_div
        in_torch(entry.torch_function)(variable, *inputs[1:], **settings).sum().backward()
    assert_close(*(comparable(entry, gradient, inputs) for gradient in (explanation.gradient, variable.grad)))


@pytest.mark.parametrize(("entry", "settings"), CASES)
def test_its_arithmetic_is_true(entry, settings, generator, monkeypatch):
    monkeypatch.setattr(text, "SHOWN", 1000)  # nothing elided: the whole text is evaluated
    checked = 0
    for step in lossbook.explain(entry.name, *entry.sample(generator), **settings).steps:
        for sides in equations(step):
            numbers = [evaluate(side) for side in sides]
            assert numbers == pytest.approx([numbers[-1]] * len(numbers), rel=2e-3, abs=2e-3), sides
            checked += 1
    assert checked >= 3


def test_the_articles_example():
    prediction, target = torch.tensor([2.0, 3.0, 4.0, 5.0]), torch.tensor([4.0, 5.0, 6.0, 7.0])
    assert "(|2 − 4| + |3 − 5| + |4 − 6| + |5 − 7|) / 4 = 8 / 4 = 2" in str(lossbook.explain("l1", prediction, target))
    assert "((2 − 4)² + (3 − 5)² + (4 − 6)² + (5 − 7)²) / 4 = 16 / 4 = 4" in str(
        lossbook.explain("mse", prediction, target)
    )
    assert lossbook.explain("l1", prediction, target).gradient.tolist() == [-0.25] * 4


def test_errors_that_differ():
    """With equal errors mean, median, maximum and root mean square agree; with these they do not."""
    errors, zeros = torch.tensor([1.0, 2.0, 3.0, 10.0]), torch.zeros(4)
    assert lossbook.explain("l1", errors, zeros).value == 4
    assert lossbook.explain("mse", errors, zeros).value == 28.5


def test_softmax():
    explanation = lossbook.explain("softmax", torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert_close(explanation.value, torch.softmax(torch.tensor([1.0, 2.0, 3.0, 4.0]).double(), dim=0))
    checked = [sides for step in explanation.steps for sides in equations(step)]
    assert len(checked) == 4 + 1 + 4
    for left, right in checked:
        assert evaluate(left) == pytest.approx(evaluate(right), rel=2e-3)


def test_softmax_runs_over_the_classes():
    """They stand in dimension 1 of (N, C, d), not in the last."""
    logits = torch.tensor([[[0.0, 5.0], [1.0, 1.0], [2.0, 7.0]]])
    probabilities = lossbook.explain("cross_entropy", logits, torch.tensor([[0, 2]])).steps[3].value
    assert_close(probabilities, torch.softmax(logits.double(), dim=1))


@pytest.mark.parametrize(
    "loss",
    ["l1", torch.nn.L1Loss(), torch.nn.functional.l1_loss, lossbook.nn.L1Loss()],
    ids=["name", "torch module", "torch function", "module"],
)
def test_every_way_to_name_a_loss(loss):
    assert lossbook.explain(loss, torch.tensor([1.0]), torch.tensor([4.0])).value == 3


def test_a_module_brings_its_settings():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([4.0, 4.0])
    assert lossbook.explain(torch.nn.L1Loss(reduction="sum"), x, y).value == 5
    weight = torch.tensor([1.0, 3.0])
    logits, classes = torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.tensor([0, 1])
    module = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1)
    assert_close(lossbook.explain(module, logits, classes).value, module(logits, classes))


def test_long_input_is_elided():
    text = str(lossbook.explain("l1", torch.arange(100.0), torch.zeros(100)))
    assert "…" in text
    assert len(text) < 1500


@pytest.mark.parametrize(
    ("number", "shown"),
    [(2.0, "2"), (-0.25, "−0.25"), (1 / 3, "0.3333"), (0.0, "0"), (-0.0, "0"), (-1e-9, "−1.00e−9"), (0.0067379, "0.00674"),
     (float("inf"), "∞"), (float("-inf"), "−∞"), (float("nan"), "nan"), (1226.0, "1226"), (0.99999, "1")],
)  # fmt: skip
def test_numbers_as_the_book_prints_them(number, shown):
    assert text.number(number) == shown


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("3 − 1", "2 · (3 − 1)"),
        ("|3 − 1|", "2 · |3 − 1|"),
        ("0.5 · (1 + 1)", "2 · 0.5 · (1 + 1)"),
        ("(1 + 1) + 1", "2 · ((1 + 1) + 1)"),
    ],
)
def test_a_weight_stands_before_a_term(term, shown):
    assert text.scaled(2, term) == shown


@pytest.mark.parametrize("language", ["vi", "zh", "pt"])
def test_speaks_the_readers_language(language):
    english = [step.say for step in lossbook.explain("softmax", torch.tensor([1.0, 2.0])).steps]
    lossbook.set_language(language)
    theirs = [step.say for step in lossbook.explain("softmax", torch.tensor([1.0, 2.0])).steps]
    assert len(set(english) & set(theirs)) == 0


A, B = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
LEGAL = {
    "tensors by name": ("mse", (), {"input": A, "target": B}),
    "variance as a number": ("gaussian_nll", (A, B, 1.0), {}),
    "variance for each row": ("gaussian_nll", (A.expand(3, 2), B.expand(3, 2), torch.ones(3, 1)), {}),
    "a target for all": ("gaussian_nll", (A, torch.tensor(2.0), 1.0), {}),
    "one sample with a weight": ("cross_entropy", (A, torch.tensor(1)), {"weight": torch.tensor([0.5, 2.0])}),
    "one ignored sample": ("nll", (A, torch.tensor(1)), {"ignore_index": 1, "reduction": "sum"}),
    "one row and one target": ("multi_margin", (A, torch.tensor([1])), {}),
    "a single number": ("mse", (torch.tensor(1.0), torch.tensor(3.0)), {}),
    "three dimensions": ("multilabel_soft_margin", (torch.zeros(2, 3, 4), torch.ones(2, 3, 4)), {}),
    "images of classes": ("cross_entropy", (torch.zeros(2, 3, 4), torch.ones(2, 4).long()), {}),
    "nothing": ("mse", (torch.empty(0), torch.empty(0)), {"reduction": "sum"}),
    "integers as labels": ("margin_ranking", (A, B, torch.tensor([1, -1])), {}),
    "lengths as numbers": ("ctc", (torch.zeros(3, 1, 2).log_softmax(2), torch.tensor([[1]]), (3,), (1,)), {}),
}


@pytest.mark.parametrize("case", LEGAL)
def test_whatever_the_loss_takes_can_be_explained(case):
    name, tensors, settings = LEGAL[case]
    with torch.no_grad():
        explanation = lossbook.explain(name, *tensors, **settings)
    assert str(explanation)
    assert explanation._repr_markdown_()
    assert_close(explanation.value.double(), find(name).function(*tensors, **settings).double())
    assert_close(explanation.steps[-1].value.double().reshape(()), explanation.value.double())


@pytest.mark.parametrize("library", [torch.nn, lossbook.nn], ids=["torch", "lossbook"])
def test_modules_that_own_parameters(library, in_torch):
    x, t = torch.tensor([[1.0, 2.0], [0.5, -1.0]]), torch.tensor([2, 0])
    adaptive = library.AdaptiveLogSoftmaxWithLoss(2, 4, cutoffs=[2], div_value=1.0)
    assert_close(lossbook.explain(adaptive, x, t).value.float(), adaptive(x, t).loss.detach())
    with pytest.raises(TypeError, match="give a module"):
        lossbook.explain("adaptive_log_softmax", x, t)
    linear = in_torch(getattr(library, "LinearCrossEntropyLoss", None))(2, 3, bias=True)
    assert_close(lossbook.explain(linear, x, t).value, linear(x, t).detach())


def test_a_huge_batch_is_told_in_a_few_lines():
    explanation = lossbook.explain("mse", torch.randn(500, 500), torch.zeros(500, 500))
    assert len(str(explanation)) < 3000
    assert len(explanation._repr_markdown_()) < 5000
