"""The fact-check: every claim of the five articles is judged, proved, taught and told in the languages that need it."""

import importlib
import inspect
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from book._ext.glossary import anchor
from tools.book import LANGUAGES, REFERENCE, ROOT, Cell, Page, pages, read_data
from tools.checks import parity, prose

CLAIMS: dict[str, dict] = read_data("claims")
ARTICLES: dict[str, dict] = read_data("articles")
REFERENCES = (ROOT / "book/references.bib").read_text("utf-8")
VERDICTS = {
    "confirmed": 124,
    "caveat": 137,
    "wrong": 22,
    "imprecise": 49,
    "outdated": 9,
    "mistranslation": 33,
    "unreproducible": 8,
    "uncheckable": 6,
}
PER_ARTICLE = {"article000": 48, "article001": 152, "article002": 34, "article003": 116, "article004": 38}
IN_EVERY_LANGUAGE = {"wrong", "imprecise", "outdated", "mistranslation", "unreproducible"}
REQUIRED = {"article", "section", "verdict", "claim"}
OPTIONAL = {"right", "check", "basis", "taught"}  # test_every_claim_is_taught asks for `taught`


def functions(module) -> dict[str, Callable]:
    """The checks written in a module."""
    found = inspect.getmembers(module, inspect.isfunction)
    return {name: f for name, f in found if f.__module__ == module.__name__ and not name.startswith("_")}


MODULES = sorted(path.stem for path in Path(__file__).with_name("claims").glob("[!_]*.py"))
CHECKS = [
    check for name in MODULES for check in functions(importlib.import_module(f"tests.book.claims.{name}")).items()
]


def named(claim: dict) -> list[str]:
    """The checks that a claim names."""
    check = claim.get("check", [])
    return [check] if isinstance(check, str) else check


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[name for name, _ in CHECKS])
def test_check(name, check):
    assert check.__doc__, f"{name} has no docstring that says what it shows"
    check()


def test_counts():
    assert Counter(claim["verdict"] for claim in CLAIMS.values()) == VERDICTS
    assert Counter(claim["article"] for claim in CLAIMS.values()) == PER_ARTICLE
    assert len(CLAIMS) == sum(VERDICTS.values()) == 388
    assert sum(VERDICTS[verdict] for verdict in IN_EVERY_LANGUAGE) == 121


def test_claims_are_numbered_in_the_order_of_the_articles():
    expected = [
        f"{row['prefix']}-{number:02}"
        for article, row in ARTICLES.items()
        for number in range(1, PER_ARTICLE[article] + 1)
    ]
    assert list(CLAIMS) == expected
    lines = re.findall(r"^([A-Z]{2}-\d+):", (ROOT / "book/claims.yml").read_text("utf-8"), re.MULTILINE)
    assert lines == expected  # YAML lets a second key of one name win in silence


def test_articles():
    for article, row in ARTICLES.items():
        assert f"@misc{{{article},\n  title = {{{row['title']}}},\n  " in REFERENCES
        assert len(LANGUAGES.keys() - row["translated"].keys()) == 1
        assert all(title.keys() == LANGUAGES.keys() for title in row["sections"].values())
        used = [claim["section"] for claim in CLAIMS.values() if claim["article"] == article]
        assert list(dict.fromkeys(used)) == list(row["sections"])


def test_fields():
    for key, claim in CLAIMS.items():
        assert REQUIRED <= claim.keys() <= REQUIRED | OPTIONAL, key
        assert ("right" in claim) == (claim["verdict"] != "confirmed"), key
        assert ("check" in claim or "basis" in claim) == (claim["verdict"] != "uncheckable"), key
        assert claim.get("basis", "text") in ("original", "text"), key


def test_checks_are_those_that_claims_name():
    names = [name for name, _ in CHECKS]
    assert len(names) == len(set(names)) > 120
    assert set(names) == {name for claim in CLAIMS.values() for name in named(claim)}


def as_page(language: str) -> Page:
    """The texts of a language, each as a cell, so that the tools for pages can read them."""
    page = Page(ROOT / f"book/{language}/claims.md", language, "claims")
    for key, claim in CLAIMS.items():
        for part in ("claim", "right"):
            if text := claim.get(part, {}).get(language):
                page.cells.append(Cell(page, f"{key} {part}", "markdown", text))
    return page


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_there(language):
    needed = [
        f"{key} {part}"
        for key, claim in CLAIMS.items()
        for part in ("claim", "right")
        if part in claim and (language == REFERENCE or claim["verdict"] in IN_EVERY_LANGUAGE)
    ]
    there = {cell.id for cell in as_page(language).cells}
    assert [text for text in needed if text not in there] == [], "add them to book/claims.yml"


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_keep_the_rules_of_the_prose(language):
    assert prose.faults(as_page(language), as_page(REFERENCE)) == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != REFERENCE])
def test_texts_say_the_same(language):
    translated, english = as_page(language), as_page(REFERENCE)
    ids = {cell.id for cell in translated.cells}
    english.cells = [cell for cell in english.cells if cell.id in ids]
    assert parity.faults(english, translated) == []


def test_every_claim_is_taught():
    cells = {f"{page.name}#{cell.id}" for page in pages(REFERENCE).values() for cell in page.cells}
    cells |= {f"glossary#{anchor(term)}" for term in prose.TERMS}
    nowhere = [f"{key}: {claim.get('taught')}" for key, claim in CLAIMS.items() if claim.get("taught") not in cells]
    nowhere += [
        f"{article}, {number}: {target}"
        for article, row in ARTICLES.items()
        for number, target in row.get("mirrored", {}).items()
        if target not in cells or number not in row["sections"]
    ]
    assert nowhere == [], (
        "each claim names a page and a cell in `taught`, and an article in `mirrored`; these cells do not exist"
    )
