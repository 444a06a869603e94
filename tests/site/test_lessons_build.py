"""What the extensions take from the package and say of a page: shown on small books."""

import json
from hashlib import sha256

import pytest

from tests.book.small_pages import markdown
from tests.site.pages import SmallBook

INTRO = markdown("intro", "# Title\n\nText.")
HASH_OF_MORE = sha256(b"More.").hexdigest()[:12]


@pytest.fixture
def book(tmp_path):
    return SmallBook(tmp_path)


def test_a_page_without_lessons_needs_no_torch(book):
    """Whatever comes from the package is worked out for the pages that show it, and kept."""
    book.notebook("book/en/index", INTRO)
    assert book.build().returncode == 0
    kept = book.root / "_build/.doctrees/lessons.json"
    assert not kept.exists()
    code_and_output = (
        "# Home\n\n```python\nfrom lossbook import verify\n\nprint(verify.__name__)\n```\n\n```{printed}\n```\n"
    )
    (book.root / "book/en/index.ipynb").unlink()
    book.write("book/en/index.md", f"{code_and_output}\n```{{explorer}} huber\n```\n")
    run = book.build()
    assert run.returncode == 0, run.stderr
    page = book.page("book/en/index").soup
    assert page.select_one(".cell_output pre").get_text() == "verify\n"
    assert page.select_one("figure.explorer[data-loss=huber] output[name=loss]").get_text() == "1"
    # What is kept is taken again, until the package is another one.
    known = json.loads(kept.read_text(encoding="utf-8"))
    known["printed"]["en"] = dict.fromkeys(known["printed"]["en"], "kept\n")
    kept.write_text(json.dumps(known), encoding="utf-8")
    book.write("book/en/index.md", code_and_output)
    assert book.build().returncode == 0
    assert book.page("book/en/index").soup.select_one(".cell_output pre").get_text() == "kept\n"
    kept.write_text(json.dumps(known | {"state": "another"}), encoding="utf-8")
    book.write("book/en/index.md", f"{code_and_output}\nMore.\n")
    assert book.build().returncode == 0
    assert book.page("book/en/index").soup.select_one(".cell_output pre").get_text() == "verify\n"


def test_printed_needs_code_above_it(book):
    book.write("book/en/index.md", "# Home\n\nText.\n\n```{printed}\n```\n")
    run = book.build()
    assert run.returncode != 0
    assert "book/en/index has {printed} below no code. Put it below the block that prints." in run.stderr


def test_level_reading_time_and_the_article_at_the_end(book):
    note = "> **The article behind this page**\n>\n> Text"
    cells = [INTRO, markdown("about-the-article", note), markdown("end", "## End\n\n" + "word " * 2380)]
    for language in ("en", "vi"):
        book.notebook(f"book/{language}/index", INTRO)
        book.notebook(f"book/{language}/guide/l1", *cells)
    run = book.build()
    assert run.returncode == 0, run.stderr
    article = book.page("book/en/guide/l1").soup.article
    assert article.select_one("h1 + .about").get_text() == "Level: intermediate · about 10 minutes to read"
    assert "Mức: trung bình · đọc khoảng 10 phút" in book.page("book/vi/guide/l1").soup.article.get_text()
    assert article.select_one("#end > :last-child")["id"] == "about-the-article"
    assert book.page("book/en/index").soup.select_one(".about") is None


def test_the_state_of_the_translations(book):
    """A translated cell that was made from another text is behind; a page that a language lacks is told too."""
    for language in ("en", "vi", "zh"):
        book.write(f"book/{language}/translations.md", "# State\n\n```{translations}\n```\n")
        book.notebook(f"book/{language}/index", INTRO)
    book.notebook("book/en/guide/l1", INTRO, markdown("more", "More."))
    old = {**INTRO, "metadata": {"english": "0" * 12}}
    book.notebook("book/vi/guide/l1", old, {**markdown("more", "Nữa."), "metadata": {"english": HASH_OF_MORE}})
    run = book.build()
    assert run.returncode == 0, run.stderr

    def row():
        rows = book.page("book/en/translations").soup.select("article table tr")
        return [cell.get_text(strip=True) for row in rows if "Title" in row.get_text() for cell in row.select("td")][
            -4:
        ]

    assert [head.get_text(strip=True) for head in book.page("book/en/translations").soup.select("article th")] == [
        "Page",
        "Tiếng Việt",
        "简体中文",
        "Português (Brasil)",
    ]
    assert "cells behind: 1" in book.page("book/en/translations").soup.article.get_text()
    assert "còn 1 ô chưa theo kịp" in book.page("book/vi/translations").soup.article.get_text()
    book.notebook("book/en/guide/l1", INTRO, markdown("more", "Another."))
    assert book.build().returncode == 0
    assert "cells behind: 2" in book.page("book/en/translations").soup.article.get_text(), (
        "without the page being touched"
    )
    assert row()[-1] == "missing"
