"""Addresses that last: a page that moved leads on, a page that is gone is gone, a wrong address gets an answer.

Once html.baseurl in _config.yml says where the site is published, search engines get whole addresses and a map.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

from sphinx.application import Sphinx

from book._ext.languages import interface
from book._ext.pages import PageError, language_folder
from tools.book import LANGUAGES, REFERENCE, read_data

VIEWPORT = re.compile('<meta [^>]*name="viewport"[^>]*>')  # docutils has one in store, the theme another


def base(app: Sphinx) -> str:
    """Return the address of the published site, with a slash at the end; empty if that is not known."""
    address = app.config.html_baseurl
    return f"{address.rstrip('/')}/" if address else ""


def moved(app: Sphinx) -> dict[str, str]:
    """Every docname that a page once had, and the page it is now: book/redirects.yml, in each language."""
    table = read_data("redirects", Path(app.srcdir))
    pages = {}
    for old, new in table.items():
        for language in LANGUAGES:
            before, after = f"book/{language}/{old}", f"book/{language}/{new}"
            if before in app.env.found_docs:
                raise PageError(
                    f"book/redirects.yml leads from {old} to {new}, but {before} is a page. Remove the row."
                )
            if after in app.env.found_docs:
                pages[before] = after
    if lost := [new for new in table.values() if f"book/{REFERENCE}/{new}" not in app.env.found_docs]:
        raise PageError(f"book/redirects.yml leads to {', '.join(lost)}, which the book does not have. Mend the row.")
    return pages


def pages_without_text(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Pages made from templates: the bare address redirects to book/index.md, an old address to the page's new one; 404."""
    yield "index", {"to": app.config.root_doc}, "redirect.html"
    for old, new in moved(app).items():
        yield old, {"to": new}, "redirect.html"
    say = {code: lambda text, code=code: interface.text(text, code) for code in LANGUAGES}
    yield "404", {"say": say, "shown": app.config.html_title, "base": base(app) or "/"}, "404.html"


def whole_addresses(app: Sphinx, docname: str, template: str, context: dict, doctree) -> None:
    """Give the page's head its whole address, and those of the same page in the other languages."""
    known = base(app)
    context["metatags"] = VIEWPORT.sub("", context.get("metatags", ""))

    def address(page: str) -> str:
        if known:
            return f"{known}{page}.html"
        return context["pathto"](page) if page != docname else f"{page.rpartition('/')[2]}.html"

    context["address"] = address
    if "to" in context:
        context["pageurl"] = address(context["to"])


def remove_stale(app: Sphinx, exception: Exception | None) -> None:
    """Delete pages that the book no longer has: they would be read on, and published."""
    if exception or app.builder.name != "html":
        return
    pages = app.env.found_docs | moved(app).keys() | {"index", "404"}
    for folder, kind in ((Path(app.outdir), "*.html"), (Path(app.outdir, "_sources"), "*.ipynb")):
        for file in folder.rglob(kind):
            if file.relative_to(folder).with_suffix("").as_posix() not in pages:
                file.unlink()


def map_for_search_engines(app: Sphinx, exception: Exception | None) -> None:
    """sitemap.xml with each page's languages, and robots.txt that names it; both need whole addresses."""
    if exception or app.builder.name != "html" or not base(app):
        return
    names = sorted({docname.split("/", 2)[2] for docname in app.env.found_docs if language_folder(docname)})
    urls = []
    for name in names:
        docnames = {code: f"book/{code}/{name}" for code in LANGUAGES if f"book/{code}/{name}" in app.env.found_docs}
        there = {code: f"{base(app)}{docname}.html" for code, docname in docnames.items()}
        links = [
            f'<xhtml:link rel="alternate" hreflang="{LANGUAGES[code].html}" href={quoteattr(address)}/>'
            for code, address in there.items()
        ]
        urls += [f"<url><loc>{address}</loc>{''.join(links)}</url>" for address in there.values()]
    head = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">'
    text = "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *urls, "</urlset>", ""])
    Path(app.outdir, "sitemap.xml").write_text(text, encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\nSitemap: {base(app)}sitemap.xml\n"
    Path(app.outdir, "robots.txt").write_text(robots, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("html-collect-pages", pages_without_text)
    app.connect("html-page-context", whole_addresses, priority=200)  # after the languages, before the theme
    app.connect("build-finished", remove_stale)
    app.connect("build-finished", map_for_search_engines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
