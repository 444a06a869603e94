"""Whether a translation gives the English in parentheses once a part of the book, at the term's first use.

A reader who goes through a part in order has read it there; again and again it stops the sentence.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.book import LANGUAGES, REFERENCE, Page, contents, pages
from tools.book.words import cell_words
from tools.checks.prose import TERMS, english_form

PASSED = "Each part of the book gives the English of a term once."


@cache
def gloss() -> re.Pattern:
    """English in parentheses that names a term, a group for each: (loss function), （gradient, 梯度）."""
    forms = "|".join(f"(?P<t{number}>{english_form(term).pattern})" for number, term in enumerate(TERMS))
    return re.compile(rf"[(（](?:{forms})(?=[,;)）])", re.IGNORECASE)


def glosses(page: Page) -> Iterator[tuple[str, str]]:
    """The cell and the English term of each gloss in a page's prose."""
    for cell in page.cells:
        if cell.kind == "markdown":
            for match in gloss().finditer("\n".join(cell_words(cell))):
                [number] = [int(name[1:]) for name, words in match.groupdict().items() if words]
                yield cell.where, TERMS[number]["en"]


def repeated(part: list[Page]) -> list[str]:
    """A sentence for each gloss that the part has given before; its pages in reading order."""
    first: dict[str, str] = {}
    found = []
    for page in part:
        for where, term in glosses(page):
            if term in first:
                found.append(f"{where}: “({term})” was given in {first[term]}. Leave it out here.")
            first.setdefault(term, where)
    return found


def check_book(root: Path) -> list[str]:
    """The repeated glosses of every part, in every translation."""
    found = []
    for language in [code for code in LANGUAGES if code != REFERENCE]:
        here, parts = pages(language, root), {}
        for caption, docname in contents(root / "_toc.yml"):
            name = docname.removeprefix(f"book/{language}/")
            if caption and docname.startswith(f"book/{language}/") and here[name].path.suffix == ".ipynb":
                parts.setdefault(caption, []).append(here[name])
        found += [fault for part in parts.values() for fault in repeated(part)]
    return found


def check(page: Page, english: Page | None) -> list[str]:
    """The glosses that a single page repeats."""
    return []  # those of its part are told with the book
