"""The words of a node as one line, formulas included: for descriptions and for search."""

import unicodedata
import xml.etree.ElementTree as ET

from docutils import nodes

from book._ext.katex import html

MATHML = "{http://www.w3.org/1998/Math/MathML}"
# What stands between the parts of an element.
BETWEEN = {"mfrac": "/", "msub": "_", "msup": "^", "munder": "_", "mover": "^", "msubsup": "_^", "munderover": "_^"}
ACCENTS = {"^": "\u0302", "ˉ": "\u0304", "~": "\u0303"}
UNSAID = nodes.footnote_reference | nodes.citation_reference | nodes.raw | nodes.image | nodes.comment


def formula(tex: str) -> str:
    """A formula as it would be typed: (y_i − ŷ_i)^2."""
    drawn = html(tex, False)
    return written(ET.fromstring(drawn[drawn.index("<math") : drawn.index("</math>") + len("</math>")]))


def written(element: ET.Element) -> str:
    """A MathML element as typed text."""
    name = element.tag.removeprefix(MATHML)
    if name == "annotation":
        return ""
    parts = [written(child) for child in element]
    if name == "mover" and parts[1] in ACCENTS and len(parts[0]) == 1:
        return unicodedata.normalize("NFC", parts[0] + ACCENTS[parts[1]])
    if name in BETWEEN:
        parts = [part if part.isalnum() or len(part) == 1 else f"({part})" for part in parts]
        return parts[0] + "".join(sign + part for sign, part in zip(BETWEEN[name], parts[1:], strict=True))
    if name == "msqrt":
        return f"√({''.join(parts)})"
    return (element.text or "").replace("\N{FUNCTION APPLICATION}", " ") + "".join(parts)


def plain(node: nodes.Node) -> str:
    """Write a node as a screen reader reads it out."""
    if isinstance(node, UNSAID):
        return ""
    if isinstance(node, nodes.math):
        return formula(node.astext()) + node.get("closing", "")
    if isinstance(node, nodes.Text):
        return node.astext()
    return "".join(plain(child) for child in node.children)


def line(node: nodes.Node) -> str:
    """The same, without line breaks."""
    return " ".join(plain(node).split())
