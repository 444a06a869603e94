"""Whether the numbers in the prose are computed: a cell of the page must hold them, in its code or its output.

``python -m tools.numbers`` names every number that nothing on its page computes. English is checked; that the other
languages have the same numbers is the business of ``python -m tools.parity``.
"""

import ast
import math
import re
import sys
from collections.abc import Iterator

import yaml

from tools.book import REFERENCE, ROOT, Cell, Page, pages, syntax_tree
from tools.markup import NUMBER, markup
from tools.pictures import SVG, texts
from tools.words import cell_words

SMALL = 12  # up to here integers count things ("four classes") and need no computation
EXEMPTIONS: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "book/numbers.yml").read_text(encoding="utf-8"))
NAMED = re.compile(r"\b(?:[Ss]ections?|Python|PyTorch) \d[\d.]*(?:(?:,| and| to) \d[\d.]*)*")  # names, not values


def faults(page: Page, exempt: dict[str, str] | None = None) -> list[str]:
    """A sentence for each number of an English page that no cell computes, and for each needless exemption."""
    exempt = EXEMPTIONS.get(page.name, {}) if exempt is None else exempt
    known = [abs(float(number)) for cell in page.cells for text in computed(cell) for number in _numbers(text)]
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
        held = markup(cell.source, cell.page.language)
        yield from held["maths"] + held["code"]
    else:
        yield cell.alt


def computed(cell: Cell) -> Iterator[str]:
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


def main() -> int:
    """Print the faults of the English pages."""
    english = pages(REFERENCE)
    found = [fault for page in english.values() for fault in faults(page)]
    found += [
        f"book/numbers.yml has the page {name}, which does not exist." for name in EXEMPTIONS.keys() - english.keys()
    ]
    print("\n".join(found) or "Every number in the prose is computed on its page.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
