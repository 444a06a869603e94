"""Every translated cell follows what English says now, and one that does not is named."""

import json

import pytest

from tests.book.small_pages import alt, cell
from tools.book import LANGUAGES, REFERENCE, BookError, Cell, pages, read_page
from tools.checks.__main__ import main
from tools.checks.staleness import accept, faults

TRANSLATIONS = [language for language in LANGUAGES if language != REFERENCE]


def said(english: Cell, translated: Cell) -> list[str]:
    """The faults of the cells' pages."""
    return faults(english.page, translated.page)


@pytest.fixture
def book(tmp_path):
    """A book with a notebook and a Markdown page in English and in Vietnamese."""
    for language, words in (("en", "A loss."), ("vi", "Mất mát.")):
        folder = tmp_path / "book" / language
        folder.mkdir(parents=True)
        (folder / "index.md").write_text(f"---\ntitle: x\n---\n{words}", encoding="utf-8")
        cells = [
            {"cell_type": "markdown", "id": "idea", "metadata": {}, "source": [words]},
            {"cell_type": "markdown", "id": "more", "metadata": {}, "source": [words]},
            {"cell_type": "code", "id": "code", "metadata": {}, "source": ["1"], "outputs": [], "execution_count": 1},
        ]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (folder / "idea.ipynb").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_translations_follow_english(language):
    english = pages(REFERENCE)
    found = [fault for name, here in pages(language).items() for fault in faults(english[name], here)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (cell("en", "A loss."), cell("en", "A cost.")),
        (cell("en", "x  # one", "code"), cell("en", "x  # two", "code")),
        (cell("en", "f('a loss')", "code"), cell("en", "f('a cost')", "code")),
        (cell("en", "f(f'a loss {x}')", "code"), cell("en", "f(f'a cost {x}')", "code")),
        (cell("en", "f()", "code", **alt("A line.")), cell("en", "f()", "code", **alt("A curve."))),
    ],
)
def test_a_cell_whose_english_text_changed_is_named(before, now):
    translated = cell("vi", now.source, now.kind, english=before.hash)
    assert said(before, translated) == []
    [fault] = said(now, translated)
    assert fault.startswith("book/vi/page.ipynb, cell 'cell': the English text has changed since")
    assert "python -m tools.checks staleness --accept book/vi/page.ipynb cell" in fault


def test_what_is_translated_in_code():
    """The same on every version of Python, though 3.12 splits an f-string into tokens and 3.11 does not."""
    source = """# before
f("a loss", "mean", sep=", ")  # "not a literal"
g(f"the {x:.4f} of {', '.join(['all of', 'none'])}#", 'κ',
  "one "
  f"half of {y}", f"{z:.2f}")
"""
    translatable = cell("en", source, "code", **alt("A line.")).translatable
    assert translatable.split("\n") == [
        "before",
        "a loss",
        ", ",
        '"not a literal"',
        "the {} of {}#",
        ", ",
        "all of",
        "κ",
        "one half of {}",
        "A line.",
    ]


def test_a_change_of_code_alone_makes_no_cell_stale():
    before, now = cell("en", "f('a loss', 1)  # one", "code"), cell("en", "g(2, 'a loss')  # one", "code")
    assert said(now, cell("vi", "x", "code", english=before.hash)) == []


def test_a_cell_that_was_never_translated_is_named():
    [fault] = said(cell("en", "A loss."), cell("vi", "A loss."))
    assert fault.startswith("book/vi/page.ipynb, cell 'cell': not recorded as translated")


def test_code_without_texts_needs_no_record():
    assert said(cell("en", "f('mean')", "code"), cell("vi", "f('mean')", "code")) == []
    [fault] = said(cell("en", "f('mean')", "code"), cell("vi", "f('mean')", "code", english="0123456789ab"))
    assert 'so "english" has no place' in fault


def test_accepting_cells_records_them(book, capsys):
    assert main(["staleness"], book) == 1
    path = book / "book/vi/idea.ipynb"
    assert main(["--accept", str(path), "idea"], book) == 0
    recorded = {cell.id: cell.english for cell in read_page(path).cells}
    assert recorded == {"idea": read_page(book / "book/en/idea.ipynb").cells[0].hash, "more": None, "code": None}
    capsys.readouterr()
    assert main(["staleness"], book) == 1
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "book/vi/idea.ipynb, cell 'more'",
        "book/vi/index.md, cell 'page'",
    ]


def test_accepting_pages_records_all_their_cells(book):
    paths = [book / "book/vi/idea.ipynb", book / "book/vi/index.md"]
    assert main(["--accept", *map(str, paths)], book) == 0
    assert main(["staleness"], book) == 0
    assert "english" not in read_page(paths[0]).cell("code").metadata
    hash = read_page(book / "book/en/index.md").cells[0].hash
    assert paths[1].read_text(encoding="utf-8") == f'---\ntitle: x\nenglish: "{hash}"\n---\nMất mát.'
    once = [path.read_bytes() for path in paths]
    assert main(["--accept", *map(str, paths)], book) == 0
    assert [path.read_bytes() for path in paths] == once


def test_accepting_what_does_not_exist_says_so(book):
    with pytest.raises(BookError, match=r"book/vi/idea.ipynb has no cell 'idee'. Its cells: idea, more, code"):
        accept(book / "book/vi/idea.ipynb", ["idee"])
    with pytest.raises(BookError, match="is the English page"):
        accept(book / "book/en/idea.ipynb")
    assert main(["--accept", "idea"], book) == 1
