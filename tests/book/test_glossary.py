"""The glossary explains: every term is defined, taught on a page, used by it, and linked where it is meant."""

import re

import pytest

from book._ext.glossary_links import pattern
from tools.book import LANGUAGES, REFERENCE, ROOT, Page, pages, read_data
from tools.book.words import paragraphs
from tools.checks.prose import english_form, text_faults

TERMS = read_data("glossary")["terms"]
DEFINED = [(term, language, text) for term in TERMS for language, text in term.get("definition", {}).items()]
SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？]")


def text_of(page: Page) -> str:
    """The prose of a page; a method's name in code is part of "`forward` method"."""
    return "\n".join(cell.source.replace("`", "") for cell in page.cells if cell.kind == "markdown")


def linked(language: str, text: str) -> list[str]:
    """What the site links in a text of a language, as written."""
    terms, anchors = pattern(ROOT / "book", language)
    found = [match["term"] or "" for match in terms.finditer(text)]
    return [words for words in found if " ".join(words.split()).casefold() in anchors]


# ---- definitions


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_term_is_defined(language):
    assert [term["en"] for term in TERMS if language not in term.get("definition", {})] == []
    assert {code for _, code, _ in DEFINED} <= LANGUAGES.keys()


def test_definitions_are_short():
    """One or two sentences; a third may say the short name, or another one."""
    long = [(term["en"], text) for term, _, text in DEFINED if len(SENTENCE.findall(text)) > 3 or len(text) > 300]
    assert long == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_definitions_keep_the_rules_of_prose(language):
    found = []
    for term, other, text in DEFINED:
        if other == language:
            english = paragraphs(term["definition"][REFERENCE])
            found += text_faults(f"{term['en']}, definition", paragraphs(text), language, english)
    assert found == []


def test_definitions_fit_on_a_line_of_markdown():
    assert [term["en"] for term, _, text in DEFINED if "\n" in text.strip() or text.count("$") % 2] == []


# ---- the page that teaches a term


def unused(terms: list[dict], book: dict[str, Page]) -> list[str]:
    """Terms whose page lacks the cell, or does not use the word."""
    found = []
    for term in terms:
        name, _, cell = term["page"].partition("#")
        page = book.get(name)
        if page is None or (cell or "page") not in {cell.id for cell in page.cells}:
            found.append(f"{term['en']}: there is no {term['page']}")
        elif not english_form({**term, "en": term["en"].replace("`", "")}).search(text_of(page)):
            found.append(f"{term['en']}: {name} does not use the word")
    return found


def test_every_term_is_used_by_the_page_that_teaches_it():
    assert unused(TERMS, pages(REFERENCE)) == []


def test_lost_page_and_unused_term_are_found():
    [loss] = [term for term in TERMS if term["en"] == "hinge loss"]
    planted = [
        loss | {"page": "guide/gone#formula"},
        loss | {"page": "guide/l1#gone"},
        loss | {"page": "guide/l1#formula"},
    ]
    assert len(unused(planted, pages(REFERENCE))) == 3


# ---- links


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        (
            "en",
            "The cross-entropy loss, a nonlinear loss function, the supertensor.",
            ["cross-entropy", "loss function"],
        ),
        (
            "en",
            "Stochastic gradient descent (gradient descent on parts).",
            ["Stochastic gradient descent", "gradient descent"],
        ),
        ("vi", "hinge: bản lề; lề của hàm.", ["lề"]),
        ("vi", "độ chính xác hỗn hợp, độ chính xác của số và độ chính xác.", ["độ chính xác hỗn hợp", "độ chính xác"]),
        ("vi", "đạo hàm riêng, hạ gradient (gradient descent), đạo hàm", ["đạo hàm riêng", "hạ gradient", "đạo hàm"]),
        ("zh", "次梯度、随机梯度下降（gradient descent）和梯度。", ["次梯度", "随机梯度下降", "梯度"]),
        ("pt", "o gradiente descendente (gradient descent), os gradientes", ["gradiente descendente", "gradiente"]),
    ],
)
def test_the_longest_term_is_linked_and_no_other_sense(language, text, words):
    assert linked(language, text) == words


def test_words_set_apart_hold_the_term():
    apart = [(term[code], words) for term in TERMS for code, row in term.get("apart", {}).items() for words in row]
    assert [pair for pair in apart if pair[0].casefold() not in pair[1].casefold()] == []
    assert len(apart) >= 2
