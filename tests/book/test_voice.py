"""The prose of each language keeps the voice that book/languages.yml sets for it (voice): words that good authors of
the language use sparingly, clauses and sentences of their length.

What is counted: running text, that is the paragraphs, list items and notes of the notebooks that end as a sentence does,
not headings or the cells of a table. A word is a run of letters, a number, or one Chinese character; code and a formula
count as one word.
"""

import re
from statistics import mean

import pytest

from tests.book.small_pages import page_of
from tools.book import LANGUAGES, REFERENCE, Page, pages
from tools.book.words import WORD, cell_words

QUOTES = "[\"'”’)）]*"
ENDS = {
    "sentence": re.compile(rf"[。！？]|[.!?]{QUOTES}(?=\s|$)"),
    "clause": re.compile(rf"[，、；：。！？]|[,;:.!?]{QUOTES}(?=\s|$)"),
}
RUNNING = re.compile(rf"[.!?:…。！？：]{QUOTES}\s*$")
VOICES = [(code, rule) for code, language in LANGUAGES.items() for rule in getattr(language, "voice", [])]


def running_text(page: Page) -> list[str]:
    """The paragraphs of a page's Markdown cells that end as a sentence does."""
    return [text for cell in page.cells if cell.kind == "markdown" for text in cell_words(cell) if RUNNING.search(text)]


def length(text: str) -> int:
    """The number of words."""
    return len(WORD.findall(text))


def measured(rule: dict, texts: list[str]) -> float:
    """What the rule limits: so many of a word in a thousand, or the mean number of words in a clause or a sentence."""
    if "word" in rule:
        boundary = "" if re.search("[一-鿿]", rule["word"]) else r"\b"
        found = sum(len(re.findall(f"{boundary}{rule['word']}{boundary}", text, re.IGNORECASE)) for text in texts)
        return 1000 * found / sum(map(length, texts))
    return mean(words for text in texts for part in ENDS[rule["mean"]].split(text) if (words := length(part)))


def fault(language: str, rule: dict, book: list[Page]) -> str:
    """The sentence that says how far a book is from the rule, and which pages are farthest; nothing when it is kept."""
    texts = {page.name: running_text(page) for page in book}
    value = measured(rule, [text for page in texts.values() for text in page])
    too_low = value < rule.get("least", value)
    if not too_low and value <= rule.get("most", value):
        return ""
    farthest = sorted(((measured(rule, page), name) for name, page in texts.items() if page), reverse=not too_low)[:5]
    return f"book/{language}, {rule}: {value:.2f}. Farthest: {', '.join(f'{name} {n:.1f}' for n, name in farthest)}."


@pytest.mark.parametrize(("language", "rule"), VOICES, ids=str)
def test_prose_keeps_the_voice_of_its_language(language, rule):
    book = [page for page in pages(language).values() if page.path.suffix == ".ipynb"]
    assert sum(length(text) for page in book for text in running_text(page)) > 20_000
    assert fault(language, rule, book) == ""


def test_rules_name_one_measure_and_a_limit():
    assert [
        rule for _, rule in VOICES if len(rule.keys() & {"word", "mean"}) != 1 or not rule.keys() & {"least", "most"}
    ] == []
    assert {key for _, rule in VOICES for key in rule} <= {"word", "mean", "least", "most"}
    assert {rule["mean"] for _, rule in VOICES if "mean" in rule} <= ENDS.keys()


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        ({"word": "它"}, "它是 $0$，不是它的 `input`。", 2 / 8 * 1000),  # 6 characters, a formula and code
        ({"word": "ấy"}, "Số ấy là 0.5; thấy rồi.", 1 / 6 * 1000),  # not the end of another word
        ({"word": "ấy"}, "Ấy là\nmột số.", 1 / 4 * 1000),
        ({"mean": "clause"}, "先求差，再取 $x$ 的平方：误差。", (3 + 6 + 2) / 3),
        ({"mean": "sentence"}, "O erro é 0.5. Por que “cai?” Não cai (*ainda*).", (4 + 3 + 3) / 3),
        ({"mean": "sentence"}, "先求差，再平方。误差！", (6 + 2) / 2),
        ({"mean": "sentence"}, "## Um título\n\n| uma | tabela |\n|---|---|\n| a | b |\n\n- Um item.", 2),
    ],
)
def test_measures(rule, text, value):
    assert measured(rule, running_text(page_of(text))) == pytest.approx(value)


@pytest.mark.parametrize(
    ("rule", "text", "kept"),
    [
        ({"word": "它", "most": 250}, "它降到零。", True),
        ({"word": "它", "most": 249}, "它降到零。", False),
        ({"word": "ta", "least": 200}, "Rồi ta tính trung bình.", True),
        ({"word": "ta", "least": 201}, "Rồi ta tính trung bình.", False),
        ({"mean": "clause", "least": 3}, "先求差，再平方。", True),
        ({"mean": "clause", "least": 3.1}, "先求差，再平方。", False),
    ],
)
def test_a_book_beyond_the_limit_is_named_with_its_pages(rule, text, kept):
    said = fault("zh", rule, [page_of(text)])
    assert (said == "") == kept
    assert kept or said.startswith("book/zh, {") and "Farthest: x " in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_reading_rates_follow_the_words_that_a_language_needs(language):
    """book/languages.yml gives the rate for English; the others follow from the book, and are told when it changes."""
    words = {
        code: sum(length(text) for page in pages(code).values() for text in running_text(page))
        for code in (REFERENCE, language)
    }
    rate = LANGUAGES[REFERENCE].words_a_minute * words[language] / words[REFERENCE]
    assert LANGUAGES[language].words_a_minute == pytest.approx(rate, rel=0.06)
