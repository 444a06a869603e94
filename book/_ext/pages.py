"""Read pages as the book's tools do; what readers must not see stops the build with a sentence."""

from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from tools.book import LANGUAGES, BookError, Cell, read_page


class PageError(SystemExit):
    """Ends the build with its sentence. An Exception would bury the sentence under Jupyter Book's two tracebacks."""


def language_folder(docname: str) -> str | None:
    """The language whose folder a page lies in: "vi" for book/vi/index; None for book/index.md, where a reader chooses a language."""
    parts = docname.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "book" else None


@cache
def cells(path: str) -> list[Cell]:
    """The cells of a page in a language."""
    try:
        return read_page(path).cells
    except BookError as error:
        raise PageError(str(error)) from None


def where(app: Sphinx, docname: str, node: nodes.Node) -> str:
    """Name the page and the cell that a node comes from."""
    path = app.env.doc2path(docname)
    line = next((n.line for n in ancestry(node) if n.line), 0)
    if language_folder(docname) is None or not path.endswith(".ipynb"):
        return f"{docname}{Path(path).suffix}, line {line}"
    number = max(line // 10_000 - 1, 0)  # myst-nb counts the lines of cell n from 10 000 (n + 1)
    return cells(path)[number].where


def ancestry(node: nodes.Node):
    """The node, its parent, and so on up to the page."""
    while node is not None:
        yield node
        node = node.parent


def check_folders(app: Sphinx) -> None:
    """A folder that is no language of the book would be left out without a word."""
    for folder in sorted(Path(app.srcdir, "book").iterdir()):
        if folder.is_dir() and folder.name[0] not in "._" and folder.name not in LANGUAGES:
            raise PageError(
                f"book/{folder.name}/ is the folder of no language: book/languages.yml lists {', '.join(LANGUAGES)}. "
                "Rename the folder, or add the language there."
            )


def outdated(app: Sphinx, env, added: set[str], changed: set[str], removed: set[str]) -> set[str]:
    """All pages, when the book's data, the extensions or the styles are newer than the last build."""
    last = Path(app.doctreedir, "environment.pickle")
    book = Path(app.srcdir, "book")
    makers = [Path(app.srcdir, "_toc.yml"), *book.glob("*.yml"), *book.glob("*.bib"), *book.glob("_*/**/*.*")]
    return env.found_docs if last.exists() and any(p.stat().st_mtime > last.stat().st_mtime for p in makers) else set()


def retitled(app: Sphinx, env) -> list[str]:
    """All pages of a language in which a title has changed, for every sidebar shows it."""
    titles = {docname: env.titles[docname].astext() for docname in env.found_docs}
    before = getattr(env, "book_titles", titles)
    env.book_titles = titles  # stored with the environment
    changed = {language_folder(docname) for docname in titles if before.get(docname) != titles[docname]}
    return [docname for docname in titles if language_folder(docname) in changed]


def check_page(app: Sphinx, docname: str, content: list[str]) -> None:
    """Stop at a page that cannot be read, and at outputs that a failing cell left behind."""
    if language_folder(docname) is None:
        return
    for cell in cells(app.env.doc2path(docname)):
        for output in cell.outputs:
            if output["output_type"] == "error":
                raise PageError(
                    f"{cell.where} stores an error as its output ({output['ename']}: {output['evalue']}), and readers "
                    "would see it. Mend the cell and run the notebook again."
                )


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("builder-inited", check_folders)
    app.connect("env-get-outdated", outdated)
    app.connect("env-updated", retitled)
    app.connect("source-read", check_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
