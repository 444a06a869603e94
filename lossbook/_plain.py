"""Texts on a terminal or pipe whose encoding lacks some of their characters, as Windows pipes lack the minus sign."""

import codecs
import io
import re
import unicodedata
from typing import TextIO

SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻ˣ]+")
# What Unicode itself has no plain form for; what it has one for (…, ½, full-width marks, letters with accents) is not here.
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


def plain(error: UnicodeEncodeError) -> tuple[str, int]:
    """An error handler for encodings: the nearest ASCII for what cannot be written, a question mark where there is none."""
    text = SUPERSCRIPTS.sub(r"^\g<0>", error.object[error.start : error.end])
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return letters.translate(SIGNS).encode("ascii", "replace").decode("ascii"), error.end


def allow_any_text(stream: TextIO) -> None:
    """Let a stream take every text, whatever its encoding. A stand-in for a stream, as pytest's or Jupyter's, may not need it."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=plain.__module__)


codecs.register_error(plain.__module__, plain)
