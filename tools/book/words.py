"""The words of a Markdown text or of a code cell, without markup: what the checks of prose read."""

import re
from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from tools.book import Cell, prose_in_code
from tools.book.markup import CODE_DIRECTIVES, DIRECTIVE, OPTION, PARSER, TARGET_DIRECTIVES
from tools.book.works import cites_work

HIDDEN = "□"  # stands where code, a formula, an address or a quotation stood
WORD = re.compile(
    rf"[一-鿿]|[^\W一-鿿]+(?:\.\d+)?|{HIDDEN}"
)  # to count: a run of letters, a number, a Chinese character
NO_WORDS = {*CODE_DIRECTIVES, "math", "toctree", "bibliography", "eval-rst"}
QUOTATION = re.compile(r"<q\b[^>]*>.*?</q>", re.DOTALL)
TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
# In a comment or a message, code stands unmarked: calls, operators, dotted names; and {} for a value.
INNER = r"(?:[^()]|\((?:[^()]|\([^()]*\))*\))*"  # of parentheses, with calls and shapes inside
UNMARKED_CODE = re.compile(
    r"\$[^$]*\$|`[^`]*`|\"[!-~]*?\"|(?<!\w)'[ -&(-~]*'(?!\w)"  # formulas and quotations
    rf"|(?:[a-z_][\w.]*|\{{\w+\}}|lambda: )(?:\({INNER}\))+"  # calls
    r"|\{[^{}]*\}|%\(\w+\)[rs]|%[rs]"  # values
    r"|\((?:\w+, )+…(?:, \w+)*\)"  # shapes
    r"|[!-~…]*[=_\[\]<>^*/\\|+][!-~…]*|[a-z_]\w*(?:\.[a-z_]\w*)+|(?<!\S)\.[a-z]+(?:\(\))?"
    r"|-\d[\d.]*|\d+(?:,-?\d[\d.]*){2,}",
    re.ASCII | re.IGNORECASE,
)


def cell_words(cell: Cell) -> list[str]:
    """The paragraphs of a Markdown cell; the comments, messages and alt text of a code cell."""
    if cell.kind == "markdown":
        return paragraphs(cell.source)
    return [*map(message_words, prose_in_code(cell)), *([cell.alt] if cell.alt else [])]


def message_words(text: str) -> str:
    """The words of a message or a comment."""
    return " ".join(UNMARKED_CODE.sub(HIDDEN, text).split())


def paragraphs(markdown: str) -> list[str]:
    """The words of each paragraph, heading, list item, table cell; a heading keeps its ``#``."""
    return list(blocks(PARSER.parse(markdown)))


def blocks(tokens: Iterable[Token]) -> Iterator[str]:
    """The words of each block of a parsed text that has any."""
    return (text for text in _blocks(tokens) if text.strip(f"{HIDDEN}# \n"))


def _blocks(tokens: Iterable[Token]) -> Iterator[str]:
    prefix = ""
    for token in tokens:
        if token.type == "heading_open":
            prefix = "#" * int(token.tag[1]) + " "
        elif token.type == "inline":
            yield prefix + _inline(token.children or [])
            prefix = ""
        elif token.type == "html_block":
            yield from TAG.sub("\n", QUOTATION.sub(HIDDEN, token.content)).splitlines()
        elif token.type in ("fence", "colon_fence") and (directive := DIRECTIVE.match(token.info)):
            yield from _directive(directive[1], directive[2], token.content)


def _directive(name: str, argument: str, content: str) -> Iterator[str]:
    if name in NO_WORDS:
        return
    if name not in TARGET_DIRECTIVES:
        yield from _blocks(PARSER.parse(argument))
    body = content.splitlines()
    while body and (option := OPTION.match(body[0])):
        if option[1] == "alt":
            yield option[2]
        body.pop(0)
    yield from _blocks(PARSER.parse("\n".join(body)))


def _inline(tokens: list[Token]) -> str:
    text, skip_to = "", ""
    for token in tokens:
        if skip_to:  # inside <q>…</q>, a citation, or an address that is its own text
            if skip_to in (token.content, token.type):
                skip_to = ""
        elif token.type == "html_inline" and re.match(r"<q\b", token.content):
            text, skip_to = text + HIDDEN, "</q>"
        elif token.type == "link_open" and (token.info == "auto" or cites_work(str(token.attrs["href"]))):
            text, skip_to = text + HIDDEN, "link_close"
        elif token.type in ("softbreak", "hardbreak"):
            text += "\n"
        elif token.type == "text":
            text += token.content
        elif token.type == "myst_role":  # {doc}`words <target>`
            words = re.match(r"(.*?)\s*<[^<>]+>$", token.content, re.DOTALL)
            text += words[1] if words else HIDDEN
        elif token.type == "code_inline" or token.type.startswith("math_inline"):
            text += HIDDEN
        elif token.type == "image":
            text += _inline(token.children or [])
    return text
