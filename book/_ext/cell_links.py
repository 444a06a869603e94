"""Links to a cell of a page, as data names it ("guide/l1#by-hand"): to the nearest heading, in the reader's language."""

from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from book._ext.pages import language_folder
from book._ext.sections import cell_number

logger = logging.getLogger(__name__)


class CellLink(nodes.inline):
    """Stands for a link until every page has been read."""


def docname_of(env: BuildEnvironment, page: str) -> str:
    """A page's docname in the language of the page being read: book/vi/guide/l1."""
    return f"book/{language_folder(env.docname)}/{page}"


def cell_link(env: BuildEnvironment, first: str, *more: str) -> CellLink:
    """A link from the page being read to a cell, or a term of the glossary, in the same language; of several cells of
    one page, to the one that stands first."""
    docname = docname_of(env, first.partition("#")[0])
    env.metadata[env.docname].setdefault("cell_links", set()).add(docname)
    return CellLink(docname=docname, places=[target.partition("#")[2] for target in (first, *more)])


@cache
def headings(env: BuildEnvironment, docname: str) -> list[tuple[int, nodes.section]]:
    """The sections of a notebook, each with the number of its cell."""
    sections = env.get_doctree(docname).findall(nodes.section)
    return [(cell_number(section), section) for section in sections]


def named(env: BuildEnvironment, docname: str, places: list[str]) -> nodes.Element | None:
    """Of a notebook, the section that begins in the first of these cells, else the one it stands in; else the glossary's
    term. Without a place, the whole page."""
    if places == [""] and docname in env.all_docs:
        return env.get_doctree(docname).next_node(nodes.section)
    ids = env.metadata.get(docname, {}).get("cells", [])
    if numbers := [ids.index(place) for place in places if place in ids]:
        number = min(numbers)
        within = [section for at, section in headings(env, docname) if at == number]
        before = [section for at, section in headings(env, docname) if at < number]
        return (within or before[-1:] or [None])[0]
    return terms(env, docname).get(places[0]) if docname in env.all_docs else None


@cache
def terms(env: BuildEnvironment, docname: str) -> dict[str, nodes.term]:
    """The terms of a glossary, by their anchors."""
    return {place: term for term in env.get_doctree(docname).findall(nodes.term) for place in term["ids"]}


class ResolveCellLinks(SphinxPostTransform):
    """Write each link as page › heading."""

    default_priority = 25  # after the definitions of a page's terms, which hold such links, have been added

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for node in list(self.document.findall(CellLink)):
            docname, places = node["docname"], node["places"]
            target = named(self.env, docname, places)
            if target is None:
                logger.warning(
                    "%s leads to %r of %s, which the book does not have. Mend the address in the page's data.",
                    Path(self.env.docname).name, places[0], docname, location=self.env.docname,
                )  # fmt: skip
                node.replace_self([])
                continue
            address = self.app.builder.get_relative_uri(self.env.docname, docname)
            words = list(self.env.titles[docname].children)
            if not isinstance(target.parent, nodes.document):  # else it is the page's own title
                address += f"#{target['ids'][0]}"
                title = target[0] if isinstance(target, nodes.section) else target
                words += [nodes.Text(" › "), *title.children]
            node.replace_self(nodes.reference("", "", *(n.deepcopy() for n in words), refuri=address, internal=True))


def leading_elsewhere(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages with links to a page whose cells or headings have changed: they are written anew. The glossary's links stand
    in the definitions on every page of its language."""
    outlines = {docname: (data.get("cells"), data.get("myst_slugs")) for docname, data in env.metadata.items()}
    last = getattr(env, "book_outlines", outlines)
    env.book_outlines = outlines  # stored with the environment
    changed = {docname for docname in last | outlines if last.get(docname) != outlines.get(docname)}
    leading = {docname for docname, data in env.metadata.items() if changed & data.get("cell_links", set())}
    defined = {docname.removesuffix("glossary") for docname in leading if docname.endswith("/glossary")}
    return [docname for docname in env.found_docs if docname in leading or docname.startswith(tuple(defined))]


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_node(CellLink)
    app.add_post_transform(ResolveCellLinks)
    app.connect("env-updated", leading_elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
