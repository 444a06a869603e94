"""Bringing a translated page in line with English keeps what was translated, whatever changed in the code."""

from pathlib import Path

import pytest

from tests.book.small_pages import alt, cell
from tools.book import Cell, Page
from tools.make.align import aligned, code_in_translation

OLD = 'lossbook.set_language("en")\nx = 3  # the input\nprint("the loss is", x)\nprint(f"half of {x} is {x / 2:.2f}")'
VI = 'lossbook.set_language("vi")\nx = 3  # đầu vào\nprint("mất mát là", x)\nprint(f"{x / 2:.2f} là nửa của {x}")'


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        (OLD, VI),
        (OLD.replace("x = 3", "x = 4"), VI.replace("x = 3", "x = 4")),
        (OLD.replace("x", "y"), VI.replace("x", "y")),
        (OLD + "\nx", VI + "\nx"),
        (OLD.replace("x = 3", "import torch\n\nx = 3"), VI.replace("x = 3", "import torch\n\nx = 3")),
        (
            OLD.replace('print("the loss is", x)', 'print("the loss is",\n      x)'),
            VI.replace('là", x', 'là",\n      x'),
        ),
        (OLD.replace(":.2f", ":.3f"), VI.replace(":.2f", ":.3f")),
        (OLD.replace("/ 2", "/ 4"), VI.replace("/ 2", "/ 4")),
        ("\n".join(OLD.splitlines()[:2]), "\n".join(VI.splitlines()[:2])),
        ("\n".join(OLD.splitlines()[2:]), "\n".join(VI.splitlines()[2:])),
    ],
)
def test_translated_texts_stay(english, expected):
    source, left = code_in_translation(cell("en", english, "code"), cell("vi", VI, "code"), cell("vi", VI, "code").page)
    assert source == expected
    assert left == []


@pytest.mark.parametrize(
    ("english", "left"),
    [
        (OLD + '\nprint("and more")', ['"and more"']),
        (OLD.replace("x = 3", "# once more\nx = 3"), ["# once more"]),
        (OLD.replace("half of {x}", "half of {x}, {x!r}"), ['f"half of {x}, {x!r} is {x / 2:.2f}"']),
        (OLD.replace('"the loss is"', 'f"the loss of {x}"'), ['f"the loss of {x}"']),
    ],
)
def test_new_texts_stay_english_and_are_named(english, left):
    source, named = code_in_translation(
        cell("en", english, "code"), cell("vi", VI, "code"), cell("vi", VI, "code").page
    )
    assert named == left
    assert left[0] in source
    assert "# đầu vào" in source


def test_texts_are_paired_in_order_while_english_texts_are_the_same():
    old = cell("en", 'print("the loss", x)\nprint("the cost", y)', "code")
    vi = cell("vi", 'print("mất mát", x)\nprint("chi phí", y)', "code", english=old.hash)
    now = cell("en", 'print("the loss", y)\nprint("the cost", x)', "code")
    assert code_in_translation(now, vi, vi.page) == ('print("mất mát", y)\nprint("chi phí", x)', [])


def test_a_cell_without_translation_is_english_in_the_pages_language():
    source, _ = code_in_translation(cell("en", OLD, "code"), None, cell("vi", "").page)
    assert source == OLD.replace('"en"', '"vi"')


def pages(english: list[Cell], translated: list[Cell]) -> tuple[Page, Page]:
    """The two pages with these cells."""
    both = Page(Path("book/en/page.ipynb"), "en", "page"), Page(Path("book/vi/page.ipynb"), "vi", "page")
    for page, cells in zip(both, (english, translated), strict=True):
        for one in cells:
            one.page = page
        page.cells = cells
    return both


def test_cells_follow_english():
    english = [
        cell("en", "New words.", "markdown", "new"),
        cell("en", "A loss.", "markdown", "words"),
        cell("en", "new()", "code", "new-code"),
        cell("en", "f()", "code", "code", tags=["hide-input"]),
    ]
    translated = [
        cell("vi", "g()", "code", "code"),
        cell("vi", "Mất mát.", "markdown", "words", english="0123456789ab"),
        cell("vi", "Cũ.", "markdown", "old"),
    ]
    cells, todo = aligned(*pages(english, translated))
    assert [(c.id, c.source, c.metadata) for c in cells] == [
        ("new", "New words.", {}),
        ("words", "Mất mát.", {"english": "0123456789ab"}),
        ("new-code", "new()", {}),
        ("code", "f()", {"tags": ["hide-input"]}),
    ]
    assert todo == [
        "book/vi/page.ipynb, cell 'new' is new: translate it.",
        "book/vi/page.ipynb, cell 'old' was removed: English no longer has it.",
    ]


def test_alt_text_stays_and_new_alt_text_is_named():
    english = [cell("en", "f()", "code", "old", **alt("A line.")), cell("en", "f()", "code", "new", **alt("A line."))]
    translated = [
        cell("vi", "f()", "code", "old", english="0123456789ab", **alt("Một đường.")),
        cell("vi", "f()", "code", "new"),
    ]
    cells, todo = aligned(*pages(english, translated))
    assert [c.metadata for c in cells] == [
        alt("Một đường.") | {"english": "0123456789ab"},
        alt("A line."),
    ]
    assert todo == ["book/vi/page.ipynb, cell 'new': the picture's alt text is new: translate it."]


def test_the_record_of_a_cell_that_has_no_texts_any_more_is_dropped():
    cells, _ = aligned(*pages([cell("en", "f()", "code")], [cell("vi", "f()  # số", "code", english="0123456789ab")]))
    assert [(c.source, c.metadata) for c in cells] == [("f()", {})]


def with_words(language, source, **words):
    made = cell(language, source, "code")
    made.page.words = words
    return made


def test_single_words_are_taken_from_the_list_and_settings_stay():
    source = 'for name in ("mean", "none"):\n    print(name, rows["mean"], loss(x, reduction="mean"))'
    old = with_words("vi", source, mean="trung bình", none="")
    english = with_words("en", source, mean="mean")
    expected = 'for name in ("trung bình", "none"):\n    print(name, rows["trung bình"], loss(x, reduction="mean"))'
    assert code_in_translation(english, old, old.page) == (expected, [])
    again = with_words("vi", expected, mean="trung bình")
    assert code_in_translation(english, again, again.page) == (expected, [])
    changed = with_words("en", source.replace("x,", "y,"), mean="mean")
    assert code_in_translation(changed, again, again.page) == (expected.replace("x,", "y,"), [])
