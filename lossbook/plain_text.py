"""Texts in a terminal or pipe: how wide they are, and what stands for characters that its encoding lacks."""

import codecs
import io
import re
import unicodedata
from typing import TextIO

HANDLER = "lossbook.to_ascii"
SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻ˣ]+")
# Only characters without a compatibility form in Unicode: …, ½, full-width marks and accented letters have one.
SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "·": "*",
        "×": "x",
        "÷": "/",
        "⁄": "/",
        "±": "+-",
        "≈": "~",
        "√": "sqrt",
        "∞": "inf",
        "→": "->",
    }
    | {"‖": "||", "“": '"', "”": '"', "°": " degrees", "✓": "ok", "✗": "x", "。": ".", "、": ",", "đ": "d", "Đ": "D"}
    | {"β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "π": "pi", "σ": "sigma"}
)


def to_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    """Handle an encoding error: the nearest ASCII for what cannot be written, a question mark where there is none."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = SUPERSCRIPTS.sub(r"^\g<0>", error.object[error.start : error.end])
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return letters.translate(SIGNS).encode("ascii", "replace").decode("ascii"), error.end


def width(text: str) -> int:
    """Count the columns of a terminal that a text takes; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def allow_any_text(stream: TextIO) -> None:
    """Let a stream take every text, whatever its encoding."""
    if isinstance(stream, io.TextIOWrapper):  # the streams of pytest and Jupyter are none, and take every text
        stream.reconfigure(errors=HANDLER)


codecs.register_error(HANDLER, to_ascii)
