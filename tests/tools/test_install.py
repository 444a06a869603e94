"""Every notebook opens with a cell that says how to get lossbook; Binder, and Colab once it can, need nobody to ask."""

import ast
import copy
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools.book import LANGUAGES, ROOT, pages, read_page, settings
from tools.book.form import as_notebook, normalized
from tools.make.downloads.archive import wheel
from tools.make.install import faults, opened, source, wheel_name
from tools.make.notebooks import run, with_english_code

EACH = pytest.mark.parametrize("language", LANGUAGES)
SITE, REPOSITORY = "https://reader.example/lossbook/", "https://github.com/reader/lossbook"
ON_SITE = f"lossbook[plot] @ {SITE}_downloads/{wheel_name()}"
# Makes a program take lossbook for missing.
HIDE = """import sys, importlib.util as util
find = util.find_spec
util.find_spec = lambda name: None if name == "lossbook" else find(name)
"""


def config(baseurl: str = "", url: str = "") -> dict:
    """_config.yml with these addresses."""
    changed = copy.deepcopy(settings())
    changed["html"]["baseurl"], changed["repository"]["url"] = baseurl, url
    return changed


def execute(code: str) -> subprocess.CompletedProcess:
    """Run code as a program of its own."""
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=environment)


@EACH
def test_every_notebook_opens_with_it(language):
    notebooks = [page for page in pages(language).values() if page.path.suffix == ".ipynb"]
    assert len(notebooks) >= 3
    found = [fault for page in notebooks for fault in faults(page)]
    assert not found, "\n".join(found)


def test_the_file_it_names_is_the_one_that_is_built():
    assert wheel()[0] == wheel_name()


@EACH
def test_where_lossbook_is_missing_a_sentence_says_what_brings_it(language):
    code = source(language, config())
    assert execute(code).returncode == 0
    done = execute(HIDE + code)
    last = done.stderr.strip().split("\n")[-1]
    assert done.returncode == 1
    assert last.startswith("ModuleNotFoundError: ")
    assert last.endswith(f'pip install "{wheel_name()}[plot]"')
    if language != "en":
        assert "This page" not in last


@EACH
@pytest.mark.parametrize(
    ("addresses", "requirement"),
    [
        ({"baseurl": SITE}, ON_SITE),
        ({"url": REPOSITORY}, f"lossbook[plot] @ git+{REPOSITORY}"),
        ({"baseurl": SITE, "url": REPOSITORY}, ON_SITE),
    ],
)
def test_with_an_address_colab_installs_it_and_others_are_told(language, addresses, requirement):
    code = source(language, config(**addresses))
    assert Requirement(requirement).extras == {"plot"}
    assert execute(HIDE + code).stderr.strip().endswith(f'pip install "{requirement}"')
    colab = 'import subprocess\nsubprocess.run = lambda command, check: print(command[1:], check)\nsys.modules["google.colab"] = 1\n'
    done = execute(HIDE + colab + code)
    assert (done.returncode, done.stdout) == (0, f"{['-m', 'pip', 'install', '--quiet', requirement]} True\n")


@pytest.mark.parametrize("addresses", [{}, {"baseurl": SITE}, {"url": REPOSITORY}])
def test_it_is_formatted_as_the_book_is(addresses):
    for language in LANGUAGES:
        code = source(language, config(**addresses)) + "\n"
        ruff = [sys.executable, "-m", "ruff", "format", "--line-length=120", "--diff", "-"]
        assert subprocess.run(ruff, input=code, capture_output=True, encoding="utf-8").stdout == "", language


def test_make_notebooks_writes_it_and_nobody_translates_it():
    page = read_page(ROOT / "book/pt/first-losses/one-point.ipynb")
    cells, todo = with_english_code(page)
    code = [cell for cell in cells if cell.kind == "code"]
    assert code[0].source == source("pt", settings())
    assert [cell for cell in code if cell.generated] == code[:1]
    assert code[0].hash is None
    assert [cell.id for cell in opened(page, cells)] == [cell.id for cell in cells]
    assert todo == []
    stored = normalized(as_notebook(cells))
    assert '"jupyter": {\n     "source_hidden": true\n    },\n    "tags": [\n     "remove-cell"' in stored
    short = replace(page, cells=code[:1])
    assert normalized(as_notebook(short.cells)) == run(short, short.cells), "it prints nothing"


@pytest.mark.parametrize(
    "change", [lambda cell: [], lambda cell: [replace(cell, source=cell.source.replace("pip", "pup"))]]
)
def test_a_missing_or_changed_cell_is_named(change):
    page = read_page(ROOT / "book/vi/first-losses/one-point.ipynb")
    [generated] = [cell for cell in opened(page, page.cells) if cell.generated]
    others = [cell for cell in page.cells if not cell.generated]
    page.cells = opened(page, page.cells)
    assert faults(page) == []
    page.cells = [*change(generated), *others]
    assert [fault.startswith("book/vi/first-losses/one-point.ipynb, cell ") for fault in faults(page)] == [True]


def test_a_page_that_trains_names_what_brings_its_data():
    pages_of_losses = {name: page for name, page in pages("en").items() if name.startswith("losses/")}
    named = {name for name, page in pages_of_losses.items() if "[practice]" in page.cells[1].source}
    assert named == {
        name for name, page in pages_of_losses.items() if "lessons.practice import" in page.cells[2].source
    }
    assert "losses/multilabel-soft-margin" in named


def test_what_the_site_folds_is_folded_in_jupyterlab():
    cells = [cell for cell in read_page(ROOT / "book/en/first-losses/one-point.ipynb").cells if cell.kind == "code"]
    for tags, folded in [
        (["hide-cell"], {"source_hidden": True, "outputs_hidden": True}),
        (["hide-input"], {"source_hidden": True}),
        ([], None),
    ]:
        cell = replace(cells[0], metadata={"tags": tags, "jupyter": {"source_hidden": False}})
        [stored] = yaml.safe_load(normalized(as_notebook([cell])))["cells"]
        assert stored["metadata"].get("jupyter") == folded


def test_binder_has_a_supported_python_and_the_package_without_cuda():
    lines = (ROOT / "binder/requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {".[practice]", "jupyterlab", "--extra-index-url https://download.pytorch.org/whl/cpu"} <= set(lines)
    version = (ROOT / "binder/runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = next(line for line in project.splitlines() if line.startswith("requires-python"))
    assert version in SpecifierSet(ast.literal_eval(wanted.partition("= ")[2]))
    tested = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    assert f'"{version}"' in str(tested).replace("'", '"'), "a Python that the tests run under"
