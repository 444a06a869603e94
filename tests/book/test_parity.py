"""Every page says the same in every language, and every difference that matters is caught."""

import shutil
from pathlib import Path

import pytest

from tests.book.small_pages import alt, display, stream
from tools.book import LANGUAGES, REFERENCE, Cell, Page, pages
from tools.book.markup import markup_in, numbers
from tools.checks.parity import MEND, faults, page_faults

TRANSLATIONS = [language for language in LANGUAGES if language != REFERENCE]


def page(language: str, *cells: tuple[str, str, str, dict]) -> Page:
    """A page of cells (id, kind, source, other fields)."""
    page = Page(Path(f"book/{language}/part/page.ipynb"), language, "part/page")
    page.cells = [Cell(page, id, kind, source, **fields) for id, kind, source, fields in cells]
    return page


def compared(
    kind: str, english: str, translated: str, ours: dict | None = None, theirs: dict | None = None
) -> list[str]:
    """The faults of a page of one cell."""
    return faults(page("en", ("cell", kind, english, ours or {})), page("vi", ("cell", kind, translated, theirs or {})))


# ---- the book


def test_every_page_exists_and_is_listed_in_every_language():
    assert page_faults() == []
    assert len({len(pages(language)) for language in LANGUAGES}) == 1


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_pages_say_the_same_as_in_english(language):
    english = pages(REFERENCE)
    found = [fault for name, here in pages(language).items() for fault in faults(english[name], here)]
    assert len(english) >= 4
    assert not found, "\n".join(found)


# ---- prose


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("The loss $y_{\\text{right answer}} + 1$ is 0.5.", "Mất mát $y_{\\text{đáp án}}  + 1$ là 0.5."),
        ("Call `mean` and see [there](../en/page.ipynb#fig-en).", "Xem [đó](../vi/page.ipynb#fig-vi), gọi `mean`."),
        ("(fig-en)=\n# Loss\n\n- one\n- two", "(fig-vi)=\n# Mất mát\n\n- một\n- hai"),
        ("```{note} A title\nText {cite}`k`, {term}`loss`.\n```", "```{note} Đề\n{cite}`k` {term}`mất mát`.\n```"),
        ("Two of L1, conv2d and 3D, −1 or 5-10.", "Hai: L1, conv2d, 3D; -1 hay 5-10."),
        ("$$\na = b\n$$ (eq-en)", "$$\na =\nb\n$$ (eq-vi)"),
    ],
)
def test_what_is_a_matter_of_language_is_no_fault(english, translated):
    assert compared("markdown", english, translated) == []


@pytest.mark.parametrize(
    ("english", "translated", "says"),
    [
        ("$x^2$", "$x^3$", "formulas differ: English has `x^2`"),
        ("$$a$$", "$$b$$", "formulas differ"),
        ("```{math}\na\n```", "```{math}\nb\n```", "formulas differ"),
        ("\\begin{align}a\\end{align}", "\\begin{align}b\\end{align}", "formulas differ"),
        ("$x$ and $x$", "$x$", "formulas differ"),
        ("It is 0.25.", "Là 0,25.", "numbers differ: English has `0.25`"),
        ("It is 0.25.", "Là 0.26.", "the translation has `0.26` and English has not"),
        ("It is −1.", "Là 1.", "numbers differ"),
        ("```{note} Of 3\nx\n```", "```{note} Trong 4\nx\n```", "numbers differ"),
        ("<b>3</b>", "<b>4</b>", "numbers differ"),
        ("`mean`", "`trung_bình`", "code spans differ"),
        ("[a](https://a.org/en)", "[a](https://a.org/vi)", "links differ: English has `https://a.org/en`"),
        ("[a](../en/x.ipynb)", "[a](../zh/x.ipynb)", "links differ"),
        ("https://a.org/1", "https://a.org/2", "links differ"),
        ("[a](https://a.org/en/x)", "[a](https://a.org/vi/x)", "links differ"),
        ("![a](x.svg)", "![a](y.svg)", "images differ"),
        ("```{figure} x.svg\n```", "```{figure} y.svg\n```", "directives differ"),
        ("([A 1](https://a.org))", "([A 1](https://b.org))", "links differ"),
        ("{doc}`text <one>`", "{doc}`chữ <two>`", "roles differ"),
        ("{ref}`a-en`", "{ref}`a-en`", "roles differ"),
        ("(a-en)=\n# A", "(a-en)=\n# A", "labels differ"),
        ("$$a$$ (a-en)", "$$a$$ (a-zh)", "labels differ"),
        ("```{note}\nA\n```", "```{tip}\nA\n```", "directives differ: English has {note}, the translation has {tip}"),
        ("```{note}\nA\n```", "A", "directives differ"),
        ("```{note} T\n:class: x\nA\n```", "```{note} T\nA\n```", "directives differ"),
        ("> A", "A", "the number of block quotes differs"),
        (":::{admonition} T\nA\n:::", ":::{admonition}\nA\n:::", "directives differ"),
        ("```{note}\n- $a$\n```", "```{note}\n- $b$\n```", "formulas differ"),
        ("# A\n\n## B", "# A\n\n### B", "headings differ: English has h1, h2, the translation has h1, h3"),
        ("- a\n- b", "- a", "the number of list items differs: English has 2, the translation 1"),
        ("1. a\n2. b", "1. a", "the number of list items differs"),
        ("|a|\n|-|\n|b|\n|c|", "|a|\n|-|\n|b|", "the number of table rows differs"),
        ("|a|b|\n|-|-|", "|a|\n|-|", "the number of table cells differs"),
        ("<br>", "<hr>", "HTML tags differ"),
        ("```python\nx = 1\n```", "```python\nx = 2\n```", "code blocks differ"),
    ],
)
def test_a_difference_in_prose_is_caught(english, translated, says):
    found = compared("markdown", english, translated)
    assert any(fault.startswith("book/vi/part/page.ipynb, cell 'cell': ") and says in fault for fault in found), found


def test_numbers():
    assert numbers("(1) −0.5, 1e-4; L1, conv2d, 2D, v2; 约为-1.5，有3个。") == ["1", "-0.5", "1e-4", "-1.5", "3"]
    assert numbers("tensor([1., -2.5e-01]) 5-10 10% 1.") == ["1", "-2.5e-01", "5", "10", "10", "1"]


def test_numbers_in_addresses_are_not_prose():
    assert "numbers" not in markup_in("https://a.org/3 and [there](x4.ipynb)", "en")


def test_every_kind_of_markup_is_compared():
    source = """(a-en)=
# A $x$ 1 `y` [z](w) {ref}`a-en` <br> ![v](u)

> d

- a

| a |
|---|

```{note}
b
```

```python
c
```
"""
    assert set(markup_in(source, "en")) == set(MEND)


# ---- code


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("x = 1  # one", "x = 1  # một"),
        ('print("the loss")', 'print("损失")'),
        ('print("a, b", sep=", ")', 'print("甲，乙", sep="，")'),
        ('print(f"{a} of {b:.2f}")', 'print(f"trong {b:.2f} có {a}")'),
        ('"""Two words."""', '"""Hai từ."""'),
        ('lossbook.set_language("en")', 'lossbook.set_language("vi")'),
    ],
)
def test_texts_in_code_are_a_matter_of_language(english, translated):
    assert compared("code", english, translated) == []


@pytest.mark.parametrize(
    ("english", "translated", "says"),
    [
        ("x = 1\ny = 2", "x = 1\ny = 3", "English has `y = 2`, the translation has `y = 3`"),
        ("x = 1", "x = 1.0", "the code differs"),
        ("x = 1", "x = True", "the code differs"),
        ("x + y", "x - y", "the code differs"),
        ("f(x)", "f(x)\ng(x)", "English has nothing more, the translation has `g(x)`"),
        ('f("mean")', 'f("trung_bình")', "the code differs"),
        ('f("mean")', 'f("sum")', "the code differs"),
        ('print(f"loss is {x:.2f}")', 'print(f"mất mát {x:.3f}")', "the code differs"),
        ('print(f"loss is {x}")', 'print(f"mất mát {y}")', "the code differs"),
        ('print(f"loss is {x}")', 'print(f"mất mát {x} {x}")', "the code differs"),
        ('print(f"{x:.2f}")', 'print(f"{x:.3f}")', "the code differs"),
        ('print(f"loss is {x}")', 'print("mất mát")', "the code differs"),
        ('print("a loss")', "print(x)", "the code differs"),
        ('lossbook.set_language("en")', 'lossbook.set_language("en")', "sets another language"),
    ],
)
def test_a_difference_in_code_is_caught(english, translated, says):
    [fault] = compared("code", english, translated)
    assert fault.startswith("book/vi/part/page.ipynb, cell 'cell'")
    assert says in fault


# ---- outputs and pictures


SVG = '<svg><path d="M {}"/><text x="9">a <tspan>{}</tspan></text></svg>'
RED = SVG.format(1, 2).replace("<path", '<path style="stroke: red"')
TWO = SVG.format(1, 2).replace("<text", '<path d="M 1"/><text')


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        (stream("loss 1.5"), stream("mất mát 1.6"), "numbers in the outputs differ: English has `1.5`"),
        (display("text/plain", "1.5"), display("text/plain", "1.6"), "numbers in the outputs differ"),
        (display("text/markdown", "$1$"), display("text/markdown", "$2$"), "numbers in the outputs differ"),
        (
            display("image/svg+xml", SVG.format(1, 2)),
            display("image/svg+xml", SVG.format(1, 3)),
            "numbers in the outputs",
        ),
        (display("image/svg+xml", SVG.format(1, 2)), display("text/plain", "2"), "the outputs differ"),
        (
            display("image/svg+xml", SVG.format(1, 2)),
            display("image/svg+xml", RED),
            "an element's style is stroke: red, not None",
        ),
        (display("image/svg+xml", SVG.format(1, 2)), display("image/svg+xml", TWO), "The picture has 2 <path>, not 1."),
        (stream("1"), {**stream("1"), "name": "stderr"}, "the outputs differ: English has stream/stdout"),
    ],
)
def test_a_difference_in_outputs_is_caught(ours, theirs, says):
    [fault] = compared("code", "f()", "f()", {"outputs": [ours]}, {"outputs": [theirs]})
    assert fault.startswith("book/vi/part/page.ipynb, cell 'cell': ")
    assert says in fault


def test_an_error_says_its_numbers_in_english_again():
    ours, again = "got (3, 1)\n1.5\n", "nhận được (3, 1)\n(English: got (3, 1))\n1.5\n"
    assert compared("code", "f()", "f()", {"outputs": [stream(ours)]}, {"outputs": [stream(again)]}) == []
    other = again.replace("được (3, 1)", "được (3, 2)")
    assert len(compared("code", "f()", "f()", {"outputs": [stream(ours)]}, {"outputs": [stream(other)]})) == 1


def test_words_and_paths_in_outputs_may_differ():
    ours, theirs = display("image/svg+xml", SVG.format(1, 2)), display("image/svg+xml", SVG.format(7, 2))
    assert compared("code", "f()", "f()", {"outputs": [ours]}, {"outputs": [theirs]}) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        ({"metadata": alt("A line.")}, {}, "alt text stands in one language only"),
        ({"metadata": alt("A line to 3.")}, {"metadata": alt("Đường tới 4.")}, "numbers in the alt text differ"),
        ({"metadata": {"tags": ["hide-input"]}}, {}, "the tags are not those of the English cell"),
    ],
)
def test_a_difference_in_metadata_is_caught(ours, theirs, says):
    [fault] = compared("code", "f()", "f()", ours, theirs)
    assert fault.startswith("book/vi/part/page.ipynb, cell 'cell': ")
    assert says in fault


# ---- cells and pages


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([("one", "markdown")], "has no cell 'two'"),
        ([("one", "markdown"), ("two", "code"), ("three", "code")], "cell 'three' has no English cell"),
        ([("two", "code"), ("one", "markdown")], "cell 'two' stands where English has the cell 'one'"),
        ([("one", "markdown"), ("two", "markdown")], "cell 'two' is markdown; in English it is code"),
    ],
)
def test_other_cells_than_in_english_are_caught(cells, says):
    english = page("en", ("one", "markdown", "x", {}), ("two", "code", "x", {}))
    [fault] = faults(english, page("vi", *((id, kind, "x", {}) for id, kind in cells)))
    assert fault.startswith("book/vi/part/page.ipynb")
    assert says in fault


@pytest.fixture
def book(tmp_path):
    """A book whose pages "first" and "second" exist and are listed in every language."""
    toc = [f"- file: book/{language}/{name}" for language in LANGUAGES for name in ("first", "second")]
    (tmp_path / "_toc.yml").write_text("\n".join(["root: book/index", "chapters:", *toc]), encoding="utf-8")
    for language in LANGUAGES:
        folder = tmp_path / "book" / language
        folder.mkdir(parents=True)
        for name in ("first", "second"):
            (folder / f"{name}.md").write_text("x", encoding="utf-8")
    return tmp_path


def test_a_complete_book_has_no_page_faults(book):
    assert page_faults(book) == []


def test_a_missing_page_is_caught(book):
    (book / "book/vi/first.md").unlink()
    assert [fault for fault in page_faults(book) if fault.startswith("book/en/first.md has no page in vi")]
    assert [fault for fault in page_faults(book) if "lists book/vi/first, which does not exist" in fault]


def test_a_page_without_english_is_caught(book):
    shutil.copy(book / "book/vi/first.md", book / "book/vi/third.md")
    assert [fault for fault in page_faults(book) if fault.startswith("book/vi/third.md has no English page")]


def test_a_page_that_is_not_listed_is_caught(book):
    toc = book / "_toc.yml"
    toc.write_text(toc.read_text().replace("- file: book/pt/first\n", ""))
    [fault] = page_faults(book)
    assert fault.startswith("_toc.yml lists book/pt/first.md 0 times")


def test_another_order_is_caught(book):
    toc = book / "_toc.yml"
    order = "- file: book/zh/{}\n- file: book/zh/{}\n"
    toc.write_text(toc.read_text().replace(order.format("first", "second"), order.format("second", "first")))
    [fault] = page_faults(book)
    assert fault.startswith("_toc.yml lists the pages of book/zh/ in another order")
