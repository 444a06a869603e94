"""Notebooks are stored in one form, `make notebooks` makes it, and pytest runs and compares every cell."""

import base64
import io
import os

import nbformat
import pytest
from PIL import Image

from tests.book.small_pages import alt, code, display, markdown, notebook, store, stream
from tests.tools.projects import SETUP, run_pytest
from tools.book import LANGUAGES, BookError, pages, read_page
from tools.book.form import NOTEBOOK_METADATA, normalized
from tools.book.pictures import small
from tools.checks.stored import faults
from tools.make.notebooks import main


def png(color: str, size: int = 4) -> str:
    """A PNG of one color, in base64."""
    file = io.BytesIO()
    Image.new("RGB", (size, size), color).save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


ALT = alt("A line.")
PICTURE = display("image/svg+xml", "<svg/>")
PICTURE["data"]["image/png"] = small(png("white"))


SETUP_VI = SETUP.replace('("en")', '("vi")')


# ---- the book


@pytest.mark.parametrize("language", LANGUAGES)
def test_notebooks_are_stored_as_they_must_be(language):
    notebooks = [page for page in pages(language).values() if page.path.suffix == ".ipynb"]
    found = [fault for page in notebooks for fault in faults(page)]
    assert len(notebooks) >= 3
    assert all(any(cell.kind == "code" for cell in page.cells) for page in notebooks)
    assert not found, "\n".join(found)


# ---- the stored form


def test_the_form_of_a_notebook():
    first = code("first", "x = 1\n", stream("a\n"), stream("b", "stderr"), stream("c"), count=7, execution={"a": "now"})
    shown = {
        "output_type": "execute_result",
        "data": {"text/plain": "1\n2"},
        "metadata": {"x": 1},
        "execution_count": 9,
    }
    second = code("second", "x", shown, count=None, tags=["hide-input"], english="0123456789ab")
    messy = notebook(markdown("title", "# A\nB\n\n"), first, second)
    messy.metadata = {"language_info": {"name": "python", "version": "3.11.7"}, "widgets": {}}
    text = normalized(messy)
    assert text.startswith('{\n "cells": [\n  {\n   "cell_type": "markdown",\n   "id": "title",\n')
    assert text.endswith(' "nbformat": 4,\n "nbformat_minor": 5\n}\n')
    assert '"source": [\n    "# A\\n",\n    "B"\n   ]' in text
    clean = nbformat.reads(text, as_version=4)
    assert clean.metadata == NOTEBOOK_METADATA
    assert clean.cells[1].metadata == {}
    folded = {"source_hidden": True}  # JupyterLab knows no tags
    assert clean.cells[2].metadata == {"tags": ["hide-input"], "jupyter": folded, "english": "0123456789ab"}
    assert [(output.name, output.text) for output in clean.cells[1].outputs] == [("stdout", "a\nc"), ("stderr", "b")]
    assert clean.cells[2].outputs[0].metadata == {}
    counts = [clean.cells[1].execution_count, clean.cells[2].execution_count, clean.cells[2].outputs[0].execution_count]
    assert counts == [1, 2, 2]
    assert normalized(clean) == text


def test_the_form_of_a_picture():
    drawn = '<svg><defs><path id="m0123456789"/></defs><use href="#m0123456789" clip-path="url(#pabcdef0123)"/></svg>'
    shown = display("image/svg+xml", drawn)
    shown["data"]["image/png"] = png("red")
    shown["metadata"] = {"image/png": {"width": 2, "height": 2}, "needs_background": "light"}
    text = normalized(notebook(code("picture", "draw()", shown)))
    [stored] = nbformat.reads(text, as_version=4).cells[0].outputs
    assert stored.data["image/svg+xml"] == drawn.replace("m0123456789", "m1").replace("pabcdef0123", "p1")
    assert stored.data["image/png"] == small(png("red"))
    assert stored.metadata == {"image/png": {"width": 2, "height": 2}}
    assert normalized(nbformat.reads(text, as_version=4)) == text


def test_a_stored_notebook_has_no_faults(tmp_path):
    picture = code("picture", "draw()", PICTURE, **ALT)
    assert faults(store(tmp_path, "vi", markdown("title", "# A"), code("setup", SETUP_VI), picture)) == []


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (code("3fa85f64", "1"), "cell '3fa85f64' has an id that says nothing"),
        (code("picture", "draw()", PICTURE), "draws a picture without alt text"),
        (code("picture", "draw()", display("image/svg+xml", "<svg/>"), **ALT), "stores a picture as SVG or PNG alone"),
        (code("noise", "f()", stream("Warning", "stderr")), "stores output on stderr"),
        (code("value", "f()", display("text/plain", "tensor(1., grad_fn=<A>)")), "stores 'grad_fn='"),
        (code("value", "f()", stream("<A at 0x7f3b2c1d>")), "stores '0x7f3b2c1d', an address"),
        (code("free", "f()", tags=["nbval-ignore-output"]), "asks nbval not to compare it"),
        (code("free", "# NBVAL_SKIP\nf()"), "asks nbval not to compare it"),
        (
            code("raises", "f()", {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}),
            "stores the error ValueError",
        ),
    ],
)
def test_a_fault_of_a_cell_is_caught(tmp_path, cell, says):
    [fault] = faults(store(tmp_path, "vi", code("setup", SETUP_VI), cell))
    assert fault.startswith(f"book/vi/part/page.ipynb, cell '{cell['id']}' ")
    assert says in fault


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"execution_count": 1', '"execution_count": null', "not stored in the book's form"),
        ('"execution_count": 1', '"execution_count": 5', "not stored in the book's form"),
        ('"name": "python"\n', '"name": "python",\n   "version": "3.11.7"\n', "not stored in the book's form"),
        (' "cells"', '  "cells"', "not stored in the book's form"),
        ('"metadata": {}', '"metadata": {\n    "collapsed": true\n   }', "has the metadata ['collapsed']"),
        ('\\"vi\\")', '\\"en\\")', "cell 'setup' is the first code cell and must say lossbook.set_language"),
    ],
)
def test_a_fault_of_the_file_is_caught(tmp_path, old, new, says):
    text = normalized(notebook(code("setup", SETUP_VI)))
    assert old in text
    found = faults(store(tmp_path, "vi", text=text.replace(old, new)))
    assert found[0].startswith("book/vi/part/page.ipynb")
    assert any(says in fault for fault in found)


@pytest.mark.parametrize(
    ("language", "cells", "says"),
    [
        ("vi", [markdown("a", "x"), markdown("a", "y")], "book/vi/part/page.ipynb: two cells have the id 'a'"),
        ("vi", [markdown("A_b", "x")], "cell 1 has the id 'A_b'"),
        ("vi", [{**markdown("a", "x"), "cell_type": "raw"}], "cell 'a' is of type 'raw'"),
        ("fr", [markdown("a", "x")], "has no language 'fr'"),
    ],
)
def test_a_page_that_cannot_be_read_is_named(tmp_path, language, cells, says):
    with pytest.raises(BookError) as caught:
        store(tmp_path, language, text=nbformat.v4.writes(notebook(*cells)))
    assert says in str(caught.value)


# ---- make notebooks


@pytest.fixture
def book(tmp_path):
    """An English page, its Vietnamese translation in another state, and no page in the other languages."""
    words = code("words", '# how much\nprint(f"the loss is {2 + 2}")')
    store(tmp_path, "en", markdown("title", "# A loss"), code("setup", SETUP), words, code("value", "words"))
    words_vi = code("words", '# bao nhiêu\nprint(f"mất mát là {2 + 1}")')
    store(tmp_path, "vi", markdown("title", "# Mất mát"), code("setup", SETUP_VI), words_vi)
    (tmp_path / "book/en/index.md").write_text("A book.", encoding="utf-8")
    return tmp_path


def test_make_notebooks_aligns_runs_and_stores(book, capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert main([], book) == 0
    said = capsys.readouterr().out
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert "stored book/vi/part/page.ipynb" in said
    assert "book/pt/part/page.ipynb, cell 'title' is new: translate it." in said
    assert {language: len(pages(language, book)) for language in LANGUAGES} == dict.fromkeys(LANGUAGES, 2)
    page = read_page(book / "book/vi/part/page.ipynb")
    assert page.cell("title").source == "# Mất mát"
    assert page.cell("words").source == '# bao nhiêu\nprint(f"mất mát là {2 + 2}")'
    assert page.cell("words").outputs[0]["text"] == ["mất mát là 4\n"]
    assert page.cell("value").outputs[0]["data"] == {"text/plain": ["'mất mát'"]}
    assert all(faults(page) == [] for language in LANGUAGES for page in pages(language, book).values())
    before = {path: path.read_bytes() for path in book.rglob("*.*") if path.is_file()}
    assert main([], book) == 0
    assert "stored" not in capsys.readouterr().out
    assert {path: path.read_bytes() for path in book.rglob("*.*") if path.is_file()} == before


# Draws as matplotlib does, but each time with another id and a point somewhere else in the last digit.
DRAW = """import os

from IPython.display import display

id, y = os.urandom(5).hex(), 5 + os.urandom(1)[0] / 1e5
path = f'<defs><path id="m{id}" d="M 0 0"/></defs><path d="M 0 {y} L 9 9"/>'
display({"image/svg+xml": f'<svg>{path}</svg>', "image/png": PNG}, raw=True)"""


def test_make_notebooks_leaves_pictures_that_show_the_same(book, capsys):
    draw = DRAW.replace("PNG", repr(png("white")))
    path = store(book, "en", code("setup", SETUP), code("draw", draw, **ALT)).path
    assert main([str(path)], book) == 0
    stored = path.read_bytes()
    assert main([str(path)], book) == 0
    assert path.read_bytes() == stored
    capsys.readouterr()
    path.write_bytes(stored.replace(b"5 + os", b"6 + os"))
    assert main([str(path)], book) == 0
    assert "stored book/en" in capsys.readouterr().out
    assert b"L 9 9" in path.read_bytes()
    assert path.read_bytes() != stored.replace(b"5 + os", b"6 + os")


def test_make_notebooks_names_the_cell_that_raises(book, capsys):
    path = store(book, "en", code("setup", SETUP), code("divide", "1 / 0")).path
    before = path.read_bytes()
    assert main([str(path)], book) == 1
    said = capsys.readouterr().err
    assert said == "book/en/part/page.ipynb, cell 'divide' raises ZeroDivisionError: division by zero\n"
    assert path.read_bytes() == before
    assert not (book / "book/pt").exists()


def test_make_notebooks_names_a_path_without_notebooks(book, capsys):
    assert main([str(book / "book/vi/nothing")], book) == 1
    assert "No notebook lies at" in capsys.readouterr().err


# ---- pytest and nbval


def test_pytest_runs_every_cell(project):
    returncode, said = run_pytest(project)
    assert returncode == 0, said
    assert "4 passed" in said


def test_pytest_names_the_page_and_the_cells_that_fail(project):
    path = project / "book/en/part/page.ipynb"
    text = path.read_text(encoding="utf-8").replace('"1\\n"', '"3\\n"')
    path.write_text(text.replace('"execution_count": 3', '"execution_count": null'), encoding="utf-8")
    returncode, said = run_pytest(project, "-n0")
    assert returncode == 1
    assert "2 failed, 2 passed" in said
    assert "FAILED book/en/part/page.ipynb::threads" in said
    assert "FAILED book/en/part/page.ipynb::unrun" in said
    assert "The cell has no execution count" in said


def test_pytest_compares_pictures_as_pictures(project):
    page = store(project, "en", code("setup", SETUP), code("draw", DRAW.replace("PNG", repr(png("white"))), **ALT))
    assert main([str(page.path)], project) == 0
    text = page.path.read_text(encoding="utf-8")
    moved = page.path.with_stem("moved")
    moved.write_text(text.replace('L 9 9\\"/></svg>', 'L 9 8\\"/></svg>'), encoding="utf-8")
    returncode, said = run_pytest(project, "-n0", "book")
    assert returncode == 1
    assert "1 failed, 5 passed" in said
    assert "FAILED book/en/part/moved.ipynb::draw" in said
    assert "In the picture, a path is 1 pt off at (9, 8); 0.25 pt is allowed." in said


def test_pytest_fails_when_cells_are_not_run(project):
    returncode, said = run_pytest(project, settings="")
    assert returncode == 1
    assert "nbval did not run 3 code cells" in said
    assert "book/en/part/page.ipynb, cell 'threads'" in said


@pytest.mark.parametrize("options", [("tests",), ("-k", "nothing")])
def test_part_of_the_suite_may_be_run(project, options):
    returncode, said = run_pytest(project, "-n0", *options)
    assert returncode == 0, said
    assert "1 passed" in said
