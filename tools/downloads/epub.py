"""An EPUB 3 of the chapters: formulas as MathML, figures as SVG, the same bytes on every run."""

import mimetypes
import uuid
import xml.etree.ElementTree as ET
import zipfile
from html import escape
from pathlib import Path

from tools.book import LANGUAGES, ROOT
from tools.downloads.chapters import Chapter, markup, relinked, replace, say, settings
from tools.downloads.archive import add

PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{lang}" xml:lang="{lang}">
<head><title>{title}</title><link rel="stylesheet" href="style.css"/></head>
<body>{body}</body>
</html>
"""
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="{lang}">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{id}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:creator>{author}</dc:creator>
<dc:language>{lang}</dc:language>
<dc:rights>© {rights}</dc:rights>
<meta property="dcterms:modified">{date}T00:00:00Z</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
</metadata>
<manifest>
<item id="style" href="style.css" media-type="text/css"/>
<item id="cover" href="cover.svg" media-type="image/svg+xml" properties="cover-image"/>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
{items}
</manifest>
<spine>
{spine}
</spine>
</package>
"""
STYLE = Path(__file__).with_name("style.css")


def mathml(element: ET.Element) -> ET.Element | None:
    """KaTeX's MathML alone, its TeX as the alternative text: readers that know no <annotation> would print it twice."""
    if "katex" not in element.get("class", "").split():
        return None
    math = element.find(".//math")
    semantics = math[0]
    tex = semantics.find("annotation")
    math.set("alttext", " ".join(tex.text.split()))
    semantics.remove(tex)
    math.remove(semantics)
    math.extend(semantics)
    return math


def navigation(chapters: list[Chapter]) -> str:
    """The table of contents: parts, and their chapters."""
    parts: dict[str, list[str]] = {}
    for chapter in chapters:
        parts.setdefault(chapter.part, []).append(f'<li><a href="{chapter.id}.xhtml">{escape(chapter.title)}</a></li>')
    return "\n".join(
        f"<li><span>{escape(part)}</span><ol>{''.join(links)}</ol></li>" if part else "".join(links)
        for part, links in parts.items()
    )


def write(chapters: list[Chapter], language: str, site: Path, file: Path) -> None:
    """Write the EPUB. The chapters are changed."""
    lang, title = LANGUAGES[language].html, say(settings()["title"], language)
    relinked(chapters, site, lambda chapter, anchor: f"{chapter.id}.xhtml" + (f"#{anchor}" if anchor else ""))
    items, spine, pages, pictures = [], ['<itemref idref="nav"/>'], {}, {}
    for chapter in chapters:
        replace(chapter.article, mathml)
        for picture in chapter.article.iter("img"):
            path = (site / chapter.docname).parent / picture.get("src")
            pictures[path.name] = path
            picture.set("src", path.name)
        inside = {element.tag for element in chapter.article.iter()}
        properties = " ".join({"math": "mathml", "svg": "svg"}[tag] for tag in ("math", "svg") if tag in inside)
        properties = f' properties="{properties}"' if properties else ""
        items.append(
            f'<item id="{chapter.id}" href="{chapter.id}.xhtml" media-type="application/xhtml+xml"{properties}/>'
        )
        spine.append(f'<itemref idref="{chapter.id}"/>')
        pages[f"{chapter.id}.xhtml"] = PAGE.format(lang=lang, title=escape(chapter.title), body=markup(chapter.article))
    for name in sorted(pictures):
        kind = mimetypes.guess_type(name)[0]
        items.append(f'<item id="{name}" href="{name}" media-type="{kind}"/>')
    heading = escape(say("Table of contents", language))
    body = f'<nav epub:type="toc" id="toc"><h1>{heading}</h1><ol>{navigation(chapters)}</ol></nav>'
    package = PACKAGE.format(
        lang=lang,
        title=escape(title),
        author=escape(settings()["author"]),
        rights=escape(settings()["copyright"]),
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"lossbook/{language}"),
        date="",
        items="\n".join(items),
        spine="\n".join(spine),
    )
