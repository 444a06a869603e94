"""An EPUB 3 of the chapters: formulas as MathML, figures as SVG, the same bytes on every run."""

import mimetypes
import uuid
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

from tools.make.downloads.archive import add
from tools.make.downloads.chapters import LOGO, STYLE, Chapter, fill, markup, parts, relinked, replace
from tools.make.downloads.cover import draw_cover

WIDE = 4  # columns


def mathml(element: ET.Element) -> ET.Element | None:
    """KaTeX's MathML alone, its TeX as alternative text: a reader that knows no <annotation> would show both."""
    if "katex" not in element.get("class", "").split():
        return None
    math = element.find(".//math")
    semantics = math[0]
    tex = semantics.find("annotation")
    semantics.remove(tex)
    math.remove(semantics)
    math.extend(semantics)
    math.set("alttext", " ".join(tex.text.split()))
    return math


def label(table: ET.Element) -> None:
    """Put the headings of a table with many columns beside its cells: on a narrow screen each row becomes a list."""
    headings = [" ".join("".join(heading.itertext()).split()) for heading in table.iterfind("./thead/tr[1]/th")]
    if len(headings) < WIDE:
        return
    table.set("class", "wide")
    for row in table.iterfind("./tbody/tr"):
        for heading, cell in zip(headings, row, strict=False):
            if cell.tag == "td" and "".join(cell.itertext()).strip():
                cell.set("data-heading", f"{heading}:" if heading else "")


def uses(chapter: Chapter) -> str:
    """What the manifest must say of a chapter."""
    inside = {element.tag for element in chapter.article.iter()}
    return " ".join(name for tag, name in (("math", "mathml"), ("svg", "svg")) if tag in inside)


def write(chapters: list[Chapter], language: str, site: Path, file: Path) -> None:
    """Write the EPUB. The chapters are changed for it."""
    pictures = {}
    relinked(chapters, site, lambda _, chapter, anchor: f"{chapter.id}.xhtml" + (f"#{anchor}" if anchor else ""))
    for chapter in chapters:
        replace(chapter.article, mathml)
        for table in chapter.article.iter("table"):
            label(table)
        for picture in chapter.article.iter("img"):
            path = (site / chapter.docname).parent / picture.get("src")
            pictures[path.name] = path
            picture.set("src", path.name)
    details = {
        "uuid": uuid.uuid5(uuid.NAMESPACE_URL, f"lossbook/{language}"),
        "chapters": chapters,
        "parts": parts(chapters),
        "uses": {chapter.id: uses(chapter) for chapter in chapters},
        "address": lambda chapter: f"{chapter.id}.xhtml",
        "pictures": [(name, mimetypes.guess_type(name)[0]) for name in sorted(pictures)],
    }
    with zipfile.ZipFile(file, "w") as archive:
        add(archive, "mimetype", "application/epub+zip", compress=zipfile.ZIP_STORED)
        add(archive, "META-INF/container.xml", fill("container.xml", language))
        add(archive, "book/package.opf", fill("package.opf", language, **details))
        add(archive, "book/nav.xhtml", fill("nav.xhtml", language, **details))
        add(archive, "book/style.css", STYLE.read_bytes())
        add(archive, "book/logo.svg", LOGO.read_bytes())
        add(archive, "book/cover.jpg", draw_cover(language))
        for chapter in chapters:
            body = markup(chapter.article)
            add(archive, f"book/{chapter.id}.xhtml", fill("page.xhtml", language, heading=chapter.title, body=body))
        for name, path in sorted(pictures.items()):
            add(archive, f"book/{name}", path.read_bytes())
