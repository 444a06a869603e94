"""Whether a translated page says the same as the English one: the same cells, code, numbers, formulas, links."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

from tools.book import (
    LANGUAGES,
    REFERENCE,
    ROOT,
    Cell,
    Page,
    Word,
    contents,
    fstring_text,
    is_prose,
    language_argument,
    pages,
    sets_language,
    syntax_tree,
)
from tools.book.markup import markup_in, numbers
from tools.book.pictures import SVG, Drawing, elements_difference, texts

PASSED = "Every page says the same in every language."
ALIGN = "Run `make notebooks`."
MEND = {
    "maths": r"Write the same formulas; only the words in \text{…} are translated.",
    "numbers": "Write the same numbers, with a decimal point, in digits where English has digits.",
    "code": "Write the same inline code; it is never translated.",
    "links": "Link to the same places and cite the same works; a link into the book differs only in its language part.",
    "images": "Show the same images.",
    "roles": "Use the same roles with the same targets.",
    "labels": "Set the same labels; they end with the page's language.",
    "directives": "Use the same directives with the same options, in the same order.",
    "headings": "Use headings of the same depth in the same order.",
    "block quotes": "Write the same notes; each is a block quote that begins with its title in bold.",
    "list items": "Write lists with as many items.",
    "table rows": "Write tables with as many rows.",
    "table cells": "Write tables with as many cells.",
    "HTML tags": "Use the same HTML tags.",
    "code blocks": "Write the same code blocks.",
}
SHOWN = {"maths": "formulas", "code": "code spans"}  # how messages call a kind, where its name is no plural
ORDERED = {"headings", "directives"}
ENGLISH = re.compile(r"^\(English: .*\)$", re.MULTILINE)  # what an error says a second time in a translation


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
        f"{who} has {', '.join(f'`{item}`' for item in items[:6])}{' and more' if len(items) > 6 else ''} and {other} has not"
        for who, items, other in (("English", missing, "the translation"), ("the translation", extra, "English"))
        if items
    ]
    return "; ".join(parts) or None


def _prose_faults(english: Cell, translated: Cell) -> Iterator[str]:
    ours, theirs = (markup_in(cell.source, cell.page.language) for cell in (english, translated))
    for kind, mend in MEND.items():
        shown = SHOWN.get(kind, kind)
        if kind in ORDERED and ours[kind] != theirs[kind]:
            lists = [", ".join(side[kind]) or "none" for side in (ours, theirs)]
            yield f"{translated.where}: {shown} differ: English has {lists[0]}, the translation has {lists[1]}. {mend}"
        elif set(ours[kind]) | set(theirs[kind]) == {"one"} and len(ours[kind]) != len(theirs[kind]):
            counts = f"English has {len(ours[kind])}, the translation {len(theirs[kind])}"
            yield f"{translated.where}: the number of {shown} differs: {counts}. {mend}"
        elif difference := _difference(ours[kind], theirs[kind]):
            yield f"{translated.where}: {shown} differ: {difference}. {mend}"


def _code_faults(english: Cell, translated: Cell) -> Iterator[str]:
    argument, language = language_argument(translated), translated.page.language
    if argument and getattr(argument, "value", None) != language:
        yield f'{translated.where} sets another language. Write set_language("{language}"): {ALIGN}'
    if pair := _first_difference(syntax_tree(english).body, syntax_tree(translated).body):
        ours, theirs = (f"`{_shown(node)}`" if node else "nothing more" for node in pair)
        yield f"{translated.where}: the code differs: English has {ours}, the translation has {theirs}. {ALIGN}"
    if bool(english.alt) != bool(translated.alt):
        yield f"{translated.where}: alt text stands in one language only. Write it in both: {ALIGN}"
    if difference := _difference(numbers(english.alt), numbers(translated.alt)):
        yield f"{translated.where}: numbers in the alt text differ: {difference}. {MEND['numbers']}"


def _shown(statement: ast.stmt) -> str:
    text = " ".join(ast.unparse(statement).split())
    return text if len(text) <= 120 else text[:119] + "…"


def _first_difference(ours: list[ast.stmt], theirs: list[ast.stmt]) -> tuple[ast.stmt | None, ast.stmt | None] | None:
    """The first statements that differ by more than their prose."""
    return next((pair for pair in zip_longest(ours, theirs) if not _same(*pair)), None)


def _same(ours: object, theirs: object) -> bool:
    """Whether two pieces of syntax are equal but for prose; what is prose is seen in English."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if not isinstance(ours, ast.AST):
        return ours == theirs
    if isinstance(ours, ast.Constant) and isinstance(ours.value, Word):
        return isinstance(theirs.value, Word) and theirs.value.english == ours.value
    if isinstance(ours, ast.Constant) and isinstance(ours.value, str) and isinstance(theirs.value, str):
        return is_prose(ours.value) or ours.value == theirs.value
    if isinstance(ours, ast.Constant):
        return repr(ours.value) == repr(theirs.value)  # 1 is not 1.0, and not True
    if isinstance(ours, ast.JoinedStr) and is_prose(fstring_text(ours)):
        return _same_values(ours, theirs)
    if sets_language(ours):
        return sets_language(theirs)
    return all(_same(value, getattr(theirs, name)) for name, value in ast.iter_fields(ours))


def _same_values(ours: ast.JoinedStr, theirs: ast.JoinedStr) -> bool:
    """Whether two f-strings show the same values, in whatever order the languages put them."""
    left = [part for part in theirs.values if isinstance(part, ast.FormattedValue)]
    for value in (part for part in ours.values if isinstance(part, ast.FormattedValue)):
        match = next((other for other in left if _same(value, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _output_faults(english: Cell, translated: Cell) -> Iterator[str]:
    kinds = [[_kind(output) for output in cell.outputs] for cell in (english, translated)]
    if kinds[0] != kinds[1]:
        lists = [", ".join(side) or "none" for side in kinds]
        yield f"{translated.where}: the outputs differ: English has {lists[0]}; the translation has {lists[1]}. {ALIGN}"
    elif difference := _difference(*(_output_numbers(cell) for cell in (english, translated))):
        yield (
            f"{translated.where}: numbers in the outputs differ: {difference}. {ALIGN} If they still differ, "
            "a text of the code, or of lossbook's catalogue, shows other numbers than in English."
        )
    for ours, theirs in zip(english.outputs, translated.outputs, strict=False):
        drawings = [Drawing("".join(output["data"][SVG])) for output in (ours, theirs) if SVG in output.get("data", {})]
        if len(drawings) == 2 and (difference := elements_difference(*(drawing.marks for drawing in drawings))):
            yield f"{translated.where}: what is drawn differs from English. {difference} {ALIGN}"


def _kind(output: dict) -> str:
    return "/".join([output["output_type"], output.get("name", ""), *sorted(output.get("data", {}))]).replace("//", "/")


def _output_numbers(cell: Cell) -> Iterator[str]:
    for output in cell.outputs:
        yield from numbers(ENGLISH.sub("", "".join(output.get("text", ""))))
        for mime, content in output.get("data", {}).items():
            if mime == SVG:
                for text in texts("".join(content)):
                    yield from numbers(text)
            elif mime.startswith("text/"):
                yield from numbers("".join(content))


def page_faults(root: Path = ROOT) -> list[str]:
    """Pages that a language lacks, or that the table of contents lacks or has in another order."""
    found = []
    listed = [docname for _, docname in contents(root / "_toc.yml")]

    def toc(language: str) -> list[str]:
        return [file.removeprefix(f"book/{language}/") for file in listed if file.startswith(f"book/{language}/")]

    for language in LANGUAGES:
        names, order = toc(language), toc(REFERENCE)
        there = pages(language, root)
        for name, english in pages(REFERENCE, root).items():
            if name not in there:
                found.append(
                    f"{english.where} has no page in {language}. Run `make notebooks` and translate what it makes."
                )
        for name, page in there.items():
            if name not in pages(REFERENCE, root):
                found.append(f"{page.where} has no English page. Write it in English too, or remove it.")
            if names.count(name) != 1:
                found.append(
                    f"_toc.yml lists {page.where} {names.count(name)} times. List every page once, in each language."
                )
        found += [
            f"_toc.yml lists book/{language}/{name}, which does not exist." for name in names if name not in there
        ]
        if sorted(names) == sorted(order) and names != order:
            found.append(
                f"_toc.yml lists the pages of book/{language}/ in another order than the English ones. Use one order."
            )
    return found


def check(page: Page, english: Page | None) -> list[str]:
    """The differences of a translated page."""
    return faults(english, page) if english and page.language != REFERENCE else []


def check_book(root: Path) -> list[str]:
    """What no single page shows."""
    return page_faults(root)
