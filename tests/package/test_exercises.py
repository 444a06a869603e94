"""Every exercise takes the right answer, exact or rounded, and gives each known mistake its own hint, in every language."""

import pytest
import torch

from lossbook import check, set_language
from lossbook.language import languages
from lossbook.lessons.exercises import EXERCISES, PARTS
from lossbook.lessons.exercises.exercise import Exercise
from lossbook.lessons.exercises.judgment import FULL

ANSWERED = {name: exercise for name, exercise in EXERCISES.items() if isinstance(exercise, Exercise)}
NUMBERS = {name: exercise for name, exercise in ANSWERED.items() if not isinstance(exercise.answer(), str)}
every_exercise = pytest.mark.parametrize("name", ANSWERED)
every_number = pytest.mark.parametrize("name", NUMBERS)


def rounded(answer, digits):
    return tuple(round(x, digits) for x in answer) if isinstance(answer, tuple) else round(answer, digits)


def numbers(answer):
    return torch.as_tensor(answer, dtype=torch.float64).flatten()


@every_exercise
@pytest.mark.parametrize("language", languages())
def test_right_answer_and_known_mistakes(name, language):
    exercise = EXERCISES[name]
    set_language(language)
    assert check(name, exercise.answer()).message.endswith(exercise.praise())
    hints = [check(name, mistake) for mistake, _ in exercise.mistakes()]
    assert not any(hints)
    for hint, (mistake, text) in zip(hints, exercise.mistakes(), strict=True):
        assert hint.message.endswith(text), f"{mistake} gets another hint than its own"
    other = check(name, 123.456 if name in NUMBERS else "xyz")
    assert not other
    assert other.message.endswith(exercise.hint())
    messages = {verdict.message for verdict in [*hints, other, check(name, exercise.answer()), check(name, ...)]}
    assert len(messages) == len(hints) + 3, "each answer has its own message"


@every_exercise
@pytest.mark.parametrize("language", languages())
def test_no_answer_yet(name, language):
    set_language(language)
    invitation = check("same-accuracy", ...)
    for nothing in (..., (..., ...)):
        verdict = check(name, nothing)
        assert not verdict
        assert verdict == invitation


@every_number
@pytest.mark.parametrize("language", languages())
def test_a_right_answer_may_be_rounded_to_the_digits_asked(name, language):
    set_language(language)
    exercise = EXERCISES[name]
    exact = exercise.answer()
    given = rounded(exact, exercise.digits)
    verdict = check(name, given)
    assert verdict
    differs = (numbers(given) - numbers(exact)).abs().max() > FULL
    assert (verdict.message == check(name, exact).message) != differs, "a rounded answer is said to be rounded"


@every_number
def test_what_lies_farther_off_is_refused(name):
    exercise = EXERCISES[name]
    off = numbers(exercise.answer()) + 0.6 * 10**-exercise.digits
    assert not check(name, off)


def test_too_few_digits_are_asked_for():
    for given in (1.4, 1.38):
        verdict = check("cross-entropy-by-hand", given)
        assert not verdict
        assert "Digits wanted after the point: 2" in verdict.message
    assert check("cross-entropy-by-hand", 1.39).message.startswith("Right, rounded from 1.3863.")
    assert check("cross-entropy-by-hand", 1.3863).message.startswith("Right. ")


def test_answers_are_what_a_reader_gets_by_hand():
    assert EXERCISES["l1-and-mse"].answer() == (2.0, 6.0)
    assert check("cross-entropy-by-hand", 1.386)
    assert check("nll-of-probabilities", 0.49)
    assert check("kl-by-hand", 0.14)
    assert check("mse-divisor", 6.33)
    assert check("cosine-embedding", 0.71)
    assert check("bce-by-hand", (0.16, 1.90))
    assert check("huber-and-smooth-l1", (1.38, 2.75))
    assert check("same-softmax", "DB")
    assert check("same-accuracy", "b")
    for text in ("b, d", "B and D", "b e d", "b và d", "b 和 d", ("d", "b")):
        assert check("same-softmax", text), text
    assert check("l1-and-mse", "2, 6")
    assert check("l1-and-mse", "(2, 6)")
    assert check("l1-and-mse", torch.tensor([2, 6]))
    assert not check("same-accuracy", "lauqe")
    assert check("same-accuracy", "lauqe").message != check("same-accuracy", "equal").message
    assert not check("l1-and-mse", 2.0)
    assert not check("l1-and-mse", None)
    assert not check("mse-divisor", float("nan"))


def test_mistakes_of_readers_have_their_hints():
    for name, mistake, hint in (
        ("cross-entropy-by-hand", 0.602, "base 10"),
        ("cross-entropy-by-hand", "ln 4", "not a text"),
        ("kl-by-hand", 0.549, "size of each term"),
        ("loss-stuck-at-the-margin", "a", "both distances are equal"),
        ("verify-report", "a", "a single column"),
    ):
        assert hint in check(name, mistake).message


def test_no_two_exercises_share_a_name():
    assert len(EXERCISES) == sum(len(part.EXERCISES) for part in PARTS)
