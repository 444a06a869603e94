"""Whatever folds is a native <details>, in the page's language: cells tagged hide-*, admonitions of class dropdown."""

from html import escape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.locale import _, admonitionlabels
from sphinx.transforms.post_transforms import SphinxPostTransform


class Fold(nodes.container):
    """An admonition that opens on request."""


class FoldAdmonitions(SphinxPostTransform):
    """Replaces the theme's script for them, which speaks only English."""

    default_priority = 200
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for node in list(self.document.findall(nodes.Admonition)):
            if "dropdown" in node["classes"]:
                named = isinstance(node[0], nodes.title)
                title = node.pop(0).astext() if named else str(admonitionlabels[node.tagname])
                classes = ["admonition", node.tagname, *node["classes"]]
                node.replace_self(Fold("", *node.children, title=title, classes=classes, ids=node["ids"]))


def visit_cell(self, node: HideCodeCellNode) -> None:
    """As myst-nb does it, but translated, and without a label that hides the words from a screen reader."""
    self.body.append(f'<details class="admonition hide {" ".join(node["classes"])}">\n<summary>')
    for state, prompt in ("collapsed", node["prompt_show"]), ("expanded", node["prompt_hide"]):
        self.body.append(f'<p class="{state} admonition-title">{escape(_(prompt))}</p>')
    self.body.append("</summary>\n")


def visit_fold(self, node: Fold) -> None:
    """The title becomes the summary."""
    self.body.append(self.starttag(node, "details", CLASS="hide"))
    self.body.append(f'<summary><p class="admonition-title">{escape(node["title"])}</p></summary>\n')


def depart(self, node: nodes.Node) -> None:
    """The same for both."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.setup_extension("myst_nb")
    app.add_node(HideCodeCellNode, override=True, html=(visit_cell, depart))
    app.add_node(Fold, html=(visit_fold, depart))
    app.add_post_transform(FoldAdmonitions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
