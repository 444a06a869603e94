"""Small pages to plant faults in: as the tools read them, and as notebooks store them."""

import copy
from pathlib import Path

import nbformat

from tools.book import REFERENCE, Cell, Page, read_page
from tools.book.form import NOTEBOOK_METADATA, normalized


def cell(language: str, source: str, kind: str = "markdown", id: str = "cell", **metadata) -> Cell:
    """The only cell of a page."""
    page = Page(Path(f"book/{language}/page.ipynb"), language, "page")
    page.cells = [Cell(page, id, kind, source, metadata)]
    return page.cells[0]


def page_of(*sources: str, language: str = REFERENCE) -> Page:
    """A notebook of these Markdown cells."""
    page = Page(Path(f"book/{language}/x.ipynb"), language, "x")
    page.cells = [Cell(page, f"c{i}", "markdown", source) for i, source in enumerate(sources)]
    return page


def alt(text: str) -> dict:
    """The metadata of a cell with alt text."""
    return {"mystnb": {"image": {"alt": text}}}


def markdown(id: str, source: str) -> dict:
    """A Markdown cell."""
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def code(id: str, source: str, *outputs: dict, count: int | None = 1, **metadata) -> dict:
    """A code cell."""
    fields = {"outputs": list(outputs), "execution_count": count}
    return {"cell_type": "code", "id": id, "metadata": metadata, "source": source, **fields}


def stream(text: str, name: str = "stdout") -> dict:
    """What a cell prints."""
    return {"output_type": "stream", "name": name, "text": text}


def display(mime: str, text: str) -> dict:
    """What a cell shows."""
    return {"output_type": "display_data", "data": {mime: text}, "metadata": {}}


def notebook(*cells: dict) -> nbformat.NotebookNode:
    """A notebook of these cells."""
    fields = {"metadata": NOTEBOOK_METADATA, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.from_dict({"cells": copy.deepcopy(list(cells)), **fields})


def store(root: Path, language: str, *cells: dict, text: str | None = None) -> Page:
    """Write the notebook to a book's folder and read it as a page."""
    path = root / "book" / language / "part" / "page.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or normalized(notebook(*cells)), encoding="utf-8")
    return read_page(path)
