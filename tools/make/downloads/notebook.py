"""A page of the archive: a stored notebook with its links, or a built page as a notebook of Markdown cells."""

import posixpath
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from markdownify import MarkdownConverter

from tools.book.form import NOTEBOOK_METADATA, normalized
from tools.book.markup import PARSER
from tools.make.downloads.chapters import Chapter, markup, replace

HEADINGS = {f"h{level}" for level in range(1, 7)}
FLAT = {"div", "section", "dl", "dd"}  # what holds blocks
NAMES = {"sig-prename descclassname", "sig-name descname"}  # of what an api entry is about
LINK = re.compile(r"\]\((?![a-z]+:)([^()\s#]*)(?:#([^()\s]*))?\)")  # within the book


class Converter(MarkdownConverter):
    """HTML to Markdown; <tex> stands for a formula."""

    class Options(MarkdownConverter.DefaultOptions):
        """How this book writes Markdown."""

        heading_style = "atx"
        bullets = "-"
        escape_misc = True
        code_language = "python"

    def convert_strong(self, element, text: str, parent_tags: set[str]) -> str:
        """Bold words. Full-width punctuation stays outside: no blank follows it, so ** would not end the bold."""
        if not re.search(r"\w", text):
            return text
        before, words, after = re.fullmatch(r"([“《（]*)(.*?)([：。，；！？”》）]*)", text, re.DOTALL).groups()
        return before + super().convert_strong(element, words, parent_tags) + after

    def convert_q(self, element, text: str, parent_tags: set[str]) -> str:
        """A quotation, which a browser puts between quotation marks."""
        return f"“{text}”"

    def convert_tex(self, element, text: str, parent_tags: set[str]) -> str:
        """A formula, inline or displayed. In a table a bar would end the cell."""
        tex = " ".join(element.get_text().split())
        if element.get("display"):
            return f"\n\n$$\n{tex}\n$$\n\n"
        return "$" + (tex.replace("|", r"\vert ") if "td" in parent_tags else tex) + "$"


def plain(article: ET.Element) -> None:
    """Leave in an article what Markdown has too: no definition lists, no boxes, formulas as TeX."""

    def change(element: ET.Element) -> ET.Element | str | None:
        classes = element.get("class", "").split()
        if "katex-display" in classes or "katex" in classes:
            tex = ET.Element("tex", {"display": "block"} if "katex-display" in classes else {})
            tex.text = element.find(".//annotation").text
            return tex
        if "admonition" in classes:
            element.tag = "blockquote"
        elif element.tag == "dt" and "sig" in classes:
            box, code = ET.Element("div"), ET.Element("pre")
            code.text = "".join(element.itertext()).strip()
            name = "".join("".join(part.itertext()) for part in element if part.get("class") in NAMES)
            box.extend([titled("h3", element, text=name), code])
            return box
        elif element.tag == "dt" and element.get("id"):
            return titled("h3", element)
        elif element.tag == "dt" or "admonition-title" in classes:
            return titled("p", element, within="strong")
        return None

    replace(article, change)


def titled(tag: str, element: ET.Element, within: str = "", text: str = "") -> ET.Element:
    """A title in place of an element: what that says, or this text."""
    title = ET.Element(tag, {"id": element.get("id")} if element.get("id") else {})
    (ET.SubElement(title, within) if within else title).text = text or "".join(element.itertext()).strip()
    return title


def blocks(element: ET.Element) -> Iterator[ET.Element]:
    """The headings, paragraphs, lists and tables, in order."""
    for child in element:
        if child.tag in FLAT and "highlight" not in child.get("class", "") and not (child.text or "").strip():
            yield from blocks(child)
        else:
            yield child


def cells(article: ET.Element) -> list[str]:
    """A plain article as Markdown: a cell for each heading and what stands under it."""
    converter, found = Converter(), []
    for block in blocks(article):
        if block.tag in HEADINGS:
            found.append([])
        block.tail = None
        found[-1].append(converter.convert(markup(block)).strip())
    return ["\n\n".join(filter(None, cell)) for cell in found]


def made(chapter: Chapter) -> str:
    """A notebook of a built page that is plain, and whose links are those of the archive."""
    texts = [nbformat.v4.new_markdown_cell(text, id=f"cell-{n}") for n, text in enumerate(cells(chapter.article))]
    return normalized(nbformat.v4.new_notebook(cells=texts, metadata=NOTEBOOK_METADATA))


def stored(path: Path, docname: str, address: Callable[[str, str], str]) -> str:
    """A notebook as it is stored, but for its links into the book: they lead where `address` says."""
    notebook = nbformat.read(path, as_version=4)

    def link(match: re.Match) -> str:
        page = posixpath.join(posixpath.dirname(docname), posixpath.splitext(match[1])[0])
        return f"]({address(posixpath.normpath(page) if match[1] else docname, match[2] or '')})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(link, cell.source)
    return normalized(notebook)


def heading_cells(path: Path) -> list[str]:
    """The cell in which each heading of a stored notebook stands."""
    notebook = nbformat.read(path, as_version=4)
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return [cell.id for cell in texts for token in PARSER.parse(cell.source) if token.type == "heading_open"]


def places(article: ET.Element) -> dict[str, int]:
    """The number of the heading under which each anchor of an article stands."""
    found, number = {}, -1
    for element in article.iter():
        number += element.tag in HEADINGS
        if anchor := element.get("id"):
            found[anchor] = number + (element.tag == "section")
    return found
