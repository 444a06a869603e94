"""Check every page of the book, or some of them, and name each fault.

``python -m tools.checks`` runs every check, ``python -m tools.checks parity prose`` these, and
``python -m tools.checks prose book/vi/index.md …`` on these pages alone.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tools.book import LANGUAGES, REFERENCE, ROOT, BookError, Page, pages, read_page
from tools.checks.staleness import accept_all

CHECKS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def faults(check: ModuleType, books: dict[str, dict[str, Page]], chosen: Sequence[Page], root: Path) -> list[str]:
    """What a check finds in the chosen pages, or in the whole book."""
    found = check.check_book(root) if not chosen and hasattr(check, "check_book") else []
    for page in chosen or [page for book in books.values() for page in book.values()]:
        found += check.check(page, books[REFERENCE].get(page.name))
    return found


def main(arguments: list[str], root: Path = ROOT) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tools.checks", description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", help=f"checks ({', '.join(CHECKS)}) and pages (default: all)")
    parser.add_argument("--accept", nargs="+", metavar=("PAGE", "CELL"), help="record translated cells as up to date")
    given = parser.parse_args(arguments)
    try:
        if given.accept:
            accept_all(given.accept)
            return 0
        words = [word for word in given.what if word not in CHECKS]
        if unknown := [word for word in words if not Path(word).is_file()]:
            raise BookError(f"{unknown[0]!r} is neither a page nor a check. The checks: {', '.join(CHECKS)}.")
        chosen = [read_page(word) for word in words]
        books = {language: pages(language, root) for language in LANGUAGES}
        faulty = False
        for name in [word for word in given.what if word in CHECKS] or CHECKS:
            check = import_module(f"tools.checks.{name}")
            found = faults(check, books, chosen, root)
            print("\n".join(found) or check.PASSED, flush=True)
            faulty = faulty or bool(found)
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    return faulty


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
