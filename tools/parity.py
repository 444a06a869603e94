"""Whether a translated page says the same as the English one: the same cells, code, numbers, formulas, links.

``python -m tools.parity`` names every difference.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

import yaml

from tools.book import LANGUAGES, REFERENCE, ROOT, Cell, Page, fstring_text, is_prose, language_argument, pages, syntax_tree
from tools.markup import markup, numbers

ALIGN = "Run `make notebooks`."
MEND = {
    "maths": r"Write the same formulas; only the words in \text{…} are translated.",
    "numbers": "Write the same numbers, with a decimal point, in digits where English has digits.",
    "code": "Write the same inline code; it is never translated.",
    "links": "Link to the same places; a link into the book differs only in its language part.",
    "images": "Show the same images.",
    "citations": "Cite the same works.",
    "roles": "Use the same roles with the same targets.",
    "labels": "Set the same labels; they end with the page's language.",
    "directives": "Use the same directives with the same options, in the same order.",
    "headings": "Use headings of the same depth in the same order.",
    "list items": "Write lists with as many items.",
    "table rows": "Write tables with as many rows.",
    "table cells": "Write tables with as many cells.",
    "tags": "Use the same HTML tags.",
    "fenced code": "Write the same code block.",
}
ORDERED = {"headings", "directives"}


def faults(english: Page, translated: Page) -> list[str]:
    """A sentence for each difference that is not a matter of language."""
    found = list(_cell_faults(english, translated))
    others = {cell.id: cell for cell in translated.cells}
    for cell in english.cells:
        other = others.get(cell.id)
        if other is None or other.kind != cell.kind:
            continue
        if cell.metadata.get("tags", []) != other.metadata.get("tags", []):
            found.append(f"{other.where}: the tags are not those of the English cell. {ALIGN}")
        if cell.kind == "markdown":
            found += _prose_faults(cell, other)
        else:
            found += [*_code_faults(cell, other), *_output_faults(cell, other)]
    return found


def _cell_faults(english: Page, translated: Page) -> Iterator[str]:
    ours, theirs = ({cell.id: cell for cell in page.cells} for page in (english, translated))
    for cell in english.cells:
        if cell.id not in theirs:
            yield f"{translated.where} has no cell '{cell.id}'; English has it. {ALIGN}"
        elif theirs[cell.id].kind != cell.kind:
            yield f"{theirs[cell.id].where} is {theirs[cell.id].kind}; in English it is {cell.kind}. {ALIGN}"
    for cell in translated.cells:
        if cell.id not in ours:
            yield f"{cell.where} has no English cell. Add it in English first, or remove it: {ALIGN}"
    common = [cell.id for cell in english.cells if cell.id in theirs]
    order = [cell.id for cell in translated.cells if cell.id in ours]
    for wanted, present in zip(common, order, strict=True):
        if wanted != present:
            yield f"{theirs[present].where} stands where English has the cell '{wanted}'. {ALIGN}"
            break


def _difference(ours: Iterable[str], theirs: Iterable[str]) -> str | None:
    """In words, what one side has and the other has not; None when they have the same, in whatever order."""
    ours, theirs = Counter(ours), Counter(theirs)
    missing, extra = list((ours - theirs).elements()), list((theirs - ours).elements())
    parts = [
        f"{who} has {', '.join(items[:6])}{' and more' if len(items) > 6 else ''} and {other} has not"
        for who, items, other in (("English", missing, "the translation"), ("the translation", extra, "English"))
        if items
    ]
    return "; ".join(parts) or None


def _prose_faults(english: Cell, translated: Cell) -> Iterator[str]:
    ours, theirs = (markup(cell.source, cell.page.language) for cell in (english, translated))
    for kind, mend in MEND.items():
        if kind in ORDERED and ours[kind] != theirs[kind]:
            lists = [", ".join(side[kind]) or "none" for side in (ours, theirs)]
            yield f"{translated.where}: {kind} differ: English has {lists[0]}, the translation has {lists[1]}. {mend}"
        elif set(ours[kind]) | set(theirs[kind]) == {"one"} and len(ours[kind]) != len(theirs[kind]):
            counts = f"English has {len(ours[kind])}, the translation {len(theirs[kind])}"
            yield f"{translated.where}: the number of {kind} differs: {counts}. {mend}"
        elif difference := _difference(ours[kind], theirs[kind]):
            yield f"{translated.where}: {kind} differ: {difference}. {mend}"


def _code_faults(english: Cell, translated: Cell) -> Iterator[str]:
    argument = language_argument(translated)
    if argument and getattr(argument, "value", None) != translated.page.language:
        language = translated.page.language
        yield f'{translated.where} sets another language. Write set_language("{language}"), or {ALIGN[0].lower()}{ALIGN[1:]}'
    trees = [syntax_tree(cell) for cell in (english, translated)]
    if pair := _first_difference(*trees):
        ours, theirs = (f"`{_shown(node)}`" if node else "nothing" for node in pair)
        yield f"{translated.where}: the code differs: English has {ours}, the translation has {theirs}. {ALIGN}"
    if bool(english.alt) != bool(translated.alt):
        yield f"{translated.where}: alt text stands in one language only. Write it in both, or {ALIGN[0].lower()}{ALIGN[1:]}"
    if difference := _difference(numbers(english.alt), numbers(translated.alt)):
        yield f"{translated.where}: numbers in the alt text differ: {difference}. {MEND['numbers']}"


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node).split("\n")[0]
    return text if len(text) <= 80 else text[:79] + "…"


def _is_language(node: ast.AST, parent: ast.AST) -> bool:
    return isinstance(parent, ast.Call) and ast.unparse(parent.func).split(".")[-1] == "set_language"


def _first_difference(ours: ast.AST, theirs: ast.AST) -> tuple[ast.AST | None, ast.AST | None] | None:
    """The first nodes that differ by more than prose; whether a string is prose is seen in English."""
    if type(ours) is not type(theirs):
        return ours, theirs
    if isinstance(ours, ast.Constant):
        same = (type(ours.value), ours.value) == (type(theirs.value), theirs.value)
        prose = isinstance(ours.value, str) and isinstance(theirs.value, str) and is_prose(ours.value)
        return None if same or prose else (ours, theirs)
    if isinstance(ours, ast.JoinedStr) and is_prose(fstring_text(ours)):
        return None if _same_values(ours, theirs) else (ours, theirs)
    if isinstance(ours, ast.Call) and ast.unparse(ours.func).split(".")[-1] == "set_language":
        return _first_difference(ours.func, theirs.func)
    for name, value in ast.iter_fields(ours):
        other = getattr(theirs, name)
        if isinstance(value, ast.AST) and isinstance(other, ast.AST):
            if pair := _first_difference(value, other):
                return pair
        elif isinstance(value, list):
            for a, b in zip_longest(value, other):
                if not (isinstance(a, ast.AST) and isinstance(b, ast.AST)):
                    if a != b:
                        return (a, b) if isinstance(ours, ast.Module) else (ours, theirs)
                elif pair := _first_difference(a, b):
                    return pair
        elif value != other:
            return ours, theirs
    return None


def _same_values(ours: ast.JoinedStr, theirs: ast.JoinedStr) -> bool:
    """Whether two f-strings show the same values, in whatever order the languages put them."""
    left = [part for part in theirs.values if isinstance(part, ast.FormattedValue)]
    for part in (part for part in ours.values if isinstance(part, ast.FormattedValue)):
        match = next((other for other in left if _first_difference(part, other) is None), None)
        if match is None:
            return False
        left.remove(match)
    return not left
