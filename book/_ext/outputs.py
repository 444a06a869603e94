"""What code prints: sentences wrap, tables do not, and code in a sentence keeps its straight quotes."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

LONGEST_LINE = 120  # of code and of tables; whatever prints a longer one prints sentences, such as errors


class KeepCode(SphinxTransform):
    """``reduction='sum'`` in a finding is to be typed as it stands, so its quotes are not made typographic."""

    default_priority = 740  # before Sphinx's quotes, at 750

    def apply(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for text in self.document.findall(nodes.Text):
            if "='" in text:
                text.support_smartquotes = False


class WrapSentences(SphinxTransform):
    """An error of 200 characters would be read by scrolling sideways, line by line."""

    default_priority = 740

    def apply(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for block in self.document.findall(nodes.literal_block):
            if "output" in block["classes"] and any(len(line) > LONGEST_LINE for line in block.astext().split("\n")):
                block["classes"].append("sentences")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_transform(KeepCode)
    app.add_transform(WrapSentences)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
