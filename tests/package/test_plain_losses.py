"""Losses that readers write without tensors: what is right, and what is said to slips."""

import math

import pytest
import torch

from lossbook.kit.loss import settings_of
from lossbook.lessons.exercises import EXERCISES
from lossbook.lessons.exercises.loss_judgment import judged
from lossbook.lessons.exercises.plain import Key, Point
from lossbook.lessons.exercises.points import POINTS
from lossbook.lessons.exercises.written_loss import WrittenLoss
from lossbook.verifying.slips.slip import MAKERS
from tests.package.plain_losses import RIGHT

KEYS = {name: each.key for name, each in EXERCISES.items() if isinstance(each, WrittenLoss) and each.key}
every_exercise = pytest.mark.parametrize("exercise", KEYS)
with_slips = pytest.mark.parametrize(
    "exercise", [name for name, key in KEYS.items() if key.names_the_slip and key.like in MAKERS]
)


def test_every_plain_loss_has_a_right_answer():
    assert KEYS.keys() == RIGHT.keys()
    assert {key.like for key in KEYS.values()} == POINTS.keys()


@every_exercise
def test_what_is_right_is_what_torch_gives(exercise):
    """For boxes, whose losses torch does not have, what the definition gives."""
    key = KEYS[exercise]
    entry = key.reference.entry
    for point, right in zip(key.points, key.rights, strict=True):
        if entry.torch_function is None:
            (term,) = entry.definition(*([x] for x in point.given))
            assert right == pytest.approx(term.loss, abs=1e-9)
            continue
        settings = {"reduction": "sum"} | key.settings | point.tensor_settings(entry.function)
        theirs = entry.torch_function(*point.tensors(), **settings).item()
        if entry.name == "soft_margin" and not math.isfinite(theirs):  # torch's overflows
            theirs = -point.given[0] * point.given[1]
        assert right == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@every_exercise
def test_a_right_loss_is_right(exercise):
    key = KEYS[exercise]
    assert judged(RIGHT[exercise], key.data()) == (True, f"Right. my_{key.like} agrees with {key.like}.")


@every_exercise
def test_what_stands_in_the_editor_is_not_right_yet(exercise):
    """Three dots, or a loss to be mended: a fault that shows, without its name."""
    data = KEYS[exercise].data()
    right, message = judged(data["source"], data)
    assert not right
    if exercise.startswith("write-"):
        assert message.startswith("No answer yet:")
    else:
        assert "\nsmallest input: " in message
        assert "diagnosis" not in message
        assert data["slips"] == []


@every_exercise
def test_points_are_few_and_short(exercise):
    data = KEYS[exercise].data()
    assert 4 <= len(data["points"]) <= 12
    assert all(len(point["shown"]) <= 60 for point in data["points"])


class Drawn(Key):
    """The same question at points that chance chose: samples of the catalogue, under the settings of the points."""

    @property
    def points(self):
        entry, settings = self.reference.entry, [point.settings for point in super().points]
        points = []
        for i in range(2 * len(settings)):
            row = tuple(t[0].tolist() for t in entry.sample(torch.Generator().manual_seed(i)))
            also = dict(settings[i % len(settings)])
            if "weight" in also:
                also["weight"] = [0.5 + c for c in range(len(row[0]))]
            points.append(Point((abs(row[0]), *row[1:]) if also.get("log_input") is False else row, also))
        return points


@with_slips
def test_every_own_slip_of_the_loss_shows(exercise):
    key = KEYS[exercise]
    defaults = {name: setting.default for name, setting in settings_of(key.reference.losses[0]).items()}
    own = {slip.says for slip in MAKERS[key.like](key.reference, defaults | key.reference.settings)}
    drawn = Drawn(key.plain, key.like, key.settings, key.takes, True)
    shown = {slip["says"] for slip in key.data()["slips"]}
    assert {slip["says"] for slip in drawn.data()["slips"]} & own - shown == set()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return ...", "No answer yet"),
        ("pass", "The loss returns NoneType, not a number"),
        ("return True", "The loss returns bool, not a number"),
        ("return 0.125", "wrong value"),
        ("return 1 / target", "ZeroDivisionError: "),
        ("return math.inf", "not finite where the right one is"),
        ("return math.nan", "not finite where the right one is"),
        ("return (prediction - target) ** 2 / 2 + 0.00001", "got 0.12501, should be 0.125"),
    ],
)
def test_what_is_said(body, says):
    right, message = judged(f"def my_huber(prediction, target, delta=1.0):\n    {body}", KEYS["write-huber"].data())
    assert not right
    assert says in message


def test_another_name_is_told():
    right, message = judged("def huber(prediction, target):\n    return 0", KEYS["write-huber"].data())
    assert not right
    assert message == "Not yet. Keep the name my_huber: your loss is called by it."
