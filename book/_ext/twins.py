"""Each page as plain Markdown beside it, and each language's llms.txt, which lists them: for programs that read the book.

The names are those of https://llmstxt.org: cross-entropy.html.md beside cross-entropy.html.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from book._ext.addresses import base
from book._ext.languages import interface
from book._ext.pages import cells, language_folder
from book._ext.plaintext import line
from book._ext.previews import whole_sentences
from book._ext.search import kept
from tools.book import LANGUAGES, Cell, contents

PAGE_LINK = re.compile(r"(\]\((?![a-z]+:)[^)#\s]+)\.(?:ipynb|md)(?=[#)])")


def fenced(text: str, language: str = "") -> str:
    """A block of code; its fence is longer than any in it."""
    fence = max(["``", *re.findall("`{3,}", text)], key=len) + "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def shown(output: dict, alt: str) -> str:
    """An output in words: a picture by what it shows."""
    data = {
        kind: "".join(text) for kind, text in output.get("data", {}).items() if kind.startswith(("text/", "image/"))
    }
    if data.keys() & {"image/svg+xml", "image/png"}:
        return f"*{alt}*"
    if written := data.get("text/markdown") or data.get("text/latex"):
        return written.strip()
    return fenced(data.get("text/plain") or "".join(output.get("text", "")), "text")


def of_cell(cell: Cell) -> list[str]:
    """A cell, and what it printed."""
    if "remove-cell" in cell.metadata.get("tags", []):
        return []
    if cell.kind == "markdown":
        return [PAGE_LINK.sub(r"\1.html.md", cell.source).strip()]
    return [fenced(cell.source, "python"), *(shown(output, cell.alt) for output in cell.outputs)]


def of_places(places: list[dict]) -> list[str]:
    """A page that is made from data, such as the glossary, as the search reads it."""
    headings = [f"{'#' if i == 0 else '##'} {place['title']}" for i, place in enumerate(places)]
    return [part for heading, place in zip(headings, places, strict=True) for part in (heading, place["text"]) if part]


def contents_of(app: Sphinx, language: str, texts: dict[str, list[dict]]) -> str:
    """A language's llms.txt: what the book is, and its pages, part by part, each with its first sentences."""
    home = f"book/{language}/index"
    lines = [f"# {interface.text(app.config.html_title, language)}", "", f"> {texts[home][0]['text']}"]
    last = None
    for caption, docname in contents(Path(app.srcdir, "_toc.yml")):
        if docname not in texts or language_folder(docname) != language or docname == home:
            continue
        if caption != last:
            lines += ["", f"## {caption}", ""] if caption else [""]
            last = caption
        name = f"{docname}.html.md"
        address = base(app) + name if base(app) else name.removeprefix(f"book/{language}/")
        words = whole_sentences(texts[docname][0]["text"])
        lines.append(f"- [{line(app.env.titles[docname])}]({address}){words and ': ' + words}")
    return "\n".join([*lines, ""])


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write all of them; those of pages that are gone go."""
    if exception or app.builder.name != "html":
        return
    root = Path(app.outdir)
    docnames = sorted(docname for docname in app.env.found_docs if language_folder(docname))
    texts = {docname: json.loads(kept(app, docname).read_text(encoding="utf-8")) for docname in docnames}
    for docname in docnames:
        path = app.env.doc2path(docname)
        pieces = [piece for cell in cells(path) for piece in of_cell(cell)] if path.endswith(".ipynb") else None
        twin = "\n\n".join(pieces or of_places(texts[docname]))
        (root / f"{docname}.html.md").write_text(f"{twin}\n", encoding="utf-8")
    for file in root.rglob("*.html.md"):
        if not file.with_suffix("").exists():
            file.unlink()
    lists = [code for code in LANGUAGES if f"book/{code}/index" in texts]
    for code in lists:
        (root / f"book/{code}/llms.txt").write_text(contents_of(app, code, texts), encoding="utf-8")
    links = "\n".join(f"- [{LANGUAGES[code].name}]({base(app)}book/{code}/llms.txt)" for code in lists)
    (root / "llms.txt").write_text(f"# {app.config.html_title}\n\n## Languages\n\n{links}\n", encoding="utf-8")


def link_twin(app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Tell the page's head where its twin is."""
    if doctree is not None and language_folder(docname):
        context["twin"] = f"{docname.rpartition('/')[2]}.html.md"


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("html-page-context", link_twin)
    app.connect("build-finished", write, priority=840)  # after stale pages are gone, before the site is complete
    return {"parallel_read_safe": True, "parallel_write_safe": True}
