"""The archive of each language: every page as a notebook, whose links hold and which says what the site says."""

import functools
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tests.site.pages import made, own
from tools.book import LANGUAGES, ROOT, citation, pages, read_page
from tools.book.markup import markup_in
from tools.make.downloads.chapters import read_chapters
from tools.make.notebooks import run

EACH = pytest.mark.parametrize("language", LANGUAGES)
RELEASED = citation()["date-released"]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The archive of a language, unpacked where its pages are read as those of a book."""

    @functools.cache
    def unpack(language: str) -> Path:
        root = tmp_path_factory.mktemp(language)
        with zipfile.ZipFile(made(language, "zip")) as file:
            file.extractall(root)
            assert {entry.date_time for entry in file.infolist()} == {(*RELEASED.timetuple()[:3], 0, 0, 0)}
        (root / "book").mkdir()
        (root / f"lossbook-{language}").rename(root / "book" / language)
        assert [path.name for path in root.iterdir()] == ["book"]
        return root

    return unpack


@EACH
def test_archive_holds_every_page_and_what_they_need(language, unpacked):
    folder = unpacked(language) / "book" / language
    [wheel] = folder.glob("*.whl")
    assert "lossbook/__init__.py" in zipfile.ZipFile(wheel).namelist()
    assert (folder / "requirements.txt").read_text(encoding="utf-8").splitlines() == [
        f"./{wheel.name}[plot]",
        "jupyterlab",
    ]
    assert "jupyter lab index.ipynb" in (folder / "README.md").read_text(encoding="utf-8")
    found = pages(language, folder.parent.parent)
    assert set(found) == {page.name for page in own(language)} | {"README"}
    for page in found.values():
        text = "\n".join(cell.source for cell in page.cells)
        assert not re.search(r"\bmake (book|test|notebooks)\b|^---$", text, re.MULTILINE), page.where
        assert page.name == "README" or page.path.suffix == ".ipynb"


@EACH
def test_every_link_in_the_archive_holds(language, unpacked):
    found = pages(language, unpacked(language))
    folder = next(iter(found.values())).path.parent
    cells = {page.path: [cell.id for cell in page.cells] for page in found.values()}
    links = anchors = 0
    for page in found.values():
        for cell in page.cells:
            for link in markup_in(cell.source, language)["links"] if cell.kind == "markdown" else []:
                if "://" in link or link.startswith("mailto:"):
                    continue
                path, _, anchor = link.partition("#")
                target = (page.path.parent / path).resolve() if path else page.path
                assert target.exists(), f"{cell.where}: {link}"
                assert target.is_relative_to(folder), f"{cell.where}: {link}"
                assert not anchor or anchor.removeprefix("cell-id=") in cells[target], f"{cell.where}: {link}"
                links, anchors = links + 1, anchors + bool(anchor)
    assert links > len(found)
    assert anchors > 50


@EACH
def test_pages_made_for_the_archive_read_as_on_the_site(language, unpacked):
    """Rendered as a notebook renders them, tables and formulas included, they say what the site's page says."""
    reader = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
    found = pages(language, unpacked(language))
    built = [chapter for chapter in read_chapters(language) if not (ROOT / f"{chapter.docname}.ipynb").exists()]
    assert {chapter.id for chapter in built} == {
        "index",
        "fact-check",
        "articles",
        "glossary",
        "references",
        "api",
        "translations",
    } | {f"api-{page.stem}" for page in (ROOT / f"book/{language}/api").glob("*.md")}
    for chapter in built:
        page = found[chapter.docname.removeprefix(f"book/{language}/")]
        rendered = BeautifulSoup("\n".join(reader.render(cell.source) for cell in page.cells), "html.parser")
        site = BeautifulSoup(ET.tostring(chapter.article, encoding="unicode"), "html.parser")
        for formula in [*rendered.select(".math"), *site.select(".katex")]:
            formula.decompose()
        for quotation in site.select("q"):
            quotation.replace_with(f"“{quotation.get_text()}”")
        for name in site.select("dt.sig"):  # above a signature stands the name alone, as a heading
            name.insert_before("".join(part.get_text() for part in name.select(".descclassname, .descname")))
        assert words(rendered) == words(site), page.where
        for tag in "table", "tr", "pre", "ul", "ol":
            assert len(rendered.find_all(tag)) >= len(site.find_all(tag)), (page.where, tag)


def words(soup: BeautifulSoup) -> str:
    """What a page says, without blanks."""
    return "".join(soup.get_text().split())


def test_notebook_from_the_archive_runs(tmp_path):
    with zipfile.ZipFile(made("zh", "zip")) as file:
        name = next(name for name in sorted(file.namelist()) if name.endswith("/l1-and-mse.ipynb"))
        path = tmp_path / "book/zh/page.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(file.read(name))
    page = read_page(path)
    assert run(page, page.cells) == path.read_text(encoding="utf-8")
