"""The package's texts: set in one language after another, complete in each, and drawn without a missing glyph."""

import ast
import re
from pathlib import Path

import matplotlib
import pytest
from fontTools.ttLib import TTFont

import lossbook
from lossbook import language
from lossbook.plotting import style
from tools.book import LANGUAGES, REFERENCE, Page, pages, syntax_tree
from tools.make import catalogues

TRANSLATED = [code for code in LANGUAGES if code != REFERENCE]
TEXTS = catalogues.extract()
MEND = "add the characters to RARE in tools/make/font.py and run python -m tools.make.font"


def test_every_language_of_the_book_has_a_catalogue():
    assert catalogues.languages() == sorted(TRANSLATED)
    assert language.languages() == ["en", *catalogues.languages()]


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_text_is_looked_up_when_it_is_shown(code):
    lossbook.set_language(code)
    assert language.language() == code
    assert language.gettext("loss") == catalogues.read(code).get("loss").string != "loss"
    lossbook.set_language("en")
    assert language.gettext("loss") == "loss"


def test_an_unknown_language_names_the_known_ones():
    lossbook.set_language("vi")
    with pytest.raises(ValueError, match=re.escape("en, pt, vi, zh, not 'fr'. Choose one of these codes, as in")):
        lossbook.set_language("fr")
    assert language.language() == "vi"


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_catalogue_says_every_text(code):
    assert len(TEXTS) > 60
    assert catalogues.faults(catalogues.updated(catalogues.read(code), code, TEXTS)) == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_make_catalogues_would_change_nothing(code):
    stored = catalogues.path(code)
    catalogue = catalogues.updated(catalogues.read(code), code, TEXTS)
    assert catalogues.po(catalogue) == stored.read_bytes(), "run make catalogues"
    assert catalogues.mo(catalogue) == stored.with_suffix(".mo").read_bytes(), "run make catalogues"


def test_every_text_can_be_collected():
    files = list(catalogues.PACKAGE.rglob("*.py"))
    assert len(files) > 15
    assert [fault for file in files for fault in catalogues.unreadable(file.read_text("utf-8"), file.name)] == []


@pytest.mark.parametrize(
    ("call", "name", "how"),
    [
        ("_(text)", "_", "fill placeholders with .format"),
        ('_(f"loss {x}")', "_", "fill placeholders with .format"),
        ('_("loss" + name)', "_", "fill placeholders with .format"),
        ('_("loss", "losses")', "_", "fill placeholders with .format"),
        ('message(f"loss {x}")', "message", "give values for placeholders by name"),
        ('message("loss {0}", x)', "message", "give values for placeholders by name"),
        ("Phrase(text)", "Phrase", "give values for placeholders by name"),
    ],
)
def test_a_text_that_nobody_can_collect_is_found(call, name, how):
    assert catalogues.unreadable(call, "a.py") == [f"a.py, line 1: write the text itself into {name}(…), and {how}"]


def test_a_call_inside_a_call_is_collected(tmp_path):
    (tmp_path / "a.py").write_text('f(message("one {x}", x=g(a, Phrase("two"), [_("three")])))\nmessage(phrase)\n')
    assert [message.id for message in catalogues.extract(tmp_path) if message.id] == ["one {x}", "two", "three"]


def test_faults_of_a_catalogue_are_found():
    catalogue = catalogues.Texts("vi")
    catalogue.add("loss", "")
    catalogue.add("class", "lớp", flags=["fuzzy"])
    catalogue.add("mean {value:g}", "trung bình {valor:g}")
    catalogue.add("sum {value:g}", "tổng {value:.2f}")
    catalogue.add("no {name!r}", "không có {name}")
    catalogue.add("error: %(message)s", "lỗi: %s")
    catalogue.add("model", "mô hình")
    assert catalogues.faults(catalogue) == [
        "vi, 'loss': not translated",
        "vi, 'class': marked fuzzy; check the translation and take the mark away",
        "vi, 'mean {value:g}': the placeholders differ in 'trung bình {valor:g}'",
        "vi, 'sum {value:g}': the placeholders differ in 'tổng {value:.2f}'",
        "vi, 'no {name!r}': the placeholders differ in 'không có {name}'",
        "vi, 'error: %(message)s': the placeholders differ in 'lỗi: %s'",
    ]


def test_an_update_keeps_translations_and_guesses_nothing(tmp_path):
    (tmp_path / "a.py").write_text('_("loss")\n_("losses")\n')
    old = catalogues.Texts("vi")
    old.add("loss", "giá trị mất mát", flags=["fuzzy"])
    old.add("gone", "đã bỏ")
    new = catalogues.updated(old, "vi", catalogues.extract(tmp_path))
    assert {message.id: (message.string, message.fuzzy) for message in new if message.id} == {
        "loss": ("giá trị mất mát", True),
        "losses": ("", False),
    }
    assert not new.obsolete


def undrawable(text: str) -> set[str]:
    """The characters of `text` that neither font of the pictures has."""
    fonts = [Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), *style.FONTS.glob("*.otf")]
    known = {character for font in fonts for character in TTFont(font).getBestCmap()}
    return {character for character in text if character.isprintable() and ord(character) not in known}


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_fonts_can_draw_every_text_of_the_package(code):
    assert undrawable("".join(message.string for message in catalogues.read(code) if message.id)) == set(), MEND


def strings(page: Page) -> str:
    """What the code cells of a page may write into a picture."""
    nodes = [node for cell in page.cells if cell.kind == "code" for node in ast.walk(syntax_tree(cell))]
    return "".join(str(node.value) for node in nodes if isinstance(node, ast.Constant))


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_fonts_can_draw_every_text_of_the_notebooks(code):
    texts = {page.where: strings(page) for page in pages(code).values()}
    assert any(texts.values())
    assert {page: undrawable(text) for page, text in texts.items() if undrawable(text)} == {}, MEND


def test_a_character_without_a_glyph_is_found():
    assert undrawable("交叉熵 ŷ − √2 mất mát") == set()
    assert undrawable("交叉鑫") == {"鑫"}
