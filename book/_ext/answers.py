"""Exercises whose answer is a number, letters or a short function are answered in the page too: a field below the cell with
the question's `lossbook.check`. The judgment, in Python, runs there in MicroPython, loaded with the first answer."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform

from book._ext.editors import code, complaints
from book._ext.explorers import INTERPRETER, addresses
from book._ext.languages import speak
from book._ext.lessons import asks, lessons
from book._ext.pages import cells, language_folder
from book._ext.sections import cell_number
from tools.book import Cell

CHECK = re.compile(r'lossbook\.check\("([\w-]+)", \w+\)')
SCRIPT = INTERPRETER | {"script": "_static/explorer/answers.js"}
TYPED = SCRIPT | {"python": "_static/explorer/judgment.py"}
WRITTEN = SCRIPT | {
    "python": "_static/explorer/loss_judgment.py",
    "working": "_static/explorer/working.py",
    "number": "_static/explorer/number.py",
}


def exercise_of(cell: Cell) -> str | None:
    """The exercise that a cell asks."""
    found = CHECK.search(cell.source) if asks(cell) else None
    return found[1] if found else None


def form(exercise: str, assets: dict[str, str], up: str, asks: str) -> str:
    """A form around what a reader fills in."""
    return f"""
<form class="answer site-only pst-js-only" data-exercise="{exercise}" autocomplete="off" {addresses(assets, up)}>
{asks}
<button type="submit" class="btn">{_("Check")}</button>
<output role="status" {complaints()}></output>
</form>
"""


def field(exercise: str, language: str, up: str) -> str:
    asks = f"""<label>{_("Your answer")} <input name="answer" type="text" autocapitalize="off" spellcheck="false"/></label>"""
    return form(exercise, TYPED | {"exercises": f"_static/explorer/exercises-{language}.json"}, up, asks)


def editor(exercise: str, loss: dict, language: str, up: str) -> str:
    asks = (
        _("Here, mend the loss of one sample, with numbers and lists in place of tensors: it has the same fault.")
        if loss["mends"]
        else _("Here, write the loss of one sample, with numbers and lists in place of tensors.")
    )
    more = _("Its values are checked. The notebook asks for tensors, and checks gradients too.")
    named = f'name="answer" aria-label="{_("Your loss, in Python")}" aria-describedby="{exercise}-asks"'
    html = f'<p id="{exercise}-asks">{asks}<br/>{more}</p>\n{code(loss["source"], named)}'
    return form(exercise, WRITTEN | {"exercises": f"_static/explorer/{exercise}-{language}.json"}, up, html)


class Answers(SphinxPostTransform):
    """Put a field, or an editor, under each cell that waits for an answer."""

    default_priority = 15  # as the explorers
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        docname = self.env.docname
        path = self.env.doc2path(docname)
        if language_folder(docname) is None or not path.endswith(".ipynb"):
            return
        asked = {number: name for number, cell in enumerate(cells(path)) if (name := exercise_of(cell))}
        if not asked:
            return
        language, up = speak(self.app, docname), "../" * docname.count("/")
        typed, written = (lessons(self.app)[kind][language] for kind in ("exercises", "losses"))
        for node in list(self.document.findall(nodes.container)):
            name = asked.pop(cell_number(node), None) if "cell" in node["classes"] else None
            if name in typed:
                html = field(name, language, up)
            elif name in written:
                html = editor(name, written[name], language, up)
            else:
                continue  # a loss or a training that only the notebook can judge
            node.parent.insert(node.parent.index(node) + 1, nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_post_transform(Answers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
