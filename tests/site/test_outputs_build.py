"""What the site makes of what code prints, on a small book."""

import pytest

from tests.book.small_pages import code, markdown, stream
from tests.site.pages import SmallBook, data

SENTENCE = "input and target must have the same shape, got (3, 1) and (3,). " * 2
TABLE = "\n".join(["seed  loss" + 100 * " " + "accuracy"] * 3)


@pytest.fixture
def page(tmp_path):
    book = SmallBook(tmp_path)
    finding = data(markdown="Don't average: write reduction='sum'.", plain="…")
    cells = [
        code("error", "1", stream(f"short\n{SENTENCE}")),
        code("table", "2", stream(TABLE)),
        code("found", "3", finding),
    ]
    book.notebook("book/en/index", markdown("intro", "# Title\n\nThat's 'all'."), *cells)
    done = book.build()
    assert done.returncode == 0, done.stderr
    return book.page("book/en/index")


def test_sentences_wrap_and_tables_do_not(page):
    error, table = page.soup.select("div.cell_output div.output")
    assert "sentences" in error["class"]
    assert SENTENCE.strip() in error.get_text()
    assert "sentences" not in table["class"]


def test_code_in_a_finding_keeps_its_quotes(page):
    text = page.soup.get_text()
    assert "write reduction='sum'." in text
    assert "That’s ‘all’." in text, "elsewhere quotes are typographic"
