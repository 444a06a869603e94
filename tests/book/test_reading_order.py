"""Every page has its place in one reading order, and says at its top what it needs: pages that come before it."""

import re
from posixpath import dirname, join, normpath

import pytest

from tests.book.small_pages import page_of
from tools.book import REFERENCE, Page, contents, pages

ORDER = [name.removeprefix(f"book/{REFERENCE}/") for _, name in contents() if name.startswith(f"book/{REFERENCE}/")]
NEEDS = "\n\n**You need** "
LINK = re.compile(r"\]\(([^)#]+)\.(?:ipynb|md)[^)]*\)")
REFERENCE_PAGES = ("glossary",)  # to look things up in, wherever one is


def teaching() -> dict[str, Page]:
    """The notebooks, by name."""
    return {name: page for name, page in pages(REFERENCE).items() if page.path.suffix == ".ipynb"}


def faults(name: str, title: str) -> list[str]:
    """What is wrong with the line that says what a page needs, in its title cell."""
    if title.count(NEEDS) != 1 or "\n" in (line := title.partition(NEEDS)[2]):
        return [f"{name}: its title cell ends with one paragraph that begins “**You need**”."]
    needed = [normpath(join(dirname(name), link)) for link in LINK.findall(line)]
    late = [page for page in needed if page not in REFERENCE_PAGES and ORDER.index(page) >= ORDER.index(name)]
    found = [f"{name} needs {page}, which comes later." for page in late]
    return found if needed or name == ORDER[1] else [f"{name}: what it needs leads to no page that teaches it."]


def test_every_page_says_what_it_needs():
    assert [fault for name, page in teaching().items() for fault in faults(name, page.cells[0].source)] == []
    assert len(teaching()) >= 22


@pytest.mark.parametrize(
    "title",
    [
        "# MSE",
        "# MSE\n\n**You need** nothing that is taught.",
        "# MSE\n\n**You need** [losses](custom-losses.ipynb).",
        "# MSE\n\n**You need** [L1](l1.ipynb).\n\nAnd more.",
    ],
)
def test_page_that_does_not_say_it_is_found(title):
    assert faults("guide/mse", page_of(title).cells[0].source)


def line_faults(page: Page) -> list[str]:
    """Cells that write the line otherwise than w x + b."""
    formula = re.compile(r"(?<![\\\w])[aA]\s?x(?![\w^])")
    formulas = [(cell, re.findall(r"\$[^$]+\$", cell.source)) for cell in page.cells if cell.kind == "markdown"]
    return [cell.where for cell, found in formulas if any(formula.search(text) for text in found)]


def test_the_line_has_one_notation():
    """One point keeps its article's A, and says so."""
    assert [
        fault for name, page in teaching().items() if name != "first-losses/one-point" for fault in line_faults(page)
    ] == []
    assert line_faults(page_of("The line $y = a x + b$.")) != []
