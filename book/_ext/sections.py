"""Every section and every cell keeps one address in all languages: a notebook's are its cells', others' the English heading's.

Sphinx makes ids from the words of a heading: other ids in each language, and for Chinese only id1, id2, id3.
"""

from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.nodes import make_id
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

from book._ext.pages import PageError, cells, language_folder
from tools.book import REFERENCE, read_page
from tools.book.markup import PARSER


def cell_number(section: nodes.section) -> int:
    """The cell that a section of a notebook begins in."""
    return section.line // 10_000 - 1  # as myst-nb counts lines


def english_headings(env: BuildEnvironment, path: Path) -> Iterator[str]:
    """The headings of a Markdown page, as its English sibling has them."""
    english = read_page(path).sibling(REFERENCE)
    path = english if english.exists() else path
    env.note_dependency(str(path))
    tokens = PARSER.parse(read_page(path).cells[0].source)
    for before, token in zip(tokens, tokens[1:], strict=False):
        if before.type == "heading_open":
            yield "".join(part.content for part in token.children)


def numbered(names: list[str]) -> list[str]:
    """The names, the second of the same name with a -2."""
    return [name if (n := names[:i].count(name)) == 0 else f"{name}-{n + 1}" for i, name in enumerate(names)]


def first_nodes(document: nodes.document) -> Iterator[tuple[int, nodes.Element]]:
    """The node that each cell begins with, where that is no section, and the cell's number."""
    begun = {cell_number(section) for section in document.findall(nodes.section) if section.line}
    for section in document.findall(nodes.section):
        for node in section.children:
            number = cell_number(node) if isinstance(node, nodes.Element) and node.line else -1
            if number >= 0 and number not in begun and not isinstance(node, nodes.Invisible):
                begun.add(number)
                yield number, node


class LastingAddresses(SphinxTransform):
    """Sections that a heading begins. Those made from data have ids of their own."""

    default_priority = 845  # before Sphinx and MyST look up what links lead to

    def apply(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        if language_folder(self.env.docname) is None:
            return
        path = self.env.doc2path(self.env.docname)
        sections = [s for s in self.document.findall(nodes.section) if s["names"] or s["dupnames"]]
        if path.endswith(".ipynb"):
            ids = self.env.metadata[self.env.docname]["cells"] = [cell.id for cell in cells(path)]
            names = [ids[cell_number(section)] for section in sections]
        else:
            names = [make_id(heading) for heading in english_headings(self.env, Path(path))]
            if len(names) != len(sections):
                raise PageError(
                    f"{self.env.docname} has {len(sections)} headings, the English page {len(names)}. Sections keep one "
                    "address in all languages: give both pages the same headings, in the same order."
                )
        slugs = {}
        for section, id in zip(sections, numbered(names), strict=True):
            for old in section["ids"]:
                self.document.ids.pop(old, None)
            for name in section["names"]:
                self.document.nameids[name] = id
            section["ids"] = [id]
            self.document.ids[id] = section
            slugs[id] = (section.line, id, section[0].astext())  # what [text](#id) leads to
        if path.endswith(".ipynb"):
            for number, node in first_nodes(self.document):
                node["ids"].insert(0, ids[number])
        self.document.myst_slugs = self.env.metadata[self.env.docname]["myst_slugs"] = slugs


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_transform(LastingAddresses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
