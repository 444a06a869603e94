"""What explorers and exercises share: an editor for Python, and what is said of code that cannot be run."""

from html import escape

from sphinx.locale import _


def code(source: str, attributes: str) -> str:
    """A field for Python."""
    rows = source.count("\n") + 1
    return f"""<textarea spellcheck="false" autocapitalize="off" autocomplete="off" rows="{rows}" {attributes}>
{escape(source)}</textarea>"""


def complaints() -> str:
    """The sentences about code that cannot be run, as attributes of the element that shows them."""
    texts = {
        "no-end": _("The definition did not come to an end. Change it, and run it again."),
        "fault": _("Line {line}: {error}"),
        "somewhere": _("The definition cannot be run: {error}"),
        "failed": _("The interpreter could not be loaded. Touch a control to try again."),
    }
    return " ".join(f'data-{key}="{escape(text)}"' for key, text in texts.items())
