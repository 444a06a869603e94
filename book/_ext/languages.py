"""One build, four languages: each page speaks its own, stays among its own, and leads to itself in the others."""

from copy import deepcopy
from gettext import NullTranslations
from pathlib import Path

import sphinx.locale
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from book._ext.pages import language_folder
from tools.book import LANGUAGES, REFERENCE, read_data

logger = logging.getLogger(__name__)


class Interface(NullTranslations):
    """Answers whoever asks for an interface text (Sphinx, the theme, a template) in the language of the page being
    written. A text without a translation is a warning: no page comes out half English."""

    texts: dict[str, dict[str, str]] = {}
    language = REFERENCE

    def gettext(self, message: str) -> str:
        """The text in the page's language."""
        return self.text(message, self.language)

    def text(self, message: str, language: str) -> str:
        """The text in a language: for directives, which run while pages are read."""
        row = self.texts.setdefault(message, {})
        if language not in row and language != REFERENCE:
            logger.warning("The interface text %r has no %r in book/strings.yml: add it.", message, language)
        return row.setdefault(language, message)  # warns once


interface = Interface()


def install(app: Sphinx) -> None:
    """Replace the installed catalogues, which are empty, partial or machine-made, by the book's own texts."""
    interface.texts = deepcopy(read_data("strings", Path(app.srcdir)))  # its own: texts that are missing are added
    for catalogue in sphinx.locale.translators:
        if catalogue[0] == "general":  # the rest talk to whoever runs the build
            sphinx.locale.translators[catalogue] = interface
    app.builder.templates.environment.install_gettext_translations(interface)


def speak(app: Sphinx, docname: str) -> str:
    """Show the interface in a page's language from here on."""
    interface.language = language_folder(docname) or REFERENCE
    return interface.language


class Speak(SphinxPostTransform):
    """Switch the language when Sphinx begins to transform a page; the builder switches again to write it."""

    default_priority = 0

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        speak(self.app, self.env.docname)
        for docstring in self.document.findall(addnodes.desc):  # English in every language's pages
            docstring["classes"].append(f"language-{LANGUAGES[REFERENCE].html}")  # docutils writes lang="en"


def buttons_need_repository(app: Sphinx, config) -> None:
    """Add the buttons that lead to the repository, to Colab and to Binder once the repository's address is known."""
    options = config.html_theme_options
    if options.get("repository_url"):
        options |= dict.fromkeys(("use_repository_button", "use_edit_page_button", "use_issues_button"), True)
    else:
        options["launch_buttons"] = {}


def page_context(app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Tell the templates about the page's language."""
    language, folder = speak(app, docname), language_folder(docname)
    name = docname.removeprefix(f"book/{folder}/") if folder else "index"
    editions = {code: f"book/{code}/{name}" for code in LANGUAGES if f"book/{code}/{name}" in app.env.all_docs}
    door = app.config.root_doc
    context |= {
        "language": LANGUAGES[language].html,
        "docstitle": interface.gettext(app.config.html_title),
        "folder": folder,
        "home": f"book/{folder}/index" if folder else door,
        "languages": LANGUAGES,
        "editions": editions,
        "notebook": doctree is not None and app.env.doc2path(docname).endswith(".ipynb"),
        "fallback": door if name == "index" else editions.get(REFERENCE),
    }
    if not folder or doctree is None:
        context["sidebars"] = []  # book/index.md leads to languages, not to pages; an old address leads on
    _, previous, following = app.builder.relations.get(docname) or (None, None, None)
    if previous and language_folder(previous) != folder:
        context["prev"] = None
    if following and language_folder(following) != folder:
        context["next"] = None


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("config-inited", buttons_need_repository)
    app.connect("builder-inited", install)
    app.connect("html-page-context", page_context, priority=100)  # before the theme renders templates, at 500
    app.add_post_transform(Speak)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
