"""The works that pages cite, from book/references.bib: a page cites one by a link to its address."""

import re
from functools import cache
from pathlib import Path

from pybtex.database import Entry

from tools.book.data import ROOT, bibliography

ADDRESSES = {"doi": "https://doi.org/{}", "eprint": "https://arxiv.org/abs/{}", "url": "{}"}  # the first that is known
ARTICLE = re.compile(r"article\d{3}")  # keys of the articles that the book follows
LISTED = re.compile(r"(?:.*/)?references(?:\.md|\.html|\.ipynb)?#([\w-]+)")  # an entry of the page of references


def address(entry: Entry) -> str | None:
    """Where the work can be read; None where the bibliography names no such place."""
    return next((form.format(entry.fields[field]) for field, form in ADDRESSES.items() if field in entry.fields), None)


@cache
def _cited_at(root: Path) -> dict[str | None, str]:
    return {address(entry): key for key, entry in bibliography(root).entries.items() if not ARTICLE.fullmatch(key)}


def cited(href: str, root: Path = ROOT) -> str | None:
    """The key of the work that a link leads to: to its address, or to its entry among the references."""
    if listed := LISTED.fullmatch(href):
        return listed[1]
    return _cited_at(root).get(href)


def cites_work(href: str) -> bool:
    """Whether a link cites a work other than the articles: a footnote on the site."""
    key = cited(href)
    return key is not None and not ARTICLE.fullmatch(key)


def short(entry: Entry, others: str) -> str:
    """How a citation reads: "Girshick 2015", "Cortes & Vapnik 1995"; from three on with the words for others; a year if known."""
    authors = entry.persons["author"]
    names = [" ".join([*person.prelast_names, *person.last_names]) for person in authors if str(person) != "others"]
    if len(names) == len(authors) == 2:
        who = " & ".join(names)
    else:
        who = names[0] if len(authors) == 1 else f"{names[0]} {others}"
    return f"{who} {entry.fields.get('year', '')}".strip()
