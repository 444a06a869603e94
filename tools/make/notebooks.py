"""Bring the translated notebooks' code in line with English, run notebooks and store their outputs.

``python -m tools.make.notebooks`` does all, ``python -m tools.make.notebooks book/vi/what-is-a-loss`` what lies there.
A second run changes nothing. A page that a language lacks starts there as a copy of the English one.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.book import LANGUAGES, REFERENCE, ROOT, BookError, Cell, Page, pages, pictures, read_page
from tools.book.form import as_notebook, normalized
from tools.make.align import aligned
from tools.make.install import opened

TIMEOUT = 120  # seconds a cell may take; nbval's in pyproject.toml is the same


def run(page: Page, cells: list[Cell]) -> str:
    """The stored form of the notebook, after its cells were run in its folder in a fresh kernel."""
    notebook = as_notebook(cells)
    stored = {cell.id: cell.outputs for cell in page.cells}
    folder = {"metadata": {"path": str(page.path.parent)}}
    client = NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3", resources=folder)
    with client.setup_kernel(stderr=subprocess.DEVNULL):  # what the kernel itself says; a cell's stderr is an output
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index, store_history=False)  # as nbval does
            except CellExecutionError as error:
                message = f"{error.ename}: {error.evalue}"
                raise BookError(f"{page.where}, cell '{cell.id}' raises {message}") from None
            except (CellTimeoutError, DeadKernelError) as error:
                raise BookError(f"{page.where}, cell '{cell.id}' does not end: {error}") from None
            pictures.keep_same(stored.get(cell.id, []), cell.get("outputs", []))
    return normalized(notebook)


def with_english_code(page: Page) -> tuple[list[Cell], list[str]]:
    """The cells of a page with the code of the English one and the generated cell, and what is left to translate."""
    cells, todo = page.cells, []
    if page.language != REFERENCE:
        cells, todo = aligned(read_page(page.sibling(REFERENCE)), page)
    return opened(page, cells), todo


def store(page: Page, cells: list[Cell]) -> None:
    """Run these cells as the page's notebook and store it, if it has changed."""
    page.path.parent.mkdir(parents=True, exist_ok=True)
    text = run(page, cells)
    if not page.path.exists() or page.path.read_text(encoding="utf-8") != text:
        page.path.write_text(text, encoding="utf-8")
        print(f"stored {page.where}", flush=True)


def selected(paths: list[Path], root: Path) -> list[Page]:
    """The notebooks at these paths in every language, with those still to be made. Missing Markdown pages are made."""
    found = []
    for english in pages(REFERENCE, root).values():
        for language in LANGUAGES:
            path = english.sibling(language)
            if not any(path.is_relative_to(chosen.resolve()) for chosen in paths):
                continue
            if path.suffix == ".ipynb":
                found.append(read_page(path) if path.exists() else Page(path, language, english.name))
            elif not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(english.path, path)
                print(f"book/{language}/{english.name}.md is new: translate it.")
    return found


def main(arguments: list[str], root: Path = ROOT) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tools.make.notebooks", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks or folders (default: all)")
    paths = parser.parse_args(arguments).paths or [root / "book"]
    os.environ["OMP_NUM_THREADS"] = "1"  # large sums depend on the number of threads
    try:
        chosen = selected(paths, root)
        if not chosen:
            raise BookError(f"No notebook lies at {', '.join(map(str, paths))}, or its page does not exist in English.")
        # Aligned one by one: in Python 3.11 two threads must not parse code at the same time.
        cells, todo = zip(*map(with_english_code, chosen), strict=True)
        with ThreadPoolExecutor(2) as workers:
            list(workers.map(store, chosen, cells))
        for line in itertools.chain.from_iterable(todo):
            print(line)
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
