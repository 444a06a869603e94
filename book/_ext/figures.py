"""matplotlib's figures stand in the page itself as SVG: they follow it into dark mode, their text is text."""

import hashlib
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from book._ext.pages import PageError, where

# Black and white are the page's: drawn in its text color and its background. Any other color stays, so a label that
# must be dark on a colored patch in both modes says so ("#111111"). Fonts are the page's too. Two decimals of a
# point are finer than any screen.
PAGE_STYLE = [
    (re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"#000000\b"), "currentColor"),
    (re.compile(r'(?<=style=")fill: #ffffff(?=[;"])'), "fill: var(--pst-color-background)"),
    (re.compile(r"font-family: [^;\"]*;? ?"), ""),
    (re.compile(r"\d+\.\d{3,}(?=[^<>]*>)"), lambda number: f"{float(number[0]):.2f}"),  # in tags, never in labels
    (re.compile(r"\s+"), " "),
]
ID = re.compile(r' id="([^"]+)"')
REFERENCE = re.compile(r'(?<=href="#)[^"]+|(?<=url\(#)[^)]+')


def inline(svg: str, alt: str) -> str:
    """The figure as part of a page, with its alt text as its name."""
    svg = svg[svg.index("<svg") :]
    for pattern, replacement in PAGE_STYLE:
        svg = pattern.sub(replacement, svg)
    # Every figure calls its parts figure_1, axes_1 …: keep the ids something refers to, and make them its own.
    own = hashlib.sha256((svg + alt).encode()).hexdigest()[:8]
    used = set(REFERENCE.findall(svg))
    svg = ID.sub(lambda id: f' id="{own}-{id[1]}"' if id[1] in used else "", svg)
    svg = REFERENCE.sub(lambda id: f"{own}-{id[0]}", svg)
    width = re.search(r'width="([\d.]+pt)"', svg)[1]
    return svg.replace("<svg", f'<svg class="figure" role="img" aria-label="{escape(alt)}" style="--width: {width}"', 1)


class Figures(SphinxPostTransform):
    """Replace each SVG output by its drawing; no picture goes without words."""

    default_priority = 10  # after myst-nb has chosen among an output's formats
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for node in list(self.document.findall(nodes.image)):
            if not node.get("alt", "").strip():
                raise PageError(
                    f"{where(self.app, self.env.docname, node)}: a picture has no alt text, so who cannot see it learns "
                    'nothing. Describe it in the cell\'s metadata: "mystnb": {"image": {"alt": "…"}}.'
                )
            path = Path(self.app.srcdir, node["uri"])
            if path.suffix == ".svg" and path.parent.name == "jupyter_execute":
                drawing = inline(path.read_text(encoding="utf-8"), node["alt"])
                node.replace_self(nodes.raw("", f'<div class="scrolls">{drawing}</div>', format="html"))


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_post_transform(Figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
