"""Whether the pages argue first: outside its notes, a page hardly ever talks about the articles.

A note is a block quote that begins with its title in bold. The site folds it, so what only concerns a reader of the
articles stands there, and who has not read them is hardly ever interrupted.
"""

import re
from collections.abc import Iterator

from markdown_it.token import Token

from tools.book import LANGUAGES, Cell, Page
from tools.book.markup import PARSER
from tools.book.words import blocks

PASSED = "Every page argues first; what concerns readers of the articles stands in notes."
WORDS = 300  # of open prose in English for one open sentence about an article
END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")  # of a sentence


def open_prose(cell: Cell) -> list[str]:
    """The paragraphs of a cell that stand in no note."""
    return list(blocks(_outside_notes(PARSER.parse(cell.source)))) if cell.kind == "markdown" else []


def _outside_notes(tokens: list[Token]) -> Iterator[Token]:
    inside = None  # the level of the note that is being left out
    for index, token in enumerate(tokens):
        if inside is None and token.type == "blockquote_open" and is_title(tokens[index + 2]):
            inside = token.level
        if inside is None:
            yield token
        elif token.type == "blockquote_close" and token.level == inside:
            inside = None


def is_title(inline: Token) -> bool:
    """Whether a paragraph is bold from its first word to its last."""
    words = [token for token in inline.children or [] if token.type != "text" or token.content]
    bold = [index for index, token in enumerate(words) if token.type in ("strong_open", "strong_close")]
    return len(words) > 2 and bold == [0, len(words) - 1]


def sentences_about_articles(page: Page) -> list[str]:
    """The open sentences that speak of an article."""
    about = re.compile(LANGUAGES[page.language].articles, re.IGNORECASE)
    texts = [text for cell in page.cells for text in open_prose(cell)]
    return [sentence.strip() for text in texts for sentence in END.split(text) if about.search(sentence)]


def words(page: Page) -> int:
    """How many words of open prose an English page has."""
    return sum(len(text.split()) for cell in page.cells for text in open_prose(cell))


def faults(english: Page, page: Page) -> list[str]:
    """A sentence where a page speaks of the articles more often than its length allows."""
    found, allowed = sentences_about_articles(page), max(1, words(english) // WORDS)
    if len(found) <= allowed:
        return []
    return [
        f"{page.where} has {len(found)} open sentences about an article, and its {words(english)} words of open English "
        f"prose allow {allowed}. Move what only concerns readers of the article into a note: “{'” “'.join(found)}”"
    ]


def check(page: Page, english: Page | None) -> list[str]:
    """The faults of a notebook."""
    return faults(english, page) if english and page.path.suffix == ".ipynb" else []
