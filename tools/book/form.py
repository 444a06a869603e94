"""The one form in which a notebook is stored."""

import copy

import nbformat

from tools.book.model import Cell
from tools.book.pictures import PNG, SVG, canonical, small

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
