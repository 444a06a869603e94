"""The cell that a notebook opens with: where lossbook is missing, it says, in the page's language, what brings it.

On the site nobody needs the cell, so it is not shown there. `make notebooks` writes it, from book/strings.yml and
_config.yml: once that has an address, Colab installs from there by itself.
"""

import tomllib
from functools import cache

import jinja2

from tools.book import INSTALL, ROOT, Cell, Page, say, settings

METADATA = {"tags": ["remove-cell"]}
SOURCE = jinja2.Template(
    """
{%- if address -%}
import subprocess
import sys
{% endif -%}
from importlib.util import find_spec

{% if address -%}
requirement = "{{ requirement }}"
if find_spec("lossbook") is None and "google.colab" in sys.modules:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", requirement], check=True)
elif find_spec("lossbook") is None:
{%- else -%}
if find_spec("lossbook") is None:
{%- endif %}
    raise ModuleNotFoundError(
        {{ sentence }}
    )
""",
    undefined=jinja2.StrictUndefined,
)


@cache
def wheel_name() -> str:
    """The file of the package that lies on the site and in the archives."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['name']}-{project['version']}-py3-none-any.whl"


def address(config: dict) -> str:
    """Where pip finds the package: on the published site, else in the repository; empty while there is neither."""
    if site := config["html"]["baseurl"]:
        return f"{site.rstrip('/')}/_downloads/{wheel_name()}"
    return f"git+{url}" if (url := config["repository"]["url"]) else ""


def extra(page: Page) -> str:
    """What a page needs beside lossbook itself, by its name in pyproject.toml: pictures, or data to train on as well."""
    trains = any("lossbook.lessons.practice" in cell.source for cell in page.cells)
    return "practice" if trains else "plot"


def source(language: str, config: dict, extra: str = "plot") -> str:
    """The cell's code."""
    place = address(config)
    requirement = f"lossbook[{extra}] @ {place}" if place else f"{wheel_name()}[{extra}]"
    command = f'pip install "{requirement}"'
    if place:
        sentence = say(
            "This page needs the package lossbook, which is not installed here. In a terminal, or in a cell of its own, "
            "type: {command}",
            language,
        ).format(command=command)
    else:
        sentence = say(
            "This page needs the package lossbook: the home page of the book offers the file {file}, and the archive of "
            "its notebooks holds it. In the folder where this file lies, type: {command}",
            language,
        ).format(file=wheel_name(), command=command)
    return SOURCE.render(address=place, requirement=requirement, sentence=repr(sentence))


def opened(page: Page, cells: list[Cell]) -> list[Cell]:
    """The cells of a notebook, the generated one before the first that runs."""
    written = [cell for cell in cells if not cell.generated]
    at = next((number for number, cell in enumerate(written) if cell.kind == "code"), len(written))
    generated = Cell(page, INSTALL, "code", source(page.language, settings(), extra(page)), dict(METADATA))
    return [*written[:at], generated, *written[at:]]


def faults(page: Page) -> list[str]:
    """What is wrong with the generated cell of a stored notebook."""
    code = [cell for cell in page.cells if cell.kind == "code"]
    if not code or (code[0].generated and code[0].source == source(page.language, settings(), extra(page))):
        return []
    return [
        f"{code[0].where} is the first code cell. It must be the cell {INSTALL!r}, which says how to get lossbook, just as "
        "tools/make/install.py gives it. Run `make notebooks`."
    ]
