"""When the build ends, Pagefind indexes the pages: it splits Chinese into words and needs no Vietnamese marks."""

import subprocess
import sys

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
    command = [sys.executable, "-m", "pagefind", "--site", str(app.outdir), "--exclude-selectors", NOT_INDEXED]
    run = subprocess.run([*command, "--quiet"], capture_output=True, text=True)
    if run.returncode:
        raise ExtensionError(f"Pagefind could not index {app.outdir}, so the site would have no search: {run.stderr}")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("builder-inited", without_sphinx_index)
    app.connect("build-finished", index, priority=900)  # after slim has cleaned up
    return {"parallel_read_safe": True, "parallel_write_safe": True}
