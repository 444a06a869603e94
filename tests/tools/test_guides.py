"""README, CONTRIBUTING and scripts: what they name exists, examples print what is shown, prose keeps the book's rules."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from lossbook.__main__ import main
from tools import __main__ as tools
from tools.book import LANGUAGES, REFERENCE, ROOT, Cell, Page
from tools.checks import prose

READMES = sorted(ROOT.glob("README*.md"))
GUIDES = [*READMES, ROOT / "CONTRIBUTING.md"]
SCRIPTS = [ROOT / ".ci/run", *sorted(ROOT.glob(".github/workflows/*.yml"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

each_readme = pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
each_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)


def code(page: Path) -> str:
    """The code blocks and code spans of a Markdown page."""
    text = page.read_text("utf-8")
    blocks = [block for _, block in FENCED.findall(text)]
    return "\n".join(blocks + re.findall(r"`([^`\n]+)`", FENCED.sub("", text)))


def commands(text: str) -> list[str]:
    """What `text` tells to run: `make …` and `python -m tools.…`."""
    return re.findall(r"\bmake [a-z][\w-]*|\btools\.checks [a-z]+|\btools(?:\.[a-z_]+)+", text)


def unknown_commands(text: str) -> list[str]:
    """The commands in `text` that the project does not have."""
    targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    known = [*(f"make {target}" for target in targets), *tools.commands()]
    return [command for command in commands(text) if command not in known]


def unknown_paths(text: str) -> list[str]:
    """The paths in `text` that begin with a folder of the project and lead nowhere; <name> stands for any name."""
    folders = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in (".venv", "_build")]
    paths = re.findall(r"(?<![\w/.-])[\w.-]+/(?:[\w.<>*-]+/?)*", text)
    found = [path for path in paths if path.split("/")[0] in folders]
    return [path for path in found if not any(ROOT.glob(re.sub("<[^>]*>", "*", path).rstrip("/")))]


def dead_links(page: Path) -> list[str]:
    """The relative links and pictures of a Markdown page that lead nowhere."""
    text = page.read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    return [link for link in links if "://" not in link and not (page.parent / link.partition("#")[0]).exists()]


@each_guide
def test_commands_of_guides_exist(guide):
    assert commands(code(guide))
    assert unknown_commands(code(guide)) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_commands_of_scripts_exist(script):
    assert commands(script.read_text("utf-8"))
    assert unknown_commands(script.read_text("utf-8")) == []


def test_unknown_command_is_found():
    assert unknown_commands("make test; make coffee; python -m tools.coffee") == ["make coffee", "tools.coffee"]


@each_guide
def test_paths_of_guides_exist(guide):
    assert unknown_paths(code(guide)) == []


def test_unknown_path_is_found():
    text = "lossbook/locale/<language>/LC_MESSAGES/ lossbook/locale/<language>/coffee.po tests/coffee.py tests/"
    assert unknown_paths(text) == ["lossbook/locale/<language>/coffee.po", "tests/coffee.py"]


@each_guide
def test_links_of_guides_lead_somewhere(guide):
    assert dead_links(guide) == []


def test_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('[a](page.md#top) [b](https://example.org/) [c](coffee.md) <img src="coffee.png">', "utf-8")
    assert dead_links(page) == ["coffee.md", "coffee.png"]


def test_every_language_has_a_readme():
    names = [f"README.{code}.md" if code != REFERENCE else "README.md" for code in LANGUAGES]
    assert [path.name for path in READMES] == sorted(names)


@each_readme
def test_examples_of_readme_print_what_is_shown(readme):
    blocks = FENCED.findall(readme.read_text("utf-8"))
    sources = [block for kind, block in blocks if kind == "python"]
    shown = [block for kind, block in blocks if kind == "text"]
    assert sources
    for source, text in zip(sources, shown, strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, readme.name, "exec"), {})
        assert printed.getvalue() == text


def test_shell_commands_of_readme_run(capsys, tmp_path, monkeypatch):
    (tmp_path / "train.py").write_text("import torch")
    monkeypatch.chdir(tmp_path)
    shown = re.findall(r"^lossbook (.*)$", code(ROOT / "README.md"), re.MULTILINE)
    assert shown
    for line in shown:
        assert main(shlex.split(line, comments=True)) in (None, 0), capsys.readouterr().err


def as_page(guide: Path, text: str) -> Page:
    """A guide as the checks of the book's prose take it: README.zh.md is a page in Chinese."""
    language = guide.stem.partition(".")[2] or REFERENCE
    page = Page(guide, language, guide.name)
    page.cells.append(Cell(page, "page", "markdown", text))
    return page


@each_guide
def test_prose_of_guides_has_no_faults(guide):
    text = guide.read_text("utf-8")
    assert prose.faults(as_page(guide, text)) == []
    assert prose.faults(as_page(guide, text + "\nThis is is a fault in every language. \n")) != []
