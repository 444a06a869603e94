"""The built pages of a language as chapters of one document: without the site's chrome, folds open, links within."""

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import jinja2

from tools.book import LANGUAGES, ROOT, BookError, citation, contents, say, settings

SITE = ROOT / "_build/html"
LOGO = ROOT / "book/_static/logo.svg"
STYLE = Path(__file__).with_name("style.css")
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)
# ElementTree would give SVG and MathML other prefixes. Under these names it lets them be.
HIDDEN = {"xmlns:": "x-mlns-", "xmlns=": "x-mlns=", "xlink:": "x-link-"}
ENTITY = re.compile(r"&(?!amp;|lt;|gt;|quot;|#)\w+;")
# Of the highlighted code, what the style sheet sets apart: keywords, strings, comments, numbers. Every other <span>
# would only make the files large.
SET_APART = {"k", "kn", "kc", "kd", "ow", "s1", "s2", "sa", "sd", "se", "si", "c1", "ch", "mi", "mf", "gp"}

BLOCKS = {"dl", "ol", "p", "ul"}


@dataclass
class Chapter:
    """A page of the book."""

    docname: str  # book/vi/guide/l1
    part: str  # the caption it stands under; empty for the home page
    article: ET.Element
    title: str = ""

    def __post_init__(self) -> None:
        self.title = " ".join("".join(self.article.find(".//h1").itertext()).split())

    @property
    def id(self) -> str:
        """Names the chapter in a document: guide-l1."""
        return "-".join(self.docname.split("/")[2:])


def details(language: str) -> dict[str, str]:
    """What a document says of itself, and the words that it needs."""
    return {
        "lang": LANGUAGES[language].html,
        "title": say(settings()["title"], language),
        "author": settings()["author"],
        "copyright": settings()["copyright"],
        "date": str(citation()["date-released"]),
        "contents": say("Table of contents", language),
    }


def fill(template: str, language: str, **values) -> str:
    """A template with these values and those that every document has."""
    known = details(language) | {"say": lambda message: say(message, language)}
    return TEMPLATES.get_template(template).render(known | values)


def read(docname: str, site: Path) -> ET.Element:
    """The article of a built page."""
    page = site / f"{docname}.html"
    if not page.exists():
        raise BookError(
            f"{page} is missing: _toc.yml names the page, but the site was not built with it. Run `make book`."
        )
    text = page.read_text(encoding="utf-8")
    text = text[text.index(">", text.index('<article class="bd-article"')) + 1 : text.index("</article>")]
    text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    for name, hidden in HIDDEN.items():
        text = text.replace(name, hidden)
    try:
        return ET.fromstring(f"<div>{text}</div>")
    except ET.ParseError as error:
        line = text.split("\n")[error.position[0] - 1].strip()
        raise BookError(
            f"{docname} holds HTML that is not well-formed, so no EPUB or PDF can be made of it ({error.msg}): "
            f"{line[:200]}\nClose every tag that the page's author has written: <br/>, not <br>."
        ) from None


def replace(article: ET.Element, change: Callable[[ET.Element], ET.Element | str | None]) -> None:
    """Change elements: into another, into the string that is left in their place, or not (None). From the outside in."""
    for parent in article.iter():
        previous = None
        for child in list(parent):
            new = change(child)
            if isinstance(new, str):
                text = new + (child.tail or "")
                if previous is None:
                    parent.text = (parent.text or "") + text
                else:
                    previous.tail = (previous.tail or "") + text
                parent.remove(child)
                continue
            if new is not None:
                new.tail = child.tail
                parent[list(parent).index(child)] = new
            previous = child if new is None else new


def opened(fold: ET.Element, solution: str) -> ET.Element:
    """What a fold holds, under its title. A folded cell of code is a solution."""
    box = ET.Element("div", {"class": fold.get("class").replace("hide", "opened")})
    title = ET.SubElement(box, "p", {"class": "admonition-title"})
    summary = fold.find("summary")
    labels = summary.findall("span")
    title.text = solution if len(labels) == 2 else "".join(summary.itertext())
    box.extend(child for child in fold if child is not summary)
    return box


def cleaned(article: ET.Element, language: str) -> ET.Element:
    """The article as it stands on paper."""
    solution = say("Solution", language)

    def change(element: ET.Element) -> ET.Element | str | None:
        classes = element.get("class", "").split()
        if style := element.get("style"):
            element.set("style", style.replace("var(--pst-color-background)", "#ffffff"))
        if element.tag == "details":
            return opened(element, solution)
        if element.tag == "script" or {"headerlink", "site-only"} & set(classes):
            return ""
        if element.tag == "span" and classes and not len(element) and (classes[0] == "pre" or len(classes[0]) < 3):
            return None if classes[0] in SET_APART else element.text or ""
        if element.tag == "p" and any(child.tag in BLOCKS for child in element):  # as Sphinx writes some docstrings
            element.tag = "div"
        return None

    replace(article, change)
    return article


def relinked(
    chapters: list[Chapter], site: Path, inside: Callable[[Chapter, Chapter, str], str], beside: Mapping[Path, str] = {}
) -> None:
    """Lead links from a chapter to another where `inside` says, links to files that come along to their address
    there, and links to the rest of the site to its address, if known."""
    paths = {(site / f"{chapter.docname}.html").resolve(): chapter for chapter in chapters}
    baseurl = settings()["html"].get("baseurl", "")
    for chapter in chapters:
        folder = (site / chapter.docname).parent

        def change(element: ET.Element, chapter=chapter, folder=folder) -> ET.Element | None:
            href = element.get("href", "")
            if element.tag != "a" or re.match(r"[a-z]+:", href):
                return None
            file, _, anchor = href.partition("#")
            target = (folder / file).resolve() if file else (site / f"{chapter.docname}.html").resolve()
            if target in paths:
                element.set("href", inside(chapter, paths[target], anchor))
            elif target in beside:
                element.set("href", beside[target])
            elif baseurl and target.is_relative_to(site.resolve()):
                element.set("href", f"{baseurl.rstrip('/')}/{target.relative_to(site.resolve())}")
            else:  # a text without a link: an address of this machine would be dead elsewhere
                element.tag = "span"
                element.attrib.clear()
            return None

        replace(chapter.article, change)


def markup(element: ET.Element) -> str:
    """The element as XHTML."""
    text = ET.tostring(element, encoding="unicode")
    for name, hidden in HIDDEN.items():
        text = text.replace(hidden, name)
    return text


def parts(chapters: list[Chapter]) -> list[tuple[str, list[Chapter]]]:
    """The chapters by part."""
    return [(part, list(group)) for part, group in groupby(chapters, key=lambda chapter: chapter.part)]


def read_chapters(language: str, site: Path = SITE, toc: Path = ROOT / "_toc.yml") -> list[Chapter]:
    """The chapters of a language, cleaned; their links are still those of the site."""
    found = [
        Chapter(docname, part, cleaned(read(docname, site), language))
        for part, docname in contents(toc)
        if docname.startswith(f"book/{language}/")
    ]
    if not found:
        raise BookError(
            f"_toc.yml has no book/{language}/index, so nothing can be downloaded in {LANGUAGES[language].name}."
        )
    return found
