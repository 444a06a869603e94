"""``{translations}``: which page is in step with English in which language, by what each translated cell records."""

import contextlib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from book._ext.claims import table
from book._ext.languages import speak
from book._ext.pages import language_folder
from tools.book import LANGUAGES, REFERENCE, BookError, contents, read_page
from tools.checks import staleness


class Table(nodes.General, nodes.Element):
    """The place of the table."""


class PutTable(SphinxDirective):
    """``{translations}``."""

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        self.env.metadata[self.env.docname]["translations"] = True
        return [Table()]


def name_of(docname: str) -> str:
    """What a page is called in every language: guide/l1."""
    return docname.split("/", 2)[2]


def behind(env: BuildEnvironment, name: str) -> dict[str, int]:
    """How many cells of a page are behind English, in each language that has the page."""
    docnames = {code: f"book/{code}/{name}" for code in LANGUAGES if f"book/{code}/{name}" in env.found_docs}
    if REFERENCE not in docnames:
        return {}
    english = read_page(Path(env.doc2path(docnames.pop(REFERENCE))))
    translated = {code: read_page(Path(env.doc2path(docname))) for code, docname in docnames.items()}
    return {code: len(staleness.faults(english, page)) for code, page in translated.items()}


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages with the table, when a page has come, gone, or fallen behind."""
    shown = [docname for docname, data in env.metadata.items() if "translations" in data and docname in env.found_docs]
    names = {name_of(docname) for docname in added | changed if language_folder(docname)}
    if not (names or removed) or not (shown or added):
        return []
    before = getattr(env, "book_translations", {})
    known = {name: state for name, state in before.items() if f"book/{REFERENCE}/{name}" in env.found_docs}
    with contextlib.suppress(BookError):  # a page that cannot be read is told of when it is read next
        known |= {name: behind(env, name) for name in names}
    env.book_translations = known  # stored with the environment
    return shown if env.book_translations != before else []


class FillTable(SphinxPostTransform):
    """Make the table: a row for each page, a column for each translation."""

    default_priority = 15  # as the explorers

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for place in list(self.document.findall(Table)):
            language = speak(self.app, self.env.docname)
            translations = {code: row.name for code, row in LANGUAGES.items() if code != REFERENCE}
            head = [[nodes.Text(text)] for text in (_("Page"), *translations.values())]
            rows = [self.row(docname, list(translations)) for docname in self.pages(language)]
            place.replace_self(table([head, *rows]))

    def pages(self, language: str) -> list[str]:
        """The pages of a language, in reading order."""
        listed = (docname for _caption, docname in contents(Path(self.env.srcdir, "_toc.yml")))
        return [
            docname for docname in listed if language_folder(docname) == language and docname in self.env.found_docs
        ]

    def row(self, docname: str, translations: list[str]) -> list[list[nodes.Node]]:
        """A page, and its state in each language."""
        address = self.app.builder.get_relative_uri(self.env.docname, docname)
        words = (node.deepcopy() for node in self.env.titles[docname].children)
        state = self.env.book_translations.get(name_of(docname), {})
        said = [
            _("missing")
            if code not in state
            else _("cells behind: %(number)s") % {"number": state[code]}
            if state[code]
            else _("in step")
            for code in translations
        ]
        return [
            [nodes.reference("", "", *words, refuri=address, internal=True)],
            *([nodes.Text(text)] for text in said),
        ]


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_node(Table)
    app.add_directive("translations", PutTable)
    app.add_post_transform(FillTable)
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
