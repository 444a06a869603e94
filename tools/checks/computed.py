"""Whether the numbers in the prose are computed: a cell of the page must hold them, in its code or its output.

English is checked; that the other languages have the same numbers is the business of parity.
"""

import ast
import math
import re
from collections.abc import Iterator
from pathlib import Path

from tools.book import REFERENCE, Cell, Page, pages, read_data, syntax_tree
from tools.book.markup import NUMBER, markup_in
from tools.book.pictures import SVG, texts
from tools.book.words import cell_words

PASSED = "Every number in the prose is computed on its page."
SMALL = 12  # up to here integers count things ("four classes") and need no computation
EXEMPTIONS: dict[str, dict[str, str]] = read_data("numbers")
NAMED = re.compile(r"\b(?:[Ss]ections?|Python|PyTorch) \d[\d.]*(?:(?:,| and| to) \d[\d.]*)*")  # names, not values


def faults(page: Page, exempt: dict[str, str] | None = None) -> list[str]:
    """A sentence for each number of an English page that no cell computes, and for each needless exemption."""
    exempt = EXEMPTIONS.get(page.name, {}) if exempt is None else exempt
    known = [abs(float(number)) for cell in page.cells for text in computes(cell) for number in _numbers(text)]
    found, used = [], set()
    for cell in page.cells:
        for text in written(cell):
            for number in _numbers(text):
                percent = bool(re.search(rf"{re.escape(number)}\s?\\?%", text))
                if not needs_computing(number) or is_known(number, known, percent):
                    continue
                used.add(number)
                if number not in exempt:
                    found.append(
                        f"{cell.where}: no cell of the page computes {number} (in “{' '.join(text.split())[:100]}”). "
                        "Let a cell print it, or give its formula, or the reason why none does, in book/numbers.yml."
                    )
    for number, reason in exempt.items():
        if number not in used:
            found.append(f"book/numbers.yml has {number} for {page.where}, where it is not needed. Remove the row.")
        elif reason.startswith("=") and not is_known(number, [value := eval(reason[1:], vars(math).copy())]):
            found.append(
                f"{page.where} says {number}, but {reason[1:].strip()} is {value} (book/numbers.yml). Mend one."
            )
    return found


def written(cell: Cell) -> Iterator[str]:
    """What readers read in a cell beside its code and output: prose, formulas, inline code, alt text."""
    if cell.kind == "markdown":
        yield from (NAMED.sub("", text) for text in cell_words(cell))
        held = markup_in(cell.source, cell.page.language)
        yield from held["maths"] + held["code"]
    else:
        yield cell.alt


def computes(cell: Cell) -> Iterator[str]:
    """The numbers in the code of a cell, comments and messages aside; what it prints; what stands on its pictures."""
    if cell.kind == "code":
        constants = [node.value for node in ast.walk(syntax_tree(cell)) if isinstance(node, ast.Constant)]
        yield " ".join(str(value) for value in constants if type(value) in (int, float))
        for output in cell.outputs:
            yield "".join(output.get("text", ""))
            for mime, content in output.get("data", {}).items():
                if mime == SVG:
                    yield from texts("".join(content))
                elif mime.startswith("text/"):
                    yield "".join(content)


def needs_computing(number: str) -> bool:
    """Whether a number is more than a small count."""
    return not number.isdigit() or int(number) > SMALL


def is_known(number: str, known: list[float], percent: bool = False) -> bool:
    """Whether a number is among the known ones, rounded to as many digits."""
    mantissa, _, exponent = number.partition("e")
    half = 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])) * (1 + 1e-9)
    return any(
        abs(float(number) - value * scale) <= half for value in known for scale in ((1, 100) if percent else (1,))
    )


def _numbers(text: str) -> list[str]:
    """The numbers in a text without their signs, thousands closed up."""
    text = re.sub(r"(?<=\d)[\u2009\u202f\u00a0]|\\,(?=\d{3})", "", text)
    return [number.lstrip("-−") for number in NUMBER.findall(text)]


def check(page: Page, english: Page | None) -> list[str]:
    """The faults of an English page."""
    return faults(page) if page.language == REFERENCE else []


def check_book(root: Path) -> list[str]:
    """Exemptions for pages that do not exist."""
    lost = EXEMPTIONS.keys() - pages(REFERENCE, root).keys()
    return [f"book/numbers.yml has the page {name}, which does not exist." for name in sorted(lost)]
