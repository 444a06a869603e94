"""Whether the notebooks are stored in the book's form, and can be read, compared and run as its pages."""

import re

import nbformat

from tools.book import Cell, Page, language_argument
from tools.book.form import CELL_METADATA, normalized
from tools.book.pictures import PNG, SVG
from tools.make import install

PASSED = "Every notebook is stored as it must be."
UNSTABLE = {r"grad_fn=": "the name of an operation inside torch", r"\b0x[0-9a-f]{4,}": "an address"}


def faults(page: Page) -> list[str]:
    """What keeps a stored notebook from being read, compared and run as a page of the book."""
    if page.path.suffix != ".ipynb":
        return []
    found = []
    text = page.path.read_text(encoding="utf-8")
    if text != normalized(nbformat.reads(text, as_version=4)):
        found.append(f"{page.where} is not stored in the book's form. Run `make notebooks`.")
    code = [cell for cell in page.cells if cell.kind == "code" and not cell.generated]
    argument = language_argument(code[0]) if code else None
    if code and (argument is None or argument.value != page.language):
        found.append(
            f'{code[0].where} is the first code cell and must say lossbook.set_language("{page.language}"): '
            "else the page's outputs are in another language."
        )
    for cell in page.cells:
        say = lambda fault, cell=cell: found.append(f"{cell.where} {fault}")  # noqa: E731
        if unknown := set(cell.metadata) - CELL_METADATA:
            say(f"has the metadata {sorted(unknown)}; the book uses {sorted(CELL_METADATA)}. Run `make notebooks`.")
        if re.fullmatch(r"[0-9a-f]{8}|[0-9-]*|[0-9a-f-]{36}|cell-\d+", cell.id):  # as editors make them
            say("has an id that says nothing. Name what the cell is about, the same in every language.")
        if cell.kind == "code":
            for fault in _code_faults(cell):
                say(fault)
    return found


def _code_faults(cell: Cell) -> list[str]:
    found = []
    skipping = [tag for tag in cell.metadata.get("tags", []) if tag.startswith("nbval") or tag == "raises-exception"]
    if skipping or re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source):
        found.append("asks nbval not to compare it. Every cell is compared: make its output the same in every run.")
    drawn = False
    for output in cell.outputs:
        kind, data = output["output_type"], output.get("data", {})
        texts = ["".join(output.get("text", ""))]
        texts += ["".join(value) for mime, value in data.items() if mime.startswith("text/")]
        drawn = drawn or any(mime.startswith("image/") for mime in data)
        if kind == "error":
            found.append(f"stores the error {output['ename']}. A page runs from top to bottom: catch it and print it.")
        if output.get("name") == "stderr":
            found.append("stores output on stderr, usually a warning. Mend its cause.")
        for pattern, what in UNSTABLE.items():
            if hit := next((m[0] for t in texts if (m := re.search(pattern, t))), None):
                found.append(f"stores {hit!r}, {what}: it differs between runs or versions. Print the number instead.")
        if len(data.keys() & {PNG, SVG}) == 1:
            found.append(
                "stores a picture as SVG or PNG alone. The site needs the SVG, a notebook that is not trusted yet the PNG: "
                "call lossbook.set_style() and run `make notebooks`."
            )
    if drawn and not cell.alt:
        found.append(
            "draws a picture without alt text. Say what one sees in it, in the page's language, "
            'in the cell\'s metadata: {"mystnb": {"image": {"alt": "…"}}}.'
        )
    return found


def check(page: Page, english: Page | None) -> list[str]:
    """The faults of a page and of the cell that it opens with."""
    return [*faults(page), *install.faults(page)]
