"""Exercises whose answer is a number or letters are answered in the page too: a field below the cell with the question's
`lossbook.check`. The notebook's own judgment runs in MicroPython, loaded with the first answer."""

import json
import re
from pathlib import Path
from shutil import copyfile

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform

import lossbook
from book._ext.explorers import INTERPRETER, addresses
from book._ext.languages import speak
from book._ext.pages import cells, language_folder
from book._ext.sections import cell_number
from lossbook.lessons.exercises import EXERCISES, judgment
from lossbook.lessons.exercises.exercise import Exercise
from tools.book import LANGUAGES, REFERENCE

CHECK = re.compile(r'lossbook\.check\("([\w-]+)", \w+\)')
ASSETS = INTERPRETER | {"script": "_static/explorer/answers.js", "python": "_static/explorer/judgment.py"}


def exercise_of(cell) -> str | None:
    """The exercise that a cell asks, if its answer can be typed."""
    found = CHECK.search(cell.source) if cell.kind == "code" and cell.id.endswith("-answer") else None
    return found[1] if found and isinstance(EXERCISES.get(found[1]), Exercise) else None


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
        language = speak(self.app, docname)
        for node in list(self.document.findall(nodes.container)):
            if "cell" in node["classes"] and (name := asked.pop(cell_number(node), None)):
                html = nodes.raw("", field(name, language, "../" * docname.count("/")), format="html")
                node.parent.insert(node.parent.index(node) + 1, html)


def write_exercises(app: Sphinx, exception: Exception | None) -> None:
    """What the page's script reads: each exercise in each language."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir, "_static/explorer")
    copyfile(judgment.__file__, folder / "judgment.py")
    for language in LANGUAGES:
        lossbook.set_language(language)
        data = {name: exercise.data() for name, exercise in EXERCISES.items() if isinstance(exercise, Exercise)}
        (folder / f"exercises-{language}.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    lossbook.set_language(REFERENCE)


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_post_transform(Answers)
    app.connect("build-finished", write_exercises, priority=700)  # before idle files are dropped
    return {"parallel_read_safe": True, "parallel_write_safe": True}
