"""The one form in which a notebook is stored, and what a stored notebook must be: ``python -m tools.stored``."""

import copy
import re
import sys

import nbformat

from tools import install
from tools.book import LANGUAGES, Cell, Page, language_argument, pages
from tools.pictures import PNG, SVG, canonical, small

NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "mystnb", "english", "jupyter"}
FOLDED = {  # what the site folds or leaves out is folded in JupyterLab too
    "hide-cell": {"source_hidden": True, "outputs_hidden": True},
    "hide-input": {"source_hidden": True},
    "remove-cell": {"source_hidden": True},
}
UNSTABLE = {r"grad_fn=": "the name of an operation inside torch", r"\b0x[0-9a-f]{4,}": "an address"}


def as_notebook(cells: list[Cell]) -> nbformat.NotebookNode:
    """A notebook made of these cells."""
    stored = []
    for cell in cells:
        raw = {"cell_type": cell.kind, "id": cell.id, "metadata": cell.metadata, "source": cell.source}
        if cell.kind == "code":
            raw |= {"outputs": cell.outputs, "execution_count": cell.execution_count}
        stored.append(raw)
    return nbformat.from_dict({"cells": stored, "metadata": NOTEBOOK_METADATA, "nbformat": 4, "nbformat_minor": 5})


def normalized(notebook: nbformat.NotebookNode) -> str:
    """The notebook's file content: all that a run, an editor or a machine adds is removed or made the same."""
    notebook = copy.deepcopy(notebook)
    notebook.nbformat, notebook.nbformat_minor, notebook.metadata = 4, 5, NOTEBOOK_METADATA
    count = 0
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA - {"jupyter"}}
        for tag in FOLDED.keys() & set(cell.metadata.get("tags", [])):
            cell.metadata["jupyter"] = FOLDED[tag]
        cell.source = cell.source.rstrip()
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = _merged(cell.outputs)
            for output in cell.outputs:
                output.pop("transient", None)
                data = output.get("data", {})
                if SVG in data:
                    data[SVG] = canonical("".join(data[SVG]))
                if PNG in data:
                    data[PNG] = small("".join(data[PNG]))
                if "metadata" in output:  # how large a PNG is shown stays
                    output.metadata = {key: value for key, value in output.metadata.items() if key == PNG}
                if "execution_count" in output:
                    output.execution_count = count
    return nbformat.writes(notebook, version=4) + "\n"


def _merged(outputs: list) -> list:
    """Streams of one name in one output: how a stream is cut into pieces depends on the run."""
    merged, streams = [], {}
    for output in outputs:
        if output.output_type == "stream" and output.name in streams:
            streams[output.name].text += output.text
            continue
        if output.output_type == "stream":
            streams[output.name] = output
        merged.append(output)
    return merged


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


def main() -> int:
    """Print the faults of every notebook."""
    every = [page for language in LANGUAGES for page in pages(language).values()]
    found = [fault for page in every for fault in [*faults(page), *install.faults(page)]]
    print("\n".join(found) or "Every notebook is stored as it must be.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
