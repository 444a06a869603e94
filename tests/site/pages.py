"""The built site as its tests read it, and small books to plant faults in."""

import json
import multiprocessing
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from bs4 import BeautifulSoup
from jupyter_book.config import get_default_sphinx_config
from sphinx.application import builtin_extensions

from tools.book import LANGUAGES, REFERENCE, ROOT, contents, settings, strings
from tools.make.install import wheel_name

SITE = ROOT / "_build/html"
DOOR = "book/index"
STRINGS = strings()
TITLE = settings()["title"]
BASE = settings()["html"]["baseurl"]  # where the site is published, once that is known
PATIENCE = 120  # seconds; a small book is built in three
INDEX = [SITE / f"search/{code}.js" for code in LANGUAGES]  # written last


@dataclass(eq=False)
class WebPage:
    """A page of the site."""

    docname: str  # book/vi/what-is-a-loss/idea
    site: Path = SITE

    def __post_init__(self) -> None:
        folder = self.docname.removeprefix("book/").split("/")[0]
        self.folder = folder if folder in LANGUAGES else None  # None: book/index.md
        self.language = LANGUAGES[self.folder or REFERENCE]
        self.name = self.docname.removeprefix(f"book/{self.folder}/") if self.folder else "index"
        self.path = self.site / f"{self.docname}.html"

    @cached_property
    def html(self) -> str:
        """The page, as it is served."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The page, parsed: 0.2 seconds, so ask for less where less is enough."""
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def title(self) -> str:
        """The page's heading, without its link."""
        heading = BeautifulSoup(re.search("<h1.*?</h1>", self.html, re.DOTALL)[0], "html.parser")
        return " ".join(heading.get_text().removesuffix("#").split())

    @cached_property
    def ids(self) -> list[str]:
        """Every id on the page."""
        return [tag["id"] for tag in self.soup.find_all(id=True)]

    def target(self, href: str) -> Path:
        """The file an address on this page leads to."""
        if BASE and href.startswith(BASE):
            return (self.site / href.removeprefix(BASE).strip("/")).resolve()
        return (
            (self.path.parent / href.partition("#")[0].partition("?")[0]).resolve()
            if href[0] not in "#?"
            else self.path
        )

    def text(self, message: str) -> str:
        """An interface text in the page's language."""
        return STRINGS[message].get(self.language.code, message)


def own(language: str) -> list[WebPage]:
    """The pages of a language, in reading order."""
    return [WebPage(docname) for _, docname in contents() if docname.startswith(f"book/{language}/")]


def made(language: str, kind: str) -> Path:
    """A file of the built site."""
    file = SITE / "_downloads" / (wheel_name() if kind == "whl" else f"lossbook-{language}.{kind}")
    assert file.exists(), f"{file} is missing. Run `make downloads` first."
    return file


def data(**formats: str) -> dict:
    """An output in some formats, named by their last part: svg, latex, markdown."""
    types = {
        "svg": "image/svg+xml",
        "png": "image/png",
        "latex": "text/latex",
        "markdown": "text/markdown",
        "plain": "text/plain",
    }
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {types[name]: text for name, text in formats.items()},
    }


CONFIG = (ROOT / "_config.yml").read_text(encoding="utf-8")
BUILD = ["jupyter-book", "build", "-W", "--keep-going", "."]
SPHINX = settings()["sphinx"]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "jupyter_book.cli.main",
        "jupyter_book.sphinx",
        *builtin_extensions,
        *get_default_sphinx_config()["extensions"],
        *SPHINX["extra_extensions"],
        *SPHINX["local_extensions"],
        "book._ext.explorer_html",
    ]
)


def run_jupyter_book(root: Path, said: Path) -> None:
    """Be the command in this process, which ends with it."""
    from jupyter_book.cli.main import main

    os.chdir(root)
    os.environ["NO_COLOR"] = "1"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    main(BUILD[1:])


class SmallBook:
    """A book of a page or two, built with the real extensions, templates and interface texts. What the stylesheet is made
    of takes a configuration of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "book").mkdir(parents=True)
        shared = (
            "_ext",
            "_templates",
            "_static",
            "languages.yml",
            "strings.yml",
            "glossary.yml",
            "references.bib",
            "redirects.yml",
        )
        for name in shared:
            (root / "book" / name).symlink_to(ROOT / "book" / name)
        (root / "tools").symlink_to(ROOT / "tools")
        self.write("_config.yml", CONFIG.replace("    book._ext.stylesheet: .\n", ""))  # half of a build's time
        self.write("book/index.md", "# Door\n")

    def write(self, path: str, text: str) -> None:
        """Write a file, in place of a link too."""
        file = self.root / path
        file.unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def notebook(self, docname: str, *cells: dict) -> None:
        """Write a notebook."""
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        page = {"cells": list(cells), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        self.write(f"{docname}.ipynb", json.dumps(page, ensure_ascii=False))

    def write_contents(self) -> None:
        """Write _toc.yml. Every language folder's home comes first."""
        homes = sorted(self.root.glob("book/*/index.*"))
        parts = []
        for home in homes:
            pages = sorted(p for p in home.parent.rglob("*.*") if p != home)
            sections = [{"file": p.relative_to(self.root).with_suffix("").as_posix()} for p in pages]
            chapter = {"file": home.relative_to(self.root).with_suffix("").as_posix()}
            parts.append(
                {"caption": home.parent.name, "chapters": [chapter | ({"sections": sections} if sections else {})]}
            )
        text, file = yaml.safe_dump({"format": "jb-book", "root": DOOR, "parts": parts}), self.root / "_toc.yml"
        if not file.exists() or file.read_text(encoding="utf-8") != text:  # a newer one has all pages read again
            self.write("_toc.yml", text)

    def build(self) -> subprocess.CompletedProcess:
        """Build as `make book` does, but without its start: in a fork of a process that has imported what it imports."""
        self.write_contents()
        said = self.root / "said.txt"
        process = FORKS.Process(target=run_jupyter_book, args=(self.root, said))
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"The build had not ended after {PATIENCE} seconds. It said:\n{said.read_text()}")
        return subprocess.CompletedProcess(BUILD, process.exitcode, stderr=said.read_text(encoding="utf-8"))

    def page(self, docname: str) -> WebPage:
        """A built page."""
        return WebPage(docname, self.root / "_build/html")
