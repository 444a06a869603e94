"""`lossbook.verify` without a right loss: wrong losses beside right ones, after public reports, and what is said of each."""

import functools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.verifying.verify import verify
from tests.package.alone_losses import PAIRS
from tests.package.alone_losses.right import RIGHT


@functools.cache
def report(name, kind):
    pair = PAIRS[name]
    return verify(getattr(pair, kind), inputs=pair.inputs)


def marked(report):
    return {check.name: check for check in report.checks if check.state in ("failed", "warning")}


@pytest.mark.parametrize("name", PAIRS)
def test_a_wrong_loss_is_seen(name):
    pair, marks = PAIRS[name], marked(report(name, "wrong"))
    assert pair.check in marks, report(name, "wrong")
    assert marks[pair.check].state == ("failed" if pair.certain else "warning")
    assert pair.says in marks[pair.check].finding.says
    assert bool(report(name, "wrong")) != pair.certain or len(marks) > 1


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_beside_it_is_not(name):
    assert report(name, "right")
    assert not marked(report(name, "right")), report(name, "right")


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_said_of_right_losses(name):
    loss, inputs = RIGHT[name]
    found = verify(loss, inputs=inputs)
    assert not marked(found), found


def test_the_headlines():
    def batch():
        return torch.randn(4, 3), torch.randn(4, 3)

    def idle(input, target):
        return input.square().mean()

    said = [
        str(verify(loss, inputs=batch)).splitlines()[0] for loss in (nn.L1Loss(), idle, lambda a, b: a.mean().item())
    ]
    assert said == [
        "L1Loss shows no fault.",
        "idle has no fault that is certain. Look at what is marked.",
        "<lambda> has a fault.",
    ]


def test_a_line_to_look_at():
    found = marked(report("column meets row", "wrong"))["broadcast"].finding
    assert found.line.endswith("errors = (prediction - target).square()")


def divided_by_the_deviation(logits, actions, rewards):
    advantage = (rewards - rewards.mean()) / rewards.std()
    return -(logits.log_softmax(1).gather(1, actions[:, None]).squeeze(1) * advantage).mean()


def with_a_partner(features, labels):
    scores = features @ features.T
    same = (labels[:, None] == labels[None]) & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return -((scores.log_softmax(1) * same).sum(1) / same.sum(1)).mean()


def of_the_exponentials(left, right):
    similarity = torch.exp(left @ right.T / 0.07)
    return -(similarity.diagonal() / similarity.sum(1)).log().mean()


@pytest.mark.parametrize(
    ("loss", "batch", "check", "why"),
    [
        (
            divided_by_the_deviation,
            lambda: (torch.randn(4, 3), torch.randint(3, (4,)), torch.ones(4)),
            "finite",
            "0 divided by 0",
        ),
        (
            divided_by_the_deviation,
            lambda: (torch.randn(4, 3), torch.randint(3, (4,)), torch.arange(4.0)),
            "edges",
            "the standard deviation of a single number",
        ),
        (with_a_partner, lambda: (torch.randn(4, 3), torch.tensor([0, 1, 1, 2])), "finite", "a division by 0"),
        (of_the_exponentials, lambda: (torch.randn(6, 64), torch.randn(6, 64)), "float32", "exp overflows"),
    ],
)
def test_why_a_number_is_not_finite(loss, batch, check, why):
    assert why in marked(verify(loss, inputs=batch))[check].finding.diagnosis


def test_nothing_to_hold_it_against():
    with pytest.raises(TypeError, match='Give what it should agree with, as like="mse"'):
        verify(F.mse_loss)
    with pytest.raises(TypeError, match="reduction would be a setting of like, which is missing"):
        verify(F.mse_loss, inputs=lambda: (torch.randn(3), torch.randn(3)), reduction="sum")


def test_memory_and_chance_are_told_and_can_be_held():
    def dropped(prediction, target):
        return F.dropout((prediction - target).abs()).mean()

    def batch():
        return torch.randn(6, 3), torch.randn(6, 3)

    assert "seed=0" in marked(verify(dropped, inputs=batch))["repeatable"].finding.says
    assert not marked(verify(dropped, inputs=batch, seed=0))


def test_a_result_that_is_no_tensor_says_which_part_to_pick():
    def several(prediction, target):
        return {"loss": (prediction - target).abs().mean(), "n": 3}

    def batch():
        return torch.randn(6, 3), torch.randn(6, 3)

    says = marked(verify(several, inputs=batch))["answers"].finding.says
    assert says == 'The loss returns dict(loss, n). Say which part is the loss, as pick=0 or pick="loss".'
    assert not marked(verify(several, inputs=batch, pick="loss"))


def test_a_model_with_its_batch():
    model = nn.Linear(3, 2)

    def right(model, batch):
        return F.cross_entropy(model(batch["x"]), batch["labels"])

    def wrong(model, batch):
        with torch.no_grad():
            logits = model(batch["x"])
        return F.cross_entropy(logits, batch["labels"]) + 0 * batch["x"].sum()

    def batch():
        return model, {"x": torch.randn(4, 3), "labels": torch.randint(2, (4,))}

    assert not marked(verify(right, inputs=batch))
    assert "reaches" in marked(verify(wrong, inputs=batch))
