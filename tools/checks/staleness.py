"""Whether each translated cell follows its English cell, or the English text has changed since it was translated.

When you have brought cells up to date, record it (without cells: a page):
``python -m tools.checks staleness --accept book/vi/what-is-a-loss/idea.ipynb formula by-hand``
"""

import json
import re
from pathlib import Path

from tools.book import FRONT_MATTER, REFERENCE, BookError, Page, read_page

PASSED = "Every translation follows its English page."


def faults(english: Page, translated: Page) -> list[str]:
    """A sentence for each cell of the translation that is not known to say what English says now."""
    found = []
    sources = {cell.id: cell for cell in english.cells}
    for cell in translated.cells:
        source = sources.get(cell.id)
        if source is None or cell.english == source.hash:
            continue
        if source.hash is None:
            found.append(
                f'{cell.where}: the English cell has nothing to translate, so "english" has no place in the metadata. '
                "Run `make notebooks`."
            )
        else:
            state = "the English text has changed since" if cell.english else "not recorded as translated"
            how = f"python -m tools.checks staleness --accept {cell.page.where} {cell.id}"
            found.append(f"{cell.where}: {state}. Compare it with the English cell, bring it up to date, then: {how}")
    return found


def accept(path: Path, ids: list[str] | None = None) -> list[str]:
    """Record that these cells (all, when none is named) say what English says now. Returns the cells' ids."""
    page = read_page(path)
    if page.language == REFERENCE:
        raise BookError(f"{page.where} is the English page: translations follow it. Name a translated page.")
    english = read_page(page.sibling(REFERENCE))
    accepted = [page.cell(id) for id in ids] if ids else page.cells
    hashes = {cell.id: english.cell(cell.id).hash for cell in accepted}
    text = page.path.read_text(encoding="utf-8")
    if page.path.suffix == ".md":
        text = _with_front_matter(text, hashes["page"])
    else:
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            if cell["id"] in hashes:
                cell["metadata"].pop("english", None)
                if hashes[cell["id"]]:
                    cell["metadata"]["english"] = hashes[cell["id"]]
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    page.path.write_text(text, encoding="utf-8")
    return list(hashes)


def _with_front_matter(text: str, hash: str) -> str:
    front = FRONT_MATTER.match(text)
    if not front:
        return f'---\nenglish: "{hash}"\n---\n{text}'
    fields = re.sub(r"^english:.*\n", "", front[1], flags=re.MULTILINE)
    return f'---\n{fields}english: "{hash}"\n---\n{text[front.end() :]}'


def accept_all(words: list[str]) -> None:
    """Record the cells of pages: each page's path, and after it the ids of its cells."""
    accepted: dict[str, list[str]] = {}
    for word in words:
        if word.endswith((".ipynb", ".md")):
            accepted[word] = []
        elif accepted:
            accepted[list(accepted)[-1]].append(word)
        else:
            raise BookError(f"{word!r} is not a page. Name the page first, then its cells.")
    for path, ids in accepted.items():
        print(f"{path}: recorded {', '.join(accept(Path(path), ids))}")


def check(page: Page, english: Page | None) -> list[str]:
    """The stale cells of a translated page."""
    return faults(english, page) if english and page.language != REFERENCE else []
