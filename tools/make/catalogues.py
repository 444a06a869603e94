"""Collect the package's texts into its gettext catalogues and compile them (`make catalogues`).

Texts are the English sentences in `_("…")`, `message("…")` and `Phrase("…")`. New ones arrive untranslated, vanished ones leave, nothing is
guessed. Then write the translations into `lossbook/locale/<language>/LC_MESSAGES/lossbook.po` and run this again.
"""

import ast
import io
import re
import sys
from pathlib import Path
from string import Formatter

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from tools.book import ROOT

PACKAGE = ROOT / "lossbook"
MARKS = ("_", "message", "Phrase")  # the functions whose first argument is a text
COMMENT = "# The texts of lossbook. `make catalogues` updates and compiles this file; people translate it."


class Texts(Catalog):
    """A catalogue whose header holds what gettext needs: a date or a tool's version would change when no text did."""

    def __init__(self, language: str | None = None):
        super().__init__(fuzzy=False, header_comment=COMMENT)
        self.language = language

    @property
    def mime_headers(self):
        return [("Language", self.language), ("Content-Type", "text/plain; charset=utf-8")]


def path(language: str) -> Path:
    """Where the catalogue of `language` lies."""
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "lossbook.po"


def languages() -> list[str]:
    """The languages that have a folder for their catalogue."""
    return sorted(folder.name for folder in (PACKAGE / "locale").iterdir() if folder.is_dir())


def read(language: str) -> Catalog:
    """The catalogue of `language` as it is stored, empty when there is none yet."""
    if not path(language).exists():
        return Catalog()
    with path(language).open("rb") as file:
        return read_po(file)


def files(package: Path = PACKAGE) -> list[Path]:
    """The package's files of code, those of a folder before its folders."""
    return sorted(package.rglob("*.py"), key=lambda file: [(part != file.name, part) for part in file.parts])


def calls(source: str) -> list[ast.Call]:
    """The calls of `MARKS`, in the order of the source: one may stand inside another, where Babel's reader sees none."""
    found = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS
    ]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def extract(package: Path = PACKAGE) -> Texts:
    """Every text of the package, in the order of the source."""
    texts = Texts()
    for file in files(package):
        for call in calls(file.read_text("utf-8")):
            if call.args and isinstance(call.args[0], ast.Constant):
                texts.add(call.args[0].value, locations=[(f"lossbook/{file.relative_to(package).as_posix()}", 0)])
    return texts


def updated(old: Catalog, language: str, texts: Texts) -> Texts:
    """`texts` with the translations that `old` has for them."""
    new = Texts(language)
    for message in texts:
        if message.id:
            known = old.get(message.id)
            new.add(message.id, known.string if known else "", message.locations, known.flags if known else ())
    return new


def po(catalogue: Texts) -> bytes:
    """`catalogue` as the text that translators edit."""
    file = io.BytesIO()
    write_po(file, catalogue, width=120, include_lineno=False)
    return file.getvalue()


def mo(catalogue: Texts) -> bytes:
    """`catalogue` compiled, as the package reads it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def placeholders(text: str) -> set[tuple]:
    """What is filled in: each name in braces, with its format and its conversion; and what `%` fills, as argparse does."""
    braces = {tuple(field) for _before, *field in Formatter().parse(text) if field[0] is not None}
    return braces | {(name,) for name in re.findall(r"%\(\w+\)\w|%[rs]", text)}


def faults(catalogue: Texts) -> list[str]:
    """What keeps `catalogue` from saying every text of the package."""
    found = []
    for message in catalogue:
        where = f"{catalogue.language}, {message.id!r}:"
        if not message.id:
            continue
        if not message.string:
            found.append(f"{where} not translated")
        elif message.fuzzy:
            found.append(f"{where} marked fuzzy; check the translation and take the mark away")
        elif placeholders(message.string) != placeholders(message.id):
            found.append(f"{where} the placeholders differ in {message.string!r}")
    return found


def unreadable(source: str, file: str) -> list[str]:
    """Calls whose text cannot be collected, because it is not written out in the call. A message may be a phrase."""
    found = []
    for call in calls(source):
        name = ast.unparse(call.func)
        a_phrase = name == "message" and call.args and isinstance(call.args[0], (ast.Name, ast.Attribute))
        if len(call.args) != 1 or not (isinstance(call.args[0], ast.Constant) or a_phrase):
            how = "fill placeholders with .format" if name == "_" else "give values for placeholders by name"
            found.append(f"{file}, line {call.lineno}: write the text itself into {name}(…), and {how}")
    return found


def main() -> int:
    texts = extract()
    found = [fault for file in files() for fault in unreadable(file.read_text("utf-8"), str(file))]
    for language in languages():
        catalogue = updated(read(language), language, texts)
        path(language).parent.mkdir(exist_ok=True)
        path(language).write_bytes(po(catalogue))
        path(language).with_suffix(".mo").write_bytes(mo(catalogue))
        found += faults(catalogue)
    print("\n".join(found) or f"{len(texts)} texts in {', '.join(languages())}")
    return len(found) > 0


if __name__ == "__main__":
    sys.exit(main())
