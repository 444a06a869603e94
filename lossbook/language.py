"""The language of explanations, reports and pictures.

English is the language of the source. Every other one is a gettext catalogue in `locale/`; a new catalogue there is
all that a new language needs. A text is looked up when it is shown, so that `set_language` acts at once::

    from .language import gettext as _

    _("The best constant is {value}.").format(value=3)
"""

from gettext import NullTranslations, translation
from pathlib import Path

__all__ = ["language", "languages", "set_language"]

LOCALE = Path(__file__).parent / "locale"
SOURCE = "en"

_language = SOURCE
_catalogue = NullTranslations()


def languages() -> list[str]:
    """Return the codes that `set_language` knows: English first, then the others."""
    return [SOURCE, *sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir())]


def language() -> str:
    """Return the code of the current language."""
    return _language


def set_language(code: str) -> None:
    """Show every text of the package in the language `code` from now on.

    >>> set_language("en")
    >>> language()
    'en'
    """
    global _language, _catalogue
    if code not in languages():
        raise ValueError(
            f"lossbook speaks {', '.join(languages())}, not {code!r}. "
            f'Choose one of these codes, as in set_language("{SOURCE}").'
        )
    _catalogue = NullTranslations() if code == SOURCE else translation("lossbook", LOCALE, [code])
    _language = code


def gettext(text: str) -> str:
    """Translate `text` into the current language. Fill its {placeholders} afterwards, with `str.format`."""
    return _catalogue.gettext(text)
