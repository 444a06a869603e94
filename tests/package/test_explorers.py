"""Explorers: what a definition gives with numbers that show their working, against the losses and autograd."""

import itertools
import json

import pytest
import torch

from lossbook.catalogue import CATALOGUE, find
from lossbook.lessons.explorers import EXPLORERS, Choice, working
from tools.book import pages

LOSSES = [explorer for explorer in EXPLORERS.values() if explorer.page.startswith(("guide/", "losses/", "practice/"))]
every_loss = pytest.mark.parametrize("explorer", LOSSES, ids=lambda explorer: explorer.name)
every_explorer = pytest.mark.parametrize("explorer", EXPLORERS.values(), ids=EXPLORERS)


def points(explorer, count=20):
    """Values of all controls, spread over their ranges, off the kinks that lie at round numbers. Four decimals: a browser
    rounds more of them."""
    for i in range(count):
        yield {
            name: c.options[i % len(c.options)]
            if isinstance(c, Choice)
            else round(c.low + ((i * 0.6180339 + 0.137 * k + 0.0123) % 1) * (c.high - c.low), 4)
            for k, (name, c) in enumerate(explorer.controls.items())
        }


def as_tensors(explorer, values):
    """The call of the loss that the controls stand for, and the tensor of the control that it is drawn over."""
    number = {
        name: torch.tensor(value, dtype=torch.float64) if isinstance(value, float) else value
        for name, value in values.items()
    }
    over = number[explorer.over].requires_grad_()
    name = explorer.name
    if name in ("l1", "mse", "smooth_l1", "huber", "bce", "bce_with_logits", "soft_margin"):
        inputs = [number["input"].reshape(1), torch.as_tensor(number["target"], dtype=torch.float64).reshape(1)]
        settings = {k: v for k, v in number.items() if k not in ("input", "target")}
        settings = {k: v.reshape(1) if "weight" in k else v.item() for k, v in settings.items()}
    elif name == "kl_div":
        q, p = number["input"], number["target"]
        inputs = [torch.stack([q, 1 - q]).log()[None], torch.stack([p, 1 - p])[None]]
        settings = {"reduction": "batchmean"}
    elif name == "nll":
        p = number["input"]
        inputs, settings = [torch.stack([p, (1 - p) / 2, (1 - p) / 2]).log()[None], torch.tensor([0])], {}
    elif name in ("multi_margin", "generalized_cross_entropy", "multilabel_margin", "multilabel_soft_margin"):
        target = torch.tensor([values["target"] if "target" in values else [values[f"target_{i}"] for i in range(3)]])
        inputs = [torch.stack([number[f"input_{i}"] for i in range(3)])[None], target]
        settings = {k: values[k] for k in ("margin", "p", "q") if k in values}
    elif name in ("quantile", "focal", "gaussian_kl"):
        first, second, *settings = number
        inputs = [torch.as_tensor(number[k], dtype=torch.float64).reshape(1, 1) for k in (first, second)]
        settings = {k: values[k] for k in settings}
    elif name == "distillation":
        students = torch.stack([number[f"input_{i}"] for i in range(3)])[None]
        inputs = [students, torch.tensor([[2.0, 1.0, -1.0]], dtype=torch.float64), torch.tensor([number["target"]])]
        settings = {k: values[k] for k in ("temperature", "alpha")}
    elif name == "dice":
        masks = torch.tensor([[float(values[f"target_{i}"]) for i in range(3)]], dtype=torch.float64)
        inputs, settings = [torch.stack([number[f"input_{i}"] for i in range(3)])[None], masks], {"from_logits": False}
    elif name == "giou":
        left, up = number["input_0"], number["input_1"]
        two = torch.tensor([[0.0, 0.0, 2.0, 2.0]], dtype=torch.float64)
        inputs, settings = [torch.stack([left, up, left + 2, up + 2])[None], two], {}
    elif name == "dpo":
        reference = torch.full((1,), -10.0, dtype=torch.float64)
        inputs = [number["chosen_logps"].reshape(1), number["rejected_logps"].reshape(1), reference, reference]
        settings = {"beta": values["beta"]}
    elif name == "cross_entropy":
        inputs = [torch.stack([number[f"input_{i}"] for i in range(3)])[None], torch.tensor([number["target"]])]
        settings = {"label_smoothing": values["label_smoothing"]}
    elif name == "ctc":
        p = torch.stack([number[f"log_probs_{t}"] for t in range(3)])
        inputs = [torch.stack([1 - p, p], 1).log()[:, None], torch.tensor([[1]]), torch.tensor([3]), torch.tensor([1])]
        settings = {}
    else:
        groups = itertools.groupby(
            (k for k in number if k.rpartition("_")[2].isdigit() or k.startswith(("input", "target", "var"))),
            lambda k: k.rpartition("_")[0] if k[-2:] in ("_0", "_1") else k,
        )
        inputs = [
            torch.stack([number[k] for k in keys])[None]
            if len(keys := list(group)) == 2
            else torch.as_tensor(number[keys[0]], dtype=torch.float64).reshape(1)
            for _, group in groups
        ]
        settings = {k: values[k] for k in ("margin", "p") if k in values}
    return inputs, settings, over


@every_loss
def test_value_and_gradient_are_the_losses(explorer):
    for values in points(explorer):
        inputs, settings, over = as_tensors(explorer, values)
        loss = find(explorer.name).function(*inputs, **settings)
        [gradient] = torch.autograd.grad(loss, over)
        answer = explorer.answer(values)
        assert answer["loss"] == pytest.approx(loss.item(), abs=1e-9)
        assert answer["gradient"] == pytest.approx(gradient.item(), abs=1e-9)


@every_explorer
def test_the_start_is_off_the_flat_and_the_curve_runs_through_it(explorer):
    over = explorer.controls[explorer.over]
    answer = explorer.answer(xs=[over.low, over.start, over.high])
    assert answer["gradient"] != 0, "a reader sees at once that the gradient is one"
    assert answer["curve"][1] == [over.start, answer["loss"], answer["gradient"]]
    assert all(-1e6 < value < 1e6 for point in answer["curve"] for value in point)


@every_explorer
def test_the_working_ends_in_the_loss(explorer):
    answer = explorer.answer()
    said = [line.rpartition(" = ")[2] for line in answer["working"]]
    assert not said or working.shown(abs(answer["loss"])) in [text.removeprefix("−") for text in said]


def test_the_working_of_huber_by_hand():
    said = EXPLORERS["huber"].answer({"input": 3.0, "target": 0.5, "delta": 2.0})["working"]
    assert said == ["3 − 0.5 = 2.5", "|2.5| = 2.5", "2 / 2 = 1", "2.5 − 1 = 1.5", "2 · 1.5 = 3"]


@pytest.mark.parametrize(
    ("loss", "values", "gradient"),
    [("l1", {"input": 1.0, "target": 1.0}, 0), ("margin_ranking", {"input1": 1.0, "input2": 1.0}, -1)],
)
def test_at_a_kink_the_gradient_is_pytorchs(loss, values, gradient):
    assert EXPLORERS[loss].answer(values)["gradient"] == gradient


def test_another_constant_is_another_loss():
    """Planted: the page runs the text it shows, not a copy."""
    request = EXPLORERS["huber"].request()
    request["source"] = request["source"].replace("e * e / 2", "e * e / 3").replace("- delta / 2", "- delta / 3")
    assert json.loads(working.answer(json.dumps(request)))["loss"] != EXPLORERS["huber"].answer()["loss"]


@every_loss
def test_controls_are_the_arguments_of_the_loss(explorer):
    """Each slider goes by the argument it sets; a vector's by the argument and a number."""
    arguments = find(explorer.name).function.__wrapped__.__code__.co_varnames
    assert {name.rpartition("_")[0] if name[-2:] in ("_0", "_1", "_2") else name for name in explorer.controls} <= set(
        arguments
    )


def test_every_loss_with_a_page_of_its_own_has_an_explorer():
    without = {
        "triplet_margin_with_distance",  # its argument is a function: on the page of the triplet loss
        "linear_cross_entropy",  # its explorer is that of the logits, on the page of cross-entropy
        "adaptive_log_softmax",  # it depends on parameters of its own, and has no one curve
    }
    own = {entry.name for entry in CATALOGUE if entry.page.startswith(("guide/", "losses/"))}
    assert own - without == {explorer.name for explorer in LOSSES if not explorer.page.startswith("practice/")}


def test_every_page_of_practice_that_teaches_losses_has_an_explorer():
    without = {"practice/language-model"}  # its loss is cross-entropy, over many tokens
    taught = {entry.page for entry in CATALOGUE if entry.page.startswith("practice/")}
    assert taught - without == {explorer.page for explorer in LOSSES if explorer.page.startswith("practice/")}


@pytest.mark.parametrize("values", list(points(EXPLORERS["softmax"])))
def test_softmax(values):
    logits = torch.tensor([values[f"input_{i}"] for i in range(3)], dtype=torch.float64, requires_grad=True)
    shares = torch.softmax(logits / values["temperature"], 0)
    answer = EXPLORERS["softmax"].answer(values)
    assert answer["probabilities"] == pytest.approx(shares.tolist())
    assert answer["loss"] == pytest.approx(shares[0].item())
    assert answer["gradient"] == pytest.approx(torch.autograd.grad(shares[0], logits)[0][0].item())


def test_descent_is_sgd_on_the_point_of_the_page():
    """With the definition's own derivative: the loss after so many steps over the learning rate."""
    for values in points(EXPLORERS["descent"]):
        a = torch.tensor(values["start"], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([a], lr=values["learning_rate"])
        for _ in range(values["steps"]):
            optimizer.zero_grad()
            (3 - (a * -3)).square().backward()
            optimizer.step()
        answer = EXPLORERS["descent"].answer(values)
        assert answer["loss"] == pytest.approx((3 + 3 * a.item()) ** 2, abs=1e-9)
    higher, lower = (EXPLORERS["descent"].answer({"learning_rate": 0.03 + h})["loss"] for h in (1e-5, -1e-5))
    gradient = EXPLORERS["descent"].answer({"learning_rate": 0.03})["gradient"]
    assert gradient == pytest.approx((higher - lower) / 2e-5, rel=1e-6)


def test_the_error_of_a_line_is_the_pages():
    """Seven points of the page, by its own cell."""
    cells = {cell.id: cell.source for cell in pages("en")["first-losses/one-point"].cells}
    there = {}
    exec("import torch\n" + "\n".join(cells["data-and-line"].splitlines()[:2]), there)
    x, y = there["x"].double(), there["y"].double()
    loss = (0.5 * x - 1 - y).square().mean().item()
    assert EXPLORERS["line_error"].answer({"weight": 0.5, "bias": -1.0})["loss"] == pytest.approx(loss, abs=1e-6)
