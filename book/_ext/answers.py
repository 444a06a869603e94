"""Exercises whose answer is a number or letters are answered in the page too: a field below the cell with the question's
`lossbook.check`. The notebook's own judgment runs in MicroPython, loaded with the first answer."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform

from book._ext.explorers import INTERPRETER, addresses
from book._ext.languages import speak
from book._ext.lessons import asks, lessons
from book._ext.pages import cells, language_folder
from book._ext.sections import cell_number
from tools.book import Cell

CHECK = re.compile(r'lossbook\.check\("([\w-]+)", \w+\)')
ASSETS = INTERPRETER | {"script": "_static/explorer/answers.js", "python": "_static/explorer/judgment.py"}


def exercise_of(cell: Cell) -> str | None:
    """The exercise that a cell asks."""
    found = CHECK.search(cell.source) if asks(cell) else None
    return found[1] if found else None


def field(exercise: str, language: str, up: str) -> str:
    assets = addresses(ASSETS | {"exercises": f"_static/explorer/exercises-{language}.json"}, up)
    return f"""
<form class="answer site-only pst-js-only" data-exercise="{exercise}" autocomplete="off" {assets}>
<label>{_("Your answer")} <input name="answer" type="text" autocapitalize="off" spellcheck="false"/></label>
<button type="submit" class="btn">{_("Check")}</button>
<output role="status" data-failed="{_("The interpreter could not be loaded. Touch a control to try again.")}"></output>
</form>
"""


class Answers(SphinxPostTransform):
    """Put a field under each cell that waits for a number or letters."""

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
        language = speak(self.app, docname)
        typed = lessons(self.app)["exercises"][language]  # the others want a loss
        for node in list(self.document.findall(nodes.container)):
            if "cell" in node["classes"] and (name := asked.pop(cell_number(node), None)) in typed:
                html = nodes.raw("", field(name, language, "../" * docname.count("/")), format="html")
                node.parent.insert(node.parent.index(node) + 1, html)


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_post_transform(Answers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
