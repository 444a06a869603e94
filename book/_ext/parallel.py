"""Pages are read and written in as many processes as the machine has cores; Jupyter Book has no option for it."""

import gc
import os
from collections.abc import Sequence
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import SphinxParallelError

from book._ext.languages import speak
from book._ext.pages import PageError

# They do not say so themselves. The numbering of sections begins when every page has been read.
SAFE_TO_READ = ("sphinx_multitoc_numbering",)


class Builder(StandaloneHTMLBuilder):
    """Builds the site as Sphinx does."""

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Speak the page's language: another process may have resolved the page, and then gone on to the next."""
        speak(self.app, docname)
        super().write_doc(docname, doctree)

    def _write_parallel(self, docnames: Sequence[str], nproc: int) -> None:
        """Write in one process more than Sphinx: it spares a core for this one, which is done when half of them are written."""
        super()._write_parallel(docnames, nproc + 1)

    def build(self, *args: Any, **how: Any) -> None:
        """A fault found in another process ends the build with its sentence, too."""
        try:
            super().build(*args, **how)
        except SphinxParallelError as error:
            kind, _, sentence = error.message.partition(": ")
            if kind.endswith(("PageError", "SystemExit")):  # docutils makes the second of the first
                raise PageError(sentence) from None
            raise


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    # Pages are millions of objects that stay: to look through them for garbage would take a tenth of a build.
    gc.set_threshold(100_000, 50)
    app.parallel = os.cpu_count() or 1
    for name in SAFE_TO_READ:
        app.extensions[name].parallel_read_safe = True
    app.add_builder(Builder, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
