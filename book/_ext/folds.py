"""Whatever folds is a native <details>, in the page's language: cells tagged hide-*, and notes.

A note is a block quote that begins with its title, a paragraph in bold: plain Markdown, which reads as what it is
wherever a notebook is opened. What only concerns readers of the articles stands in notes, so that others can pass by.
"""

from html import escape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms import SphinxTransform


class Note(nodes.container):
    """A note that opens on request; its first child is its title."""


class NoteTitle(nodes.TextElement):
    """The title of a note, all that is seen while it is closed."""


class FoldNotes(SphinxTransform):
    """Make a note of each block quote that begins with a title."""

    default_priority = 300

    def apply(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for quote in list(self.document.findall(nodes.block_quote)):
            # MyST leaves empty texts around bold words.
            words = [node for first in quote[:1] for node in first.children if node.astext()]
            if len(words) == 1 and isinstance(words[0], nodes.strong):
                title = NoteTitle("", "", *words[0].children)
                note = Note("", title, *quote.children[1:], classes=["admonition", "note"])
                note.line = quote.line
                quote.replace_self(note)


def visit_cell(self, node: HideCodeCellNode) -> None:
    """As myst-nb does it, but translated, and without a label that hides the words from a screen reader."""
    self.body.append(f'<details class="admonition hide {" ".join(node["classes"])}">\n<summary>')
    for state, prompt in ("collapsed", node["prompt_show"]), ("expanded", node["prompt_hide"]):
        self.body.append(f'<span class="{state} admonition-title">{escape(_(prompt))}</span>')
    self.body.append("</summary>\n")


def visit_note(self, node: Note) -> None:
    """A closed box."""
    self.body.append(self.starttag(node, "details", CLASS="hide"))


def depart(self, node: nodes.Node) -> None:
    """Make the same box of either kind of cell."""
    self.body.append("</details>\n")


def visit_title(self, node: NoteTitle) -> None:
    """A click on the title opens the box."""
    self.body.append('<summary><span class="admonition-title">')


def depart_title(self, node: NoteTitle) -> None:
    """Close the box."""
    self.body.append("</span></summary>\n")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.setup_extension("myst_nb")
    app.add_node(HideCodeCellNode, override=True, html=(visit_cell, depart))
    app.add_node(Note, html=(visit_note, depart))
    app.add_node(NoteTitle, html=(visit_title, depart_title))
    app.add_transform(FoldNotes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
