"""Whether the notebooks are plain Markdown, which every program shows.

Each prose cell is read with CommonMark, tables and formulas alone, as JupyterLab, VS Code, Colab and GitHub read it.
What one of them would show as raw markup is a fault.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tools.book import Cell, Page

PASSED = "Every notebook is plain Markdown."
PARSER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
CODE = "□"  # stands for code, a formula or a picture in a paragraph
LEFT = {  # in a paragraph as it is rendered
    "a directive": r"^:::|^\+\+\+",
    "a role": rf"\{{[a-z][\w:+.-]*\}}{CODE}",
    "attributes": r"\{[#.][\w-]+[^}]*\}|\{[\w-]+=[^}]*\}",
    "a label": r"^\([\w-]+\)=",
    "a comment": r"^% ",
    "an alert of GitHub": r"^\[!\w+\]",
    "a footnote": r"\[\^[\w-]+\]|\^\[",
    "a definition list": r"^: ",
    "a task list": r"^\[[ xX]\] ",
    "markup that does not pair": r"\*|`|\$|~~|\]\(|^#",
}


def faults(cell: Cell) -> list[str]:
    """A sentence for each piece of markup in a cell that is not plain Markdown."""
    if cell.kind != "markdown" or cell.page.path.suffix != ".ipynb":
        return []
    return [
        f"{cell.where} has {what}: “{shown[:80]}”. In JupyterLab, Colab and on GitHub it is shown raw. Write plain "
        "Markdown; CONTRIBUTING.md says how notes and citations are written."
        for what, shown in _left(cell.source)
    ]


def _left(source: str) -> Iterator[tuple[str, str]]:
    lines = source.split("\n")
    for token in PARSER.parse(source):
        text = token.content
        if token.type == "fence" and token.info.startswith("{"):
            yield "a directive", f"{token.markup}{token.info}"
        elif token.type == "html_block":
            yield "HTML", text
        elif token.type in ("math_block", "math_block_label") and token.map and lines[token.map[0]].lstrip()[0] == ">":
            if token.map[1] - token.map[0] > 1:  # JupyterLab takes the ">" of each line for a part of the formula
                yield "a formula of several lines in a block quote", text.strip()
        elif token.type == "inline":
            yield from _left_inline(token.children or [])


def _left_inline(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    text = ""
    for token in tokens:
        if token.type == "html_inline":
            yield "HTML", token.content
        elif token.type == "text":
            text += token.content
        elif token.type in ("softbreak", "hardbreak"):
            text += "\n"
        elif token.type in ("code_inline", "image") or token.type.startswith("math_inline"):
            text += CODE
    for what, pattern in LEFT.items():
        if hit := re.search(pattern, text, re.MULTILINE):
            yield what, text[max(0, hit.start() - 20) :]


def check(page: Page, english: Page | None) -> list[str]:
    """The faults of a page's cells."""
    return [fault for cell in page.cells for fault in faults(cell)]
