"""``{printed}``: what the code above it prints, in the page's language. For pages that are no notebooks."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from book._ext.languages import speak
from book._ext.lessons import printed
from book._ext.pages import PageError


class Printed(nodes.General, nodes.Element):
    """The place of what code prints. The code runs later, when Sphinx has come back to one process."""


class PutPlace(SphinxDirective):
    """``{printed}``."""

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        self.env.metadata[self.env.docname]["computed"] = True  # asked by lessons.py
        return [Printed()]


class PutPrinted(SphinxPostTransform):
    """Run the code, and show what it prints."""

    default_priority = 15  # as the explorers

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for place in list(self.document.findall(Printed)):
            code = place.parent[place.parent.index(place) - 1]
            if not isinstance(code, nodes.literal_block):
                raise PageError(
                    f"{self.env.docname} has {{printed}} below no code. Put it below the block that prints."
                )
            text = printed(self.app, code.astext(), speak(self.app, self.env.docname))
            block = nodes.literal_block(text, text, language="text")
            place.replace_self(nodes.container("", block, classes=["cell_output"]))  # it needs no copy button


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_node(Printed)
    app.add_directive("printed", PutPlace)
    app.add_post_transform(PutPrinted)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
