"""What a Markdown text holds besides its words: formulas, numbers, code, links, directives, lists, tables."""

import re
from collections import defaultdict
from collections.abc import Iterator

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

EXTENSIONS = {"amsmath", "attrs_block", "colon_fence", "deflist", "dollarmath", "linkify", "tasklist"}
PARSER = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
DIRECTIVE = re.compile(r"\{([^}]+)\}\s*(.*)", re.DOTALL)
OPTION = re.compile(r":([\w-]+):\s*(.*)")
TARGET_DIRECTIVES = {"figure", "image", "include", "literalinclude", "embed", "glue", "explorer", "losses"}
CODE_DIRECTIVES = {"code", "code-block", "code-cell", "parsed-literal"}
FREE_ROLES = {"abbr", "term"}  # what they hold is words
COUNTED = {
    "blockquote_open": "block quotes",
    "list_item_open": "list items",
    "tr_open": "table rows",
    "th_open": "table cells",
    "td_open": "table cells",
}
# A number is not part of a name (L1, conv2d, float32); a Chinese character before or after it is no name.
LETTER = r"A-Za-z_ªºÀ-ɏͰ-ӿḀ-ỿ"
NUMBER = re.compile(
    rf"(?:(?<![{LETTER}\d.)])[-−])?(?<![{LETTER}\d])(?<![{LETTER}\d]\.)\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![{LETTER}\d])"
)


def numbers(text: str) -> list[str]:
    """The numbers in a text, with the plain minus sign."""
    return [number.replace("−", "-") for number in NUMBER.findall(text)]


def markup_in(text: str, language: str) -> dict[str, list[str]]:
    """By kind ("maths", "numbers", …) what the text holds, in order; the language in addresses and labels is a *."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind, item in _items(text, language):
        found[kind].append(item)
    return found


def _neutral(target: str, language: str) -> str:
    """``../vi/idea.ipynb#fig-loss-vi`` as ``../*/idea.ipynb#fig-loss-*``; addresses of other sites stay."""
    if "://" in target:
        return target
    return re.sub(rf"((?:^|/)){language}(?=/)", r"\1*", re.sub(rf"-{language}$", "-*", target))


def _maths(text: str) -> str:
    masked = re.sub(r"\\(text\w*|mbox)\s*\{(?:[^{}]|\{[^{}]*\})*\}", r"\\\1{…}", text)
    return " ".join(masked.split())


def _items(text: str, language: str) -> Iterator[tuple[str, str]]:
    silent = False  # inside an address that is its own text
    for token in _flat(PARSER.parse(text)):
        if token.type in ("math_inline", "math_inline_double", "math_block", "math_block_label", "amsmath"):
            yield "maths", _maths(token.content)
            if token.type == "math_block_label":
                yield "labels", _neutral(token.info, language)
        elif token.type == "text" and not silent:
            yield from (("numbers", number) for number in numbers(token.content))
        elif token.type == "code_inline":
            yield "code", token.content
        elif token.type == "link_open":
            silent = token.info == "auto"
            yield "links", _neutral(str(token.attrs["href"]), language)
        elif token.type == "link_close":
            silent = False
        elif token.type == "image":
            yield "images", _neutral(str(token.attrs["src"]), language)
        elif token.type == "heading_open":
            yield "headings", token.tag
        elif token.type in COUNTED:
            yield COUNTED[token.type], "one"
        elif token.type == "myst_target":
            yield "labels", _neutral(token.content, language)
        elif token.type == "myst_role":
            yield from _role(token.meta["name"], token.content, language)
        elif token.type in ("html_block", "html_inline"):
            yield from (("HTML tags", tag) for tag in re.findall(r"</?\w+", token.content))
            yield from (("numbers", number) for number in numbers(re.sub(r"<[^>]*>", " ", token.content)))
        elif token.type in ("fence", "colon_fence", "code_block"):
            directive = DIRECTIVE.match(token.info)
            if directive:
                yield from _directive(directive[1], directive[2].strip(), token.content, language)
            else:
                yield "code blocks", token.content


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _role(name: str, content: str, language: str) -> Iterator[tuple[str, str]]:
    target = re.search(r"<([^<>]+)>$", content)
    if name == "math":
        yield "maths", _maths(content)
    elif target:
        yield "roles", f"{{{name}}}`<{_neutral(target[1], language)}>`"
    else:
        yield "roles", f"{{{name}}}`{'…' if name in FREE_ROLES else _neutral(content, language)}`"


def _directive(name: str, argument: str, content: str, language: str) -> Iterator[tuple[str, str]]:
    options, body = [], content.splitlines()
    while body and (option := OPTION.match(body[0])):
        options.append(option[1])
        if option[1] in ("label", "name"):
            yield "labels", _neutral(option[2].strip(), language)
        body.pop(0)
    shown = f" {_neutral(argument, language)}" if name in TARGET_DIRECTIVES else " …" if argument else ""
    yield "directives", f"{{{name}}}{shown}" + "".join(f" :{option}:" for option in sorted(options))
    text = "\n".join(body)
    if name == "math":
        yield "maths", _maths(text)
    elif name in CODE_DIRECTIVES:
        yield "code blocks", text
    else:
        if name not in TARGET_DIRECTIVES:
            yield from _items(argument, language)
        yield from _items(text, language)
