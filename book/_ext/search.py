"""When the build ends, Pagefind indexes the pages: it splits Chinese into words and needs no Vietnamese marks."""

import shutil
import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# Formulas are found by the words around them; code is not prose, but names such as nn.MSELoss are looked for.
NOT_INDEXED = ".headerlink, .katex, .linenos, svg, [data-no-search]"


def without_sphinx_index(app: Sphinx) -> None:
    """Sphinx's own search finds no Chinese compound such as 损失函数."""
    app.builder.search = False


def index(app: Sphinx, exception: Exception | None) -> None:
    """Each html lang gets an index of its own; the browser loads the pieces a query needs."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir, "pagefind")
    shutil.rmtree(folder, ignore_errors=True)  # else the pieces of earlier builds stay
    command = [
        sys.executable,
        "-m",
        "pagefind",
        "--site",
        str(app.outdir),
        "--exclude-selectors",
        NOT_INDEXED,
        "--quiet",
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise ExtensionError(f"Pagefind could not index {app.outdir}, so the site would have no search: {run.stderr}")
    for file in folder.iterdir():  # its ready-made search boxes; the book's own is in book.js
        if file.suffix in (".js", ".css") and file.name not in ("pagefind.js", "pagefind-worker.js"):
            file.unlink()


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("builder-inited", without_sphinx_index)
    app.connect("build-finished", index, priority=900)  # after slim has cleaned up
    return {"parallel_read_safe": True, "parallel_write_safe": True}
