"""A loss page's title names its class, for that is what people look for: "Smooth L1 loss: `SmoothL1Loss`"."""

import re

import pytest

from lossbook.catalogue import CATALOGUE
from tools.book import LANGUAGES, pages

TITLE = re.compile(r"# ([^:：`]+)(?:: |：)`(\w+)`")
CLASSES: dict[str, set[str]] = {}  # by page: some treat two
for entry in CATALOGUE:
    if entry.page and not entry.page.startswith("practice/"):  # those ask a question, and teach several losses
        CLASSES.setdefault(entry.page, set()).add(entry.module.__name__)


def without_class(title: str, classes: set[str]) -> bool:
    """Whether a title is not the loss's name and, behind a colon, one of the classes."""
    found = TITLE.fullmatch(title)
    return not found or found[2] not in classes


@pytest.mark.parametrize("language", LANGUAGES)
def test_title_of_a_loss_page_names_its_class(language):
    titles = {name: page.cells[0].source.partition("\n")[0] for name, page in pages(language).items()}
    assert [titles[name] for name, classes in CLASSES.items() if without_class(titles[name], classes)] == []
    assert len(CLASSES) >= 12


@pytest.mark.parametrize("title", ["# L1 loss", "# L1 loss: the mean", "# L1 loss: `MSELoss`", "# `L1Loss`"])
def test_title_without_class_is_found(title):
    assert without_class(title, {"L1Loss"})
