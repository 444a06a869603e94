"""Formulas are set while the book is built: KaTeX runs inside Python, pages hold HTML and MathML and need no script."""

import atexit
import os
from functools import cache
from pathlib import Path

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.math import get_node_equation_number

from book._ext.pages import PageError, where

KATEX = Path(__file__).parent.parent / "_static/katex/katex.min.js"


CLOSING = tuple(".,:;!?)”，。：；！？）、")
# Letters KaTeX has no drawing for (Chinese, some Vietnamese) come in the page's font: that is fine. Whatever else TeX
# itself would not set (a line break outside an environment, text in formulas, a dangling %) is a fault.
SET = r"""
for (let code = 0xc0; code < 0x1f00; code++) {  // accented letters as they are, not a base letter under drawn marks
    const letter = String.fromCharCode(code);
    if (letter.normalize("NFD").length > 1) katex.__defineSymbol("text", "main", "textord", letter, letter);
}
let refused;
function strict(fault, message) {
    if (!["unknownSymbol", "symbolNotInFont"].includes(fault) || !/["']\p{L}/u.test(message)) refused ??= message;
    return "ignore";
}
function set(tex, displayMode) {
    try {
        refused = undefined;
        const html = katex.renderToString(tex, {displayMode, strict});
        return refused ? {error: refused} : {html};
    } catch (error) {  // to Python, its message alone
        return {error: error.message};
    }
}
"""


@cache
def engine(process: int) -> MiniRacer:
    """KaTeX, loaded once in each process: the threads of V8 do not come along when Sphinx forks."""
    context = MiniRacer()
    atexit.register(context.close)  # later, its thread has ended, and to close it would wait for that thread for ever
    context.eval(KATEX.read_text(encoding="utf-8") + SET)
    return context


@cache
def html(tex: str, display: bool) -> str:
    """The formula as HTML and MathML; a ValueError says what KaTeX could not read."""
    answer = engine(os.getpid()).call("set", tex, display)
    if "error" in answer:
        message = answer["error"].removeprefix("KaTeX parse error: ").replace("\N{COMBINING LOW LINE}", "")
        raise ValueError(" ".join(message.split()))
    return answer["html"]


def check(app: Sphinx, doctree: nodes.document) -> None:
    """Set every formula as soon as its page is read, so that all faults of a page are told at once."""
    faults = []
    for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        try:
            html(node.astext(), isinstance(node, nodes.math_block))
        except ValueError as error:
            faults.append(
                f"{where(app, app.env.docname, node)}: KaTeX cannot set the formula {node.astext().strip()}\n  {error}\n"
                "  Readers would see its source instead. Mend it; https://katex.org/docs/supported lists what KaTeX knows."
            )
    if faults:
        raise PageError("\n".join(faults))


class KeepPunctuation(SphinxPostTransform):
    """Browsers break the line between a formula and the comma after it. Short formulas take it along."""

    default_priority = 300
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for node in list(self.document.findall(nodes.math)):
            after = node.next_node(descend=False, siblings=True)
            if isinstance(after, nodes.Text) and after.startswith(CLOSING) and len(node.astext()) < 30:
                node["closing"] = after[0]
                after.parent.replace(after, nodes.Text(after[1:]))


def visit_math(self, node: nodes.math) -> None:
    """Inline."""
    formula = html(node.astext(), False)
    closing = node.get("closing")
    self.body.append(f'<span class="nobreak">{formula}{closing}</span>' if closing else formula)
    raise nodes.SkipNode


def visit_math_block(self, node: nodes.math_block) -> None:
    """On lines of its own, in a box that scrolls where the screen is narrower than the formula."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(html(node.astext(), True))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("doctree-read", check)
    app.add_post_transform(KeepPunctuation)
    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
