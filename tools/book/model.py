"""The pages of the book and their cells, as they are stored."""

import ast
import hashlib
import io
import json
import re
import tokenize
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tools.book.data import LANGUAGES, REFERENCE, ROOT, read_data

INSTALL = "install"  # the id of the cell that tools/make/install.py writes into every notebook


class BookError(Exception):
    """A page cannot be read as the book needs it; the message says which, why, and how to mend it."""


@dataclass
class Page:
    """A notebook, or a Markdown file (then it has one cell, "page")."""

    path: Path
    language: str
    name: str  # the same in every language: "what-is-a-loss/idea"
    cells: list["Cell"] = field(default_factory=list, repr=False)
    words: dict[str, str] = field(default_factory=dict, repr=False)  # of book/words.yml: English, in this language

    @property
    def where(self) -> str:
        """The path from the repository's root, as messages name it."""
        return f"book/{self.language}/{self.name}{self.path.suffix}"

    def sibling(self, language: str) -> Path:
        """Where the same page lies in another language."""
        book = self.path.parents[len(Path(self.name).parts)]
        return book / language / (self.name + self.path.suffix)

    def cell(self, id: str) -> "Cell":
        """The cell with this id."""
        for cell in self.cells:
            if cell.id == id:
                return cell
        raise BookError(f"{self.where} has no cell {id!r}. Its cells: {', '.join(c.id for c in self.cells)}.")


@dataclass
class Cell:
    """A cell as it is stored."""

    page: Page = field(repr=False)
    id: str
    kind: str  # "markdown" or "code"
    source: str
    metadata: dict = field(default_factory=dict)
    outputs: list = field(default_factory=list)
    execution_count: int | None = None

    @property
    def where(self) -> str:
        """The page and the cell, as messages name them."""
        return f"{self.page.where}, cell '{self.id}'"

    @property
    def generated(self) -> bool:
        """Whether a tool writes the cell, in every language, so that nobody edits or translates it."""
        return self.id == INSTALL

    @property
    def alt(self) -> str:
        """The text that stands for the cell's picture."""
        return self.metadata.get("mystnb", {}).get("image", {}).get("alt", "")

    @property
    def english(self) -> str | None:
        """The hash of the English cell that this translated cell was made from."""
        return self.metadata.get("english")

    @property
    def translatable(self) -> str:
        """What a translator puts into another language: all prose; of code, its comments, messages and alt text."""
        if self.kind == "markdown":
            return self.source
        return "\n".join([*prose_in_code(self), *([self.alt] if self.alt else [])])

    @property
    def hash(self) -> str | None:
        """Names the state of the translatable text; None where there is nothing to translate."""
        text = self.translatable
        return hashlib.sha256(text.encode()).hexdigest()[:12] if text else None


PLACE = re.compile(
    r"(outside )?(upper|lower|center|left|right)( (upper|lower|center|left|right))?"
)  # where Matplotlib puts a legend


LABELS = {"label", "xlabel", "ylabel", "title"}  # what Matplotlib writes into a picture; also set_xlabel(…) and so on


class Label(str):
    """A string in code that is written into a picture: for readers, though it be one word."""


class Word(str):
    """A string in code that is one word, and that a cell shows: book/words.yml has it in every language."""

    english: str


def _mark_words(tree: ast.Module, words: dict[str, str]) -> None:
    """Make every string that the page's words have a :class:`Word`.

    Settings stay as they are, such as reduction="mean", and so does the text of an f-string, which is one with its values.
    """
    english = {rendering: word for word, rendering in words.items()}
    nodes = list(ast.walk(tree))
    stay = {id(node.value) for node in nodes if isinstance(node, ast.keyword)}
    stay |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for constant in (node for node in nodes if isinstance(node, ast.Constant)):
        if isinstance(constant.value, str) and constant.value in english and id(constant) not in stay:
            constant.value = Word(constant.value)
            constant.value.english = english[constant.value]


def _mark_labels(tree: ast.Module) -> None:
    """Make every string that Matplotlib writes into a picture a :class:`Label`."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        texts = [keyword.value for keyword in call.keywords if keyword.arg in LABELS]
        if isinstance(call.func, ast.Attribute) and call.func.attr.removeprefix("set_") in LABELS:
            texts += call.args[:1]
        for text in texts:
            either = (text.body, text.orelse) if isinstance(text, ast.IfExp) else (text,)
            for constant in either:
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                    constant.value = Label(constant.value)


def is_prose(literal: str) -> bool:
    """Whether a string in code is for readers ("the loss is", "loss:") rather than for Python ("mean", ".4f")."""
    if isinstance(literal, Label):
        return True
    if isinstance(literal, Word):  # translated once, in book/words.yml, and not here
        return False
    if PLACE.fullmatch(literal):
        return False
    return literal.endswith((":", "：")) or any(c.isspace() or (c.isalpha() and not c.isascii()) for c in literal)


def fstring_text(node: ast.JoinedStr) -> str:
    """The words of an f-string, with {} for each value."""
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def syntax_tree(cell: Cell) -> ast.Module:
    """The cell's code, parsed."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        raise BookError(
            f"{cell.where}: the code is not plain Python (line {error.lineno}: {error.msg}). The translations' code is "
            "compared as Python, so write it without IPython magics and mend the syntax."
        ) from None
    _mark_words(tree, cell.page.words)
    _mark_labels(tree)
    return tree


def language_argument(cell: Cell) -> ast.Constant | None:
    """The "vi" in ``lossbook.set_language("vi")``: the one string of code that differs between languages."""
    for node in ast.walk(syntax_tree(cell)):
        if sets_language(node) and node.args:
            return node.args[0]
    return None


def sets_language(node: ast.AST) -> bool:
    """Whether the node is a call of ``lossbook.set_language``."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "set_language"


def prose_in_code(cell: Cell) -> list[str]:
    """The prose literals and the comments of a code cell, in order."""
    if cell.generated:
        return []
    found: list[tuple[int, int, str]] = []  # line, 0 for a literal or 1 for the comment that ends the line, text

    def collect(node: ast.AST, line: int | None = None) -> None:
        if isinstance(node, ast.JoinedStr):  # Python before 3.12 does not know the lines inside an f-string
            line = line or node.lineno
            found.append((line, 0, fstring_text(node)))
            children = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        else:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append((line or node.lineno, 0, node.value))
            children = list(ast.iter_child_nodes(node))
        for child in children:
            collect(child, line)

    collect(syntax_tree(cell))
    found = [item for item in found if is_prose(item[2])]
    for token in tokenize.generate_tokens(io.StringIO(cell.source).readline):
        if token.type == tokenize.COMMENT:
            found.append((token.start[0], 1, token.string.lstrip("# ")))
    return [text for *_, text in sorted(found, key=lambda item: item[:2])]


FRONT_MATTER = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)


def read_page(path: Path | str) -> Page:
    """Read the notebook or Markdown file ``…/book/<language>/<name>``."""
    path = Path(path).resolve()
    parts = path.with_suffix("").parts
    if "book" not in parts[:-2]:
        raise BookError(f"{path} is not a page: pages lie in book/<language>/.")
    start = len(parts) - 1 - parts[::-1].index("book")
    language = parts[start + 1]
    if language not in LANGUAGES:
        raise BookError(
            f"{path} lies in book/{language}/, but book/languages.yml has no language {language!r} "
            f"(it has {', '.join(LANGUAGES)}). Move the page, or add the language there."
        )
    page = Page(path, language, "/".join(parts[start + 2 :]))
    page.words = _words(page, root=Path(*parts[:start]))
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        front = FRONT_MATTER.match(text)
        metadata = (yaml.safe_load(front[1]) or {}) if front else {}
        page.cells.append(Cell(page, "page", "markdown", text[front.end() if front else 0 :], metadata))
    else:
        page.cells.extend(_notebook_cells(page, text))
    return page


def _words(page: Page, root: Path) -> dict[str, str]:
    """What book/words.yml has for this page."""
    listed = read_data("words", root).get(page.name, {}) if (root / "book/words.yml").exists() else {}
    if page.language == REFERENCE:
        return {word: word for word in listed}
    if lacking := [word for word, row in listed.items() if page.language not in row]:
        raise BookError(
            f"{page.where} shows {lacking[0]!r}, of which book/words.yml has no rendering in {page.language!r}. "
            "Add it there, below the page."
        )
    return {word: row[page.language] for word, row in listed.items()}


def _notebook_cells(page: Page, text: str) -> list[Cell]:
    try:
        stored = json.loads(text)["cells"]
    except (json.JSONDecodeError, KeyError) as error:
        raise BookError(f"{page.where} is not a notebook ({error}). Restore it from git or save it anew.") from None
    cells = []
    for number, raw in enumerate(stored, 1):
        id, source = raw.get("id", ""), raw["source"]
        if not re.fullmatch(r"[a-z0-9-]+", id):
            raise BookError(
                f"{page.where}: cell {number} has the id {id!r}. The languages are matched by id: give the cell a "
                "short name of its own, small letters, digits and hyphens, the same in every language."
            )
        if id in {cell.id for cell in cells}:
            raise BookError(f"{page.where}: two cells have the id {id!r} (the second is cell {number}). Rename one.")
        if raw["cell_type"] not in ("markdown", "code"):
            raise BookError(
                f"{page.where}, cell '{id}' is of type {raw['cell_type']!r}. Readers see Markdown and code: "
                "make it one of these."
            )
        cells.append(
            Cell(
                page,
                id,
                raw["cell_type"],
                source if isinstance(source, str) else "".join(source),
                raw.get("metadata", {}),
                raw.get("outputs", []),
                raw.get("execution_count"),
            )
        )
    return cells


def pages(language: str, root: Path = ROOT) -> dict[str, Page]:
    """Every page of a language by its name, in alphabetical order."""
    folder = root / "book" / language
    found: dict[str, Page] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".ipynb", ".md") and not any(p.startswith(".") for p in path.relative_to(folder).parts):
            page = read_page(path)
            if page.name in found:
                raise BookError(f"{page.where} and {found[page.name].where} are one page twice. Remove one.")
            found[page.name] = page
    return found
