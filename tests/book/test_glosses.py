"""The English of a term stands in parentheses once in a part of the book."""

import pytest

from tests.book.small_pages import cell
from tools.book import ROOT
from tools.checks.glosses import check_book, glosses, repeated


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("vi", "Hàm mất mát (loss function) và các gradient (gradients).", ["loss function", "gradient"]),
        ("zh", "梯度（gradient）、均方误差（mean squared error, MSE）。", ["gradient", "mean squared error"]),
        ("pt", "A perda (sempre positiva), `loss` (3, 5) e o erro (error bars).", []),
    ],
)
def test_glosses_are_found(language, text, terms):
    assert [term for _, term in glosses(cell(language, text).page)] == terms


def test_repeated_gloss_is_found():
    first, second = cell("vi", "Gradient (gradient).").page, cell("vi", "Tầng (layer); gradient (gradient).").page
    [fault] = repeated([first, second])
    assert "“(gradient)” was given in" in fault
    assert repeated([first]) == []


def test_no_part_repeats_a_gloss():
    assert check_book(ROOT) == []
