"""``{losses} regression``: the losses of a family from their docstrings, each as a function and, below it, as a module.

Whatever is documented has a link to its source: in the repository once there is one, until then in a copy on the site.
"""

import importlib
import inspect
import pydoc
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from book._ext.cell_links import cell_link, docname_of
from book._ext.languages import interface
from book._ext.pages import language_folder
from tools.book import REFERENCE

PACKAGE = "lossbook"
COPIES = "_sources"  # beside those of the pages


def names(family: str) -> Iterator[tuple[str, str, list[str]]]:
    """Each loss of a family: the name of its class, its page, and the full names of all that belongs to it."""
    from lossbook import beyond, functional, nn  # with torch
    from lossbook.catalogue import CATALOGUE

    for entry in CATALOGUE:
        if entry.family == family:
            objects = [entry.function, entry.module, *entry.helpers]
            doors = (functional, nn, beyond)
            full = [
                f"{next(door.__name__ for door in doors if each.__name__ in door.__all__)}.{each.__name__}"
                for each in objects
                if each is not None
            ]
            yield entry.module.__name__, entry.page, full


class Losses(SphinxDirective):
    """The losses of a family, each in a section of its own."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        return [self.section(*loss) for loss in names(self.arguments[0])]

    def section(self, title: str, page: str, full: list[str]) -> nodes.section:
        """What autodoc makes of a loss, under its name, with a link to the page that teaches it."""
        section = nodes.section("", nodes.title("", "", nodes.literal("", title)), ids=[title.lower()])
        if page and docname_of(self.env, page) in self.env.found_docs:
            section.append(nodes.paragraph("", "", cell_link(self.env, page)))
        lines = ["```{eval-rst}"]
        for name in full:
            kind = "class" if name.rpartition(".")[2][0].isupper() else "function"
            lines.append(f".. auto{kind}:: {name}")
            if kind == "class":
                lines += ["   :members:", "   :exclude-members: forward, extra_repr, function, with_parameters"]
            if language_folder(self.env.docname) != REFERENCE:  # one language's names are the index
                lines.append("   :no-index:")
            lines.append("")
        self.state.nested_parse(StringList([*lines, "```"], self.env.docname), 0, section)
        return section


def place(module: str, name: str) -> tuple[str, int, int] | None:
    """The file of an object within the package, its first line and its last; None for what has no source, such as data."""
    found = pydoc.locate(f"{module}.{name}")  # lossbook.pictures is no file of that name
    if not callable(found):
        return None
    found = inspect.unwrap(found)
    root = Path(importlib.import_module(PACKAGE).__file__ or "").parent.parent
    lines, first = inspect.getsourcelines(found)
    return Path(inspect.getsourcefile(found) or "").relative_to(root).as_posix(), first, first + len(lines) - 1


class LinkSources(SphinxTransform):
    """Put a link to its source beside each signature."""

    default_priority = 900

    def apply(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        docname, options = self.env.docname, self.config.html_theme_options
        for signature in list(self.document.findall(addnodes.desc_signature)):
            if not signature.get("module") or signature.parent["objtype"] not in ("function", "class"):
                continue
            if (found := place(signature["module"], signature["fullname"])) is None:
                continue
            file, first, last = found
            if repository := options.get("repository_url"):
                branch = options.get("repository_branch") or "main"
                address = f"{repository.rstrip('/')}/blob/{branch}/{file}#L{first}-L{last}"
            else:
                self.env.metadata[docname].setdefault("sources", set()).add(file)
                address = f"{'../' * docname.count('/')}{COPIES}/{file}.txt"
            words = interface.text("source", language_folder(docname) or REFERENCE)
            signature += nodes.reference("", words, refuri=address, internal=True, classes=["source", "site-only"])


def copy_sources(app: Sphinx, exception: Exception | None) -> None:
    """Put the files that pages lead to on the site, as text, which browsers show."""
    if exception or app.builder.name != "html":
        return
    root = Path(importlib.import_module(PACKAGE).__file__ or "").parent.parent
    for file in set().union(*(data.get("sources", ()) for data in app.env.metadata.values())):
        copy, text = Path(app.outdir, COPIES, f"{file}.txt"), (root / file).read_text(encoding="utf-8")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_text(encoding="utf-8") != text:
            copy.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_directive("losses", Losses)
    app.add_transform(LinkSources)
    app.connect("build-finished", copy_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
