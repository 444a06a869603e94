"""Every exercise takes the right answer, and gives each known mistake its own hint, in every language."""

import pytest
import torch

from lossbook import check, set_language
from lossbook.language import languages
from lossbook.lessons.exercises import EXERCISES, PARTS

every_exercise = pytest.mark.parametrize("name", EXERCISES)


@every_exercise
@pytest.mark.parametrize("language", languages())
def test_right_answer_and_known_mistakes(name, language):
    exercise = EXERCISES[name]
    set_language(language)
    assert check(name, exercise.answer())
    hints = [check(name, mistake) for mistake, _ in exercise.mistakes()]
    assert not any(hints)
    other = check(name, "something else")
    assert not other
    messages = {verdict.message for verdict in [*hints, other, check(name, exercise.answer()), check(name, ...)]}
    assert len(messages) == len(hints) + 3, "each answer has its own message"


@every_exercise
def test_no_answer_yet(name):
    for nothing in (..., (..., ...)):
        verdict = check(name, nothing)
        assert not verdict
        assert "No answer yet" in repr(verdict)


def test_answers_are_what_a_reader_gets_by_hand():
    assert EXERCISES["l1-and-mse"].answer() == (2.0, 6.0)
    assert check("cross-entropy-by-hand", 1.386)
    assert check("same-softmax", "DB")
    assert check("same-accuracy", "a")
    assert check("same-softmax", "b, d")
    assert check("same-softmax", ("d", "b"))
    assert check("l1-and-mse", "2, 6")
    assert check("l1-and-mse", torch.tensor([2, 6]))
    assert not check("same-accuracy", "lauqe")
    assert check("same-accuracy", "lauqe").message != check("same-accuracy", "equal").message
    assert not check("l1-and-mse", 2.0)
    assert not check("l1-and-mse", None)


def test_no_two_exercises_share_a_name():
    assert len(EXERCISES) == sum(len(part.EXERCISES) for part in PARTS)
