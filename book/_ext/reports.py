"""Once the book has a repository, "Something wrong here?" opens an issue that knows the page, its language and the version;
book.js adds the cell that the reader has reached."""

from importlib.metadata import version
from urllib.parse import urlencode

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _

from book._ext.languages import speak
from book._ext.pages import language_folder
from book._ext.plaintext import line

ISSUE = (
    "{question}\n\n\n\nPage: {page}\nLanguage: {language}\nVersion: {version}\nCell: "  # for maintainers, in English
)


def issue(app: Sphinx, docname: str) -> str:
    """The address of a form for an issue about a page."""
    body = ISSUE.format(
        question=_("What is wrong, and what should stand there instead?"),
        page=docname,
        language=language_folder(docname),
        version=version("lossbook"),
    )
    fields = urlencode({"title": f"{docname}: {line(app.env.titles[docname])}", "body": body})
    return f"{app.config.html_theme_options['repository_url'].rstrip('/')}/issues/new?{fields}"


def offer(app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Tell the template, and the theme's button in the menu."""
    if doctree is None or not language_folder(docname) or not app.config.html_theme_options.get("repository_url"):
        return
    speak(app, docname)
    context["report"] = issue(app, docname)
    for group in context["header_buttons"]:
        for button in group.get("buttons", []):
            if button.get("label") == "source-issues-button":
                button |= {"url": context["report"], "tooltip": _("Something wrong here?")}


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("html-page-context", offer, priority=900)  # after the theme has made its buttons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
