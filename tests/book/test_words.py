"""The single words that cells show: each stands on its page, and no two become one in translation."""

import ast

import pytest

from tests.book.small_pages import cell, code, store
from tools.book import LANGUAGES, REFERENCE, BookError, Word, pages, read_data, read_page, syntax_tree
from tools.checks import parity

WORDS = read_data("words")


def words_of(page):
    nodes = (node for cell in page.cells if cell.kind == "code" for node in ast.walk(syntax_tree(cell)))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, Word)}


@pytest.mark.parametrize("name", WORDS)
def test_every_word_stands_on_its_page_in_every_language(name):
    others = [language for language in LANGUAGES if language != REFERENCE]
    assert words_of(pages(REFERENCE)[name]) == set(WORDS[name])
    for language in others:
        renderings = [row[language] for row in WORDS[name].values()]
        assert len(set(renderings)) == len(renderings), "two words have one rendering: as keys they would fall together"
        assert words_of(pages(language)[name]) == set(renderings)
    assert all(list(row) == others for row in WORDS[name].values())


@pytest.mark.parametrize(
    ("translated", "same"),
    [
        ('print("moyenne", loss(reduction="mean"))', True),
        ('print("mean", loss(reduction="mean"))', False),
        ('print("somme", loss(reduction="mean"))', False),
        ('print("moyenne", loss(reduction="moyenne"))', False),
    ],
)
def test_a_listed_word_has_its_rendering_and_nothing_else(translated, same):
    ours, theirs = cell("en", 'print("mean", loss(reduction="mean"))', "code"), cell("vi", translated, "code")
    ours.page.words, theirs.page.words = {"mean": "mean", "sum": "sum"}, {"mean": "moyenne", "sum": "somme"}
    assert bool(parity.faults(ours.page, theirs.page)) is not same


def test_the_text_of_an_f_string_stays():
    ours, theirs = (cell(language, 'print(f"mean{x}", x)', "code") for language in ("en", "vi"))
    ours.page.words, theirs.page.words = {"mean": "mean"}, {"mean": "moyenne"}
    assert not parity.faults(ours.page, theirs.page)


def test_a_word_without_a_rendering_is_named(tmp_path):
    page = store(tmp_path, "vi", code("show", 'print("mean")'))
    (tmp_path / "book/words.yml").write_text(f"{page.name}:\n  mean: {{zh: 平均值}}\n", "utf-8")
    with pytest.raises(BookError, match="shows 'mean', of which book/words.yml has no rendering in 'vi'. Add it there"):
        read_page(page.path)
