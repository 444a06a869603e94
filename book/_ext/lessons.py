"""What pages take from the package, explorers, exercises and what code prints: worked out once, and kept until the
package changes. To import torch takes longer than to build a page, and most builds need nothing new of it."""

import contextlib
import io
import json
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.parallel import parallel_available

import lossbook
from book._ext.languages import interface
from book._ext.pages import cells, language_folder
from tools.book import LANGUAGES, REFERENCE, BookError, Cell

PACKAGE = Path(lossbook.__file__).parent
RUN_IN_PAGES = (
    "lessons/explorers/working",
    "lessons/exercises/judgment",
    "lessons/exercises/loss_judgment",
    "kit/number",
)
COPIED = [PACKAGE / f"{name}.py" for name in RUN_IN_PAGES]
KEPT = "lessons.json"
known: dict[str, Any] = {}  # in this build
working: list[BaseProcess] = []  # the process that works them out


def draws(cell: Cell) -> bool:
    """True for a cell that an explorer may stand below."""
    return any("image/svg+xml" in output.get("data", {}) for output in cell.outputs)


def asks(cell: Cell) -> bool:
    """True for a cell that waits for the answer to an exercise."""
    return cell.kind == "code" and cell.id.endswith("-answer")


def state(app: Sphinx) -> str:
    """A hash of all that the lessons are made from."""
    own = [
        Path(app.srcdir, "book/strings.yml"),
        *(Path(__file__).with_name(f"{name}.py") for name in ("explorer_html", "editors")),
    ]
    chart = Path(__file__).parent.parent / "_static/explorer/chart.js"
    files = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.mo")])
    return sha256(b"".join(file.read_bytes() for file in [*files, *own, chart])).hexdigest()


def outdated(app: Sphinx, env, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Pages with an explorer or an exercise, when the package is another than in the last build."""
    now = state(app)
    before, env.lessons_state = getattr(env, "lessons_state", now), now  # stored with the environment
    known.clear()
    stored = bool(kept(app))
    if before == now and stored:
        return []
    pages = [docname for docname in env.found_docs if language_folder(docname) and has_lessons(env, docname)]
    if pages and parallel_available and not stored:
        # While pages are read, none of which asks for them.
        process = get_context("fork").Process(target=lessons, args=(app,))
        process.start()
        working[:] = [process]
    return [] if before == now else pages


def has_lessons(env, docname: str) -> bool:
    """True for a page that may have an explorer or an exercise."""
    path = env.doc2path(docname)
    if path.endswith(".ipynb"):
        with contextlib.suppress(BookError):  # a page that cannot be read is told of when it is read next
            return any(draws(cell) or asks(cell) for cell in cells(path))
        return True
    return "computed" in env.metadata[docname]


def lessons(app: Sphinx) -> dict[str, Any]:
    """The explorers, and the exercises that can be answered in the page, in each language."""
    if not known:
        if working:
            working.pop().join()  # where it has failed, the same error comes here
        if found := kept(app):
            known.update(found)
        else:
            known.update({"state": app.env.lessons_state} | work_out())
            keep(app)
    return known


def kept(app: Sphinx) -> dict[str, Any]:
    """What an earlier build has stored, if the package is still the same."""
    file = Path(app.doctreedir, KEPT)
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found if found.get("state") == app.env.lessons_state else {}


def keep(app: Sphinx) -> None:
    """Store what is known for the next build."""
    Path(app.doctreedir, KEPT).write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")


def printed(app: Sphinx, code: str, language: str) -> str:
    """What code prints when the package speaks a language."""
    texts = lessons(app)["printed"][language]
    if code not in texts:
        said = io.StringIO()
        lossbook.set_language(language)
        with contextlib.redirect_stdout(said):
            exec(code, {})
        lossbook.set_language(REFERENCE)
        texts[code] = said.getvalue()
        keep(app)
    return texts[code]


def work_out() -> dict[str, Any]:
    """All lessons, from the package."""
    import torch

    from book._ext import explorer_html as html
    from lossbook.lessons.exercises import EXERCISES
    from lossbook.lessons.exercises.exercise import Exercise
    from lossbook.lessons.exercises.written_loss import WrittenLoss

    torch.set_num_threads(1)  # thousands of small calls, which threads would make slower

    explorers = {
        name: {"page": explorer.page, "cell": explorer.cell, "title": {}, "form": {}, "request": html.request(explorer)}
        for name, explorer in html.EXPLORERS.items()
    }
    exercises, losses = {}, {}
    keys = {name: asked.key for name, asked in EXERCISES.items() if isinstance(asked, WrittenLoss)}
    spoken = interface.language
    for language in LANGUAGES:
        interface.language = language
        lossbook.set_language(language)
        for name, explorer in html.EXPLORERS.items():
            explorers[name]["title"][language] = html.title(explorer)
            explorers[name]["form"][language] = html.form(explorer)
        exercises[language] = {name: asked.data() for name, asked in EXERCISES.items() if isinstance(asked, Exercise)}
        losses[language] = {name: key.data() for name, key in keys.items() if key}
    interface.language = spoken
    lossbook.set_language(REFERENCE)
    printed: dict[str, dict] = {language: {} for language in LANGUAGES}
    return {"explorers": explorers, "exercises": exercises, "losses": losses, "printed": printed}


def write(app: Sphinx, exception: Exception | None) -> None:
    """What the page's scripts read. A build that wrote no page with a lesson leaves what the last one wrote."""
    if exception or app.builder.name != "html" or not known:
        return
    requests = {name: explorer["request"] for name, explorer in known["explorers"].items()}
    files = {"explorers.json": requests} | {
        f"exercises-{language}.json": exercises for language, exercises in known["exercises"].items()
    }
    files |= {
        f"{name}-{language}.json": {name: data}
        for language, losses in known["losses"].items()
        for name, data in losses.items()
    }
    texts = {name: json.dumps(data, ensure_ascii=False) for name, data in files.items()}
    texts |= {file.name: file.read_text(encoding="utf-8") for file in COPIED}
    for name, text in texts.items():
        file = Path(app.outdir, "_static/explorer", name)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("env-get-outdated", outdated)
    app.connect("build-finished", write, priority=700)  # before idle files are dropped
    return {"parallel_read_safe": True, "parallel_write_safe": True}
