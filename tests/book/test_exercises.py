"""Every notebook has three exercises or more, none answered beforehand, each graded; the solutions are right."""

import re

import pytest

from lossbook.lessons.exercises import EXERCISES
from tools.book import REFERENCE, Cell, Page, pages

NOTEBOOKS = [page for page in pages(REFERENCE).values() if page.path.suffix == ".ipynb"]
ABOUT_NO_LOSS = {"guide/overview", "guide/custom-losses"}
LOSSES = [page for page in NOTEBOOKS if page.name.startswith(("guide/", "losses/")) and page.name not in ABOUT_NO_LOSS]
every_page = pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.name)


def checked(cell: Cell) -> list[str]:
    """The exercises that a cell checks an answer to."""
    return re.findall(r'lossbook\.check\(\s*"([^"]+)"', cell.source)


def solutions(page: Page) -> list[Cell]:
    return [cell for cell in page.cells if cell.id.endswith("-solution")]


def said(cell: Cell) -> str:
    """What a code cell has printed."""
    return "\n".join(
        "".join(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in cell.outputs
    )


@every_page
def test_three_exercises_or_more(page):
    assert len(solutions(page)) >= 3


@every_page
def test_predict_then_run_and_a_fault_to_be_found(page):
    text = "\n".join(cell.source for cell in page.cells)
    assert "Predict, then run." in text
    assert "Find the fault." in text or "repair" in text


@pytest.mark.parametrize("page", LOSSES, ids=lambda page: page.name)
def test_a_page_on_a_loss_has_it_written_from_scratch(page):
    assert any(name.startswith("write-") for cell in page.cells for name in checked(cell))


@every_page
def test_each_answer_is_the_readers_and_each_solution_right(page):
    for cell in page.cells:
        for _name in checked(cell):
            right = any(line.startswith("Right") for line in said(cell).splitlines())
            assert right == cell.id.endswith("-solution"), cell.where


@every_page
def test_a_solution_is_folded_and_follows_its_answer(page):
    before = []
    for cell in page.cells:
        if cell.id.endswith("-solution"):
            assert "hide-cell" in cell.metadata["tags"], cell.where
            assert not checked(cell) or set(checked(cell)) <= set(before), cell.where
        before += checked(cell)


def test_each_exercise_stands_on_one_page():
    where = {
        name: {page.name for page in NOTEBOOKS for cell in page.cells if name in checked(cell)} for name in EXERCISES
    }
    assert {name: found for name, found in where.items() if len(found) != 1} == {}
    assert {name for page in NOTEBOOKS for cell in page.cells for name in checked(cell)} <= set(EXERCISES)
