"""Brings a translated page in line with the English one: its cells and its code. The translated texts stay."""

import ast
import copy
import difflib
import io
import re
import tokenize
from collections import Counter
from dataclasses import dataclass, replace
from itertools import accumulate

from tools.book import Cell, Page, Word, fstring_text, is_prose, language_argument, syntax_tree

LITERAL, COMMENT = "a prose literal", "a comment"
# A value in an f-string, {x:.{digits}f}; {{ and }} are not values.
FIELD = re.compile(r"\{\{|\}\}|(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})")


@dataclass
class Piece:
    """A stretch of code; ``key`` is its text, or what kind of translatable text it is."""

    start: int
    end: int
    text: str
    key: str
    word: str = ""  # the English word, where book/words.yml has it

    @property
    def translatable(self) -> bool:
        """Whether the text is for readers."""
        return self.key in (LITERAL, COMMENT)


def aligned(english: Page, translated: Page) -> tuple[list[Cell], list[str]]:
    """The translated page's cells as the English page now asks, and a sentence for each text to be translated."""
    old = {(cell.id, cell.kind): cell for cell in translated.cells if not cell.generated}
    cells, todo = [], []
    for source in (cell for cell in english.cells if not cell.generated):
        before = old.pop((source.id, source.kind), None)
        cell = _from_english(source, translated) if before is None else _from_both(source, before, todo)
        if before is None and source.hash:
            todo.append(f"{cell.where} is new: translate it.")
        cells.append(cell)
    todo += [f"{cell.where} was removed: English no longer has it." for cell in old.values()]
    return cells, todo


def _from_english(english: Cell, page: Page) -> Cell:
    """A cell that the translation does not have yet. Without a hash: it still has to be translated."""
    source = code_in_translation(english, None, page)[0] if english.kind == "code" else english.source
    return replace(english, page=page, source=source, metadata=copy.deepcopy(english.metadata))


def _from_both(english: Cell, translated: Cell, todo: list[str]) -> Cell:
    metadata = copy.deepcopy(english.metadata)
    if english.alt and translated.alt:
        metadata["mystnb"]["image"]["alt"] = translated.alt
    elif english.alt:
        todo.append(f"{translated.where}: the picture's alt text is new: translate it.")
    if translated.english and english.hash:
        metadata["english"] = translated.english
    source = translated.source
    if english.kind == "code":
        source, left = code_in_translation(english, translated, translated.page)
        todo += [f"{translated.where}: translate {text}" for text in left]
    return replace(translated, source=source, metadata=metadata)


def code_in_translation(english: Cell, translated: Cell | None, page: Page) -> tuple[str, list[str]]:
    """English code with the translated page's literals, comments and words, and the texts that are still English."""
    pieces = code_pieces(english)
    partners = _partners(english, pieces, translated) if translated else {}
    argument = language_argument(english)
    out, end, left = [], 0, []
    for index, piece in enumerate(pieces):
        text = piece.text
        if index in partners:
            text = _with_fields_of(piece.text, partners[index].text)
        if piece.translatable and (index not in partners or text is None):
            text = piece.text
            left.append(text)
        if piece.word:
            text = f'"{page.words[piece.word]}"'
        if argument and piece.start == _offsets(english.source, argument)[0]:
            text = f'"{page.language}"'
        out += [english.source[end : piece.start], text]
        end = piece.end
    return "".join(out) + english.source[end:], left


def _partners(english: Cell, pieces: list[Piece], translated: Cell) -> dict[int, Piece]:
    """Which translated text stands where which English one stands."""
    others = code_pieces(translated)
    ours, theirs = ([i for i, p in enumerate(side) if p.translatable] for side in (pieces, others))
    same_kinds = [pieces[i].key for i in ours] == [others[i].key for i in theirs]
    if translated.english == english.hash and same_kinds:  # no English text has changed: the n-th is still the n-th
        pairs = zip(ours, theirs, strict=True)
    else:
        matcher = difflib.SequenceMatcher(None, [p.key for p in pieces], [p.key for p in others], autojunk=False)
        pairs = ((a + i, b + i) for a, b, size in matcher.get_matching_blocks() for i in range(size))
    return {i: others[j] for i, j in pairs if pieces[i].translatable}


def _with_fields_of(english: str, translated: str) -> str | None:
    """The translated f-string with the values of the English one; None where it is not clear which goes where."""
    prefix = re.match(r"\w*", english)[0].lower()
    if ("f" in prefix) != ("f" in re.match(r"\w*", translated)[0].lower()):
        return None
    if "f" not in prefix:
        return translated
    wanted, present = ([m[1] for m in FIELD.finditer(text) if m[1]] for text in (english, translated))
    if len(wanted) != len(present):
        return None
    gone, new = Counter(present) - Counter(wanted), list((Counter(wanted) - Counter(present)).elements())

    def field(match: re.Match) -> str:
        if not gone[match[0]]:
            return match[0]
        gone[match[0]] -= 1
        return new.pop(new.index(difflib.get_close_matches(match[0], new, 1, 0)[0]))  # languages differ in order

    return FIELD.sub(field, translated)


def code_pieces(cell: Cell) -> list[Piece]:
    """The cell's code as strings, comments and other tokens, in order."""
    pieces = []

    def strings(node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            words = fstring_text(node) if isinstance(node, ast.JoinedStr) else node.value
            start, end = _offsets(cell.source, node)
            text, word = cell.source[start:end], words.english if isinstance(words, Word) else ""
            pieces.append(Piece(start, end, text, LITERAL if is_prose(words) else word or text, word))
        else:
            for child in ast.iter_child_nodes(node):
                strings(child)

    strings(syntax_tree(cell))
    # Python 3.12 splits f-strings into tokens, 3.11 does not: put a name of the same length for each string.
    code = cell.source
    for piece in pieces:
        code = code[: piece.start] + "x" * len(piece.text) + code[piece.end :]
    strings_at = {piece.start for piece in pieces}
    lines = _line_starts(code)
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        start = lines[token.start[0] - 1] + token.start[1]
        if token.string.strip() and start not in strings_at:
            key = COMMENT if token.type == tokenize.COMMENT else token.string
            pieces.append(Piece(start, start + len(token.string), token.string, key))
    return sorted(pieces, key=lambda piece: piece.start)


def _line_starts(text: str) -> list[int]:
    return [0, *accumulate(len(line) for line in io.StringIO(text))]


def _offsets(source: str, node: ast.AST) -> tuple[int, int]:
    """Where a syntax node starts and ends in the source; ast counts columns in bytes."""
    lines, starts = list(io.StringIO(source)), _line_starts(source)

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)
