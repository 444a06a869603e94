"""Notebooks are plain Markdown, notes are few words, and what only concerns readers of the articles stands in them."""

import pytest

from tests.book.small_pages import page_of
from tools.book import LANGUAGES, REFERENCE, Cell, Page, bibliography, pages
from tools.book.works import cited, short
from tools.checks import notes, plain


def notebooks(language: str) -> list[Page]:
    """The notebooks of a language."""
    return [page for page in pages(language).values() if page.path.suffix == ".ipynb"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notebook_is_plain(language):
    cells = [cell for page in notebooks(language) for cell in page.cells]
    assert len(cells) > 1000
    assert [fault for cell in cells for fault in plain.faults(cell)] == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (":::{admonition} The article\n:class: note\nText.\n:::", "a directive"),
        ("```{footbibliography}\n```", "a directive"),
        ("```{note}\nText.\n```", "a directive"),
        ("A box {footcite:p}`girshick2015fast`.", "a role"),
        ("See {doc}`idea`.", "a role"),
        ("(here)=\n# A", "a label"),
        ("% a comment", "a comment"),
        ("> [!NOTE]\n> Text.", "an alert of GitHub"),
        ("One.[^1]", "a footnote"),
        ("Word\n: what it means", "a definition list"),
        ("![x](y.svg){.wide}", "attributes"),
        ("[x](y){width=3}", "attributes"),
        ("- [ ] to do", "a task list"),
        ("**真，**她", "markup that does not pair"),
        ("It costs $5.", "markup that does not pair"),
        ("<br>", "HTML"),
        ("a <q>b</q>", "HTML"),
        ("> $$\n> x\n> $$", "a formula of several lines in a block quote"),
    ],
)
def test_other_markup_is_found(source, what):
    [fault] = plain.faults(page_of(source).cells[0])[:1]
    assert fault.startswith(f"book/en/x.ipynb, cell 'c0' has {what}: ")


@pytest.mark.parametrize(
    "source",
    [
        '> **The article: "so"**\n>\n> No: $x_1 * 2$, `a*b`, {set}.\n\n|a|b|\n|-|-|\n|`c`|$d$|',
        "$$\n\\begin{cases} 1 \\\\ 2 \\end{cases}\n$$\n\n- *a*\n- **b** ([Girshick 2015](https://arxiv.org/abs/1504.08083))",
        "> $$x$$\n\n```python\nf(x)  # {y}`z`\n```\n\n![A dot](dot.png)",
    ],
)
def test_plain_markup_is_no_fault(source):
    assert plain.faults(page_of(source).cells[0]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_argue_first(language):
    english = pages(REFERENCE)
    assert [fault for page in notebooks(language) for fault in notes.faults(english[page.name], page)] == []


NOTE = '> **The article: "it is 0.5."**\n>\n> The article is wrong.'


def test_sentences_outside_notes_are_counted():
    page = page_of(f"# Title\n\nThe article says 0.5. It is 1.\n\n{NOTE}", f"{NOTE}\n\nSo says the tutorial: 2!")
    assert notes.sentences_about_articles(page) == ["The article says 0.5.", "So says the tutorial: 2!"]
    assert notes.words(page) == 14
    [fault] = notes.faults(page, page)
    assert fault.startswith("book/en/x.ipynb has 2 open sentences about an article")
    longer = page_of(*[cell.source for cell in page.cells], "word " * 600)
    assert notes.faults(longer, page) == []


def test_only_a_bold_title_makes_a_note():
    for quote in ("> **The article** says so.", "> The article says so.", "> The **article**"):
        assert len(notes.sentences_about_articles(page_of(quote))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_names_its_articles(language):
    """Most pages have a note about the article behind them, so the pattern of a language finds many."""
    found = 0
    for page in notebooks(language):
        bare = [Cell(cell.page, cell.id, cell.kind, cell.source.replace("**", "")) for cell in page.cells]
        found += bool(notes.sentences_about_articles(Page(page.path, language, page.name, bare)))
    assert found >= 20


def test_works_are_known_by_their_addresses():
    assert cited("https://arxiv.org/abs/1504.08083") == "girshick2015fast"
    assert cited("https://doi.org/10.1214/aoms/1177703732") == "huber1964robust"
    assert cited("../references.md#weston1999support") == "weston1999support"
    assert cited("../references.md#article001") == "article001"
    assert cited("https://example.org") is None
    entries = bibliography().entries
    assert [short(entries[key], "et al.") for key in ("girshick2015fast", "cortes1995support", "zhao2017loss")] == [
        "Girshick 2015",
        "Cortes & Vapnik 1995",
        "Zhao et al. 2017",
    ]
    assert short(entries["mnih2015human"], "等") == "Mnih 等 2015"
