"""The data behind the pages: languages, texts, terms, claims, works, settings, the table of contents. Each file is
read here and nowhere else, once in a process: nobody changes what these functions return."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import yaml
from pybtex.database import BibliographyData, parse_file

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "en"


def _load(path: Path) -> dict:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, and PyYAML's wheels have it
    return yaml.load(path.read_text(encoding="utf-8"), loader) or {}


@cache
def read_data(name: str, root: Path = ROOT) -> dict:
    """What book/<name>.yml holds."""
    return _load(root / f"book/{name}.yml")


class Language(SimpleNamespace):
    """A row of book/languages.yml: its code and the fields written there."""


LANGUAGES: dict[str, Language] = {code: Language(code=code, **row) for code, row in read_data("languages").items()}


@cache
def settings() -> dict:
    """_config.yml."""
    return _load(ROOT / "_config.yml")


@cache
def citation() -> dict:
    """CITATION.cff."""
    return _load(ROOT / "CITATION.cff")


def strings() -> dict[str, dict[str, str]]:
    """book/strings.yml."""
    return read_data("strings")


def say(message: str, language: str) -> str:
    """A text of book/strings.yml in a language."""
    if language == REFERENCE:
        return strings()[message].get(REFERENCE, message)
    return strings()[message][language]


@cache
def bibliography(root: Path = ROOT) -> BibliographyData:
    """Every work of book/references.bib, by key."""
    return parse_file(root / "book/references.bib", "bibtex")


def contents(toc: Path = ROOT / "_toc.yml") -> Iterator[tuple[str, str]]:
    """Every page of the table of contents in reading order: the caption it stands under, and its docname.

    A language's home page stands under no caption; nor does the page that leads to the languages.
    """

    def walk(node: dict, caption: str) -> Iterator[tuple[str, str]]:
        if file := node.get("root") or node.get("file"):
            yield caption, file.removesuffix(".ipynb").removesuffix(".md")
        for key, children in node.items():
            for child in children if isinstance(children, list) else []:
                yield from walk(child, "" if key == "parts" else child.get("caption", caption))

    yield from walk(_load(toc), "")
