"""The language of explanations, reports, pictures and errors.

English is the language of the source. Every other one is a gettext catalogue in `locale/`; a new catalogue there is
all that a new language needs. A text is looked up when it is shown, so that `set_language` acts at once::

    from .language import gettext as _

    _("The best constant is {value}.").format(value=3)

The sentence of an error is written by `message`, which adds the English one, so that it can be searched for::

    raise ValueError(message("{name} must be larger than 0, got {value}.", name=name, value=value))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from gettext import translation
from pathlib import Path
from typing import Any

__all__ = ["language", "languages", "set_language"]

LOCALE = Path(__file__).parent / "locale"
SOURCE = "en"
ENGLISH = "\n(English: "  #: between the two sentences of an error; a parenthesis closes the second

_language = SOURCE
_texts: dict[str, str] = {}  #: what each English text is in the current language; empty for English itself


def languages() -> list[str]:
    """Return the codes that `set_language` knows: English first, then the others."""
    return [SOURCE, *sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir())]


def language() -> str:
    """Return the code of the current language."""
    return _language


def set_language(code: str) -> None:
    """Show every text of the package in the language `code` from now on.

    Errors too: the English sentence follows on a line of its own, so that it can be searched for.

    Args:
        code: "en", "pt", "vi" or "zh".

    Raises:
        ValueError: the package does not speak this language.

    >>> set_language("en")
    >>> language()
    'en'
    """
    global _language, _texts
    if code not in languages():
        raise ValueError(
            message(
                "lossbook speaks {codes}, not {code!r}. Choose one of these codes, as in set_language({example}).",
                codes=", ".join(languages()),
                code=code,
                example=f'"{SOURCE}"',
            )
        )
    # The dictionary behind gettext's methods: torch.compile, which meets errors too, looks into it, but not into them.
    _texts = {} if code == SOURCE else vars(translation("lossbook", LOCALE, [code]))["_catalog"]
    _language = code


def gettext(text: str) -> str:
    """Translate `text` into the current language. Fill its {placeholders} afterwards, with `str.format`."""
    return _texts.get(text, text)


class Phrase:
    """A text with values for its placeholders. What it is part of decides upon its language.

    A value is a number or a name, the same in every language; another phrase; or an error, which speaks for itself.
    """

    def __init__(self, text: str, /, **values: Any) -> None:
        self.text, self.values = text, values

    def write(self, translate: Callable[[str], str]) -> str:
        """The text in the language into which `translate` turns English; `str` leaves it as it is."""
        return _filled(translate, self.text, self.values)

    def __str__(self) -> str:
        return self.write(gettext)


def message(text: str | Phrase, /, **values: Any) -> str:
    """Write the sentence of an error in the current language, then in English; in English once.

    >>> message("{name} must be larger than 0, got {value}.", name="delta", value=-1)
    'delta must be larger than 0, got -1.'
    """
    if isinstance(text, Phrase):
        values = text.values
        text = text.text
    own, english = _filled(gettext, text, values), _filled(str, text, values)
    return own if own == english else f"{own}{ENGLISH}{english})"


def _filled(translate: Callable[[str], str], text: str, values: Mapping[str, Any]) -> str:
    return translate(text).format(**{name: _in(translate, value) for name, value in values.items()})


def _in(translate: Callable[[str], str], value: Any) -> Any:
    """A value of a phrase, in the language of the phrase."""
    if isinstance(value, Phrase):
        return value.write(translate)
    if isinstance(value, BaseException):
        own, both, english = str(value).partition(ENGLISH)
        return english.removesuffix(")") if both and translate is str else own
    return value
