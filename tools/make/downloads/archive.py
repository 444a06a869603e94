"""The notebooks of a language as one zip archive, with the package that they import: the same bytes on every run."""

import posixpath
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import hatchling.build

from tools.book import ROOT, BookError, say, settings
from tools.make.downloads import notebook
from tools.make.downloads.chapters import Chapter, details, relinked

CPU = "https://download.pytorch.org/whl/cpu"


def add(archive: zipfile.ZipFile, name: str, data: bytes | str, compress: int = zipfile.ZIP_DEFLATED) -> None:
    """Add a file of the day of the release, that does not say by whom it was made."""
    year, month, day = map(int, details("en")["date"].split("-"))
    entry = zipfile.ZipInfo(name, (year, month, day, 0, 0, 0))
    entry.create_system, entry.external_attr, entry.compress_type = 3, 0o644 << 16, compress
    archive.writestr(entry, data)


@cache
def wheel() -> tuple[str, bytes]:
    """The package as pip installs it: its name and content."""
    with tempfile.TemporaryDirectory() as folder:
        name = hatchling.build.build_wheel(folder)
        return name, Path(folder, name).read_bytes()


def readme(language: str) -> str:
    """How to run the notebooks."""
    return f"""# {say(settings()["title"], language)}

{say("The notebooks of the book. You need Python. In this folder, type:", language)}

```sh
pip install -r requirements.txt
jupyter lab index.ipynb
```

{say("The first command needs a network, once. The notebooks need none, and no GPU.", language)}

{say("On Linux, pip brings gigabytes of CUDA with PyTorch, which the notebooks do not use. This leaves them out:", language)}

```sh
pip install -r requirements.txt --extra-index-url {CPU}
```
"""


def address(here: str, there: str, cell: str = "") -> str:
    """A link from a page to another one, by their docnames, and to a cell, as JupyterLab finds it."""
    path = posixpath.relpath(f"{there}.ipynb", posixpath.dirname(here)) if there != here or not cell else ""
    return path + (f"#cell-id={cell}" if cell else "")


def notebooks(chapters: list[Chapter], site: Path, root: Path, beside: dict[Path, str]) -> dict[str, str]:
    """The pages as notebooks, by their docnames. The chapters are changed for it."""
    sources = {chapter.docname: root / f"{chapter.docname}.ipynb" for chapter in chapters}
    sources = {docname: path for docname, path in sources.items() if path.exists()}
    cells, places = {}, {}
    for chapter in chapters:
        if chapter.docname not in sources:
            notebook.plain(chapter.article)
        places[chapter.docname] = notebook.places(chapter.article)
        if chapter.docname in sources:
            cells[chapter.docname] = notebook.heading_cells(sources[chapter.docname])

    def lead(here: str, there: str, anchor: str) -> str:
        if there not in places or (anchor and anchor not in places[there]):
            raise BookError(f"{here} leads to {there}#{anchor}, which the built site does not have. Mend the link.")
        number = places[there].get(anchor, 0)
        return address(here, there, (cells[there][number] if there in cells else f"cell-{number}") if number else "")

    relinked(chapters, site, lambda here, there, anchor: lead(here.docname, there.docname, anchor), beside)
    return {
        chapter.docname: notebook.stored(
            sources[chapter.docname],
            chapter.docname,
            lambda there, anchor, here=chapter.docname: lead(here, there, anchor),
        )
        if chapter.docname in sources
        else notebook.made(chapter)
        for chapter in chapters
    }


def data_files(chapters: list[Chapter], site: Path) -> dict[Path, str]:
    """The files that pages offer for download, with their names in the archive."""
    links = [
        ((site / chapter.docname).parent / link.get("href")).resolve()
        for chapter in chapters
        for link in chapter.article.iter("a")
        if "download" in link.get("class", "").split()
    ]
    return {path: path.name for path in links}


def write(chapters: list[Chapter], language: str, site: Path, file: Path, root: Path = ROOT) -> None:
    """Write the archive: every page as a notebook, and what they need."""
    name, package = wheel()
    beside = data_files(chapters, site)
    with zipfile.ZipFile(file, "w") as archive:
        add(archive, f"{file.stem}/README.md", readme(language))
        add(archive, f"{file.stem}/requirements.txt", f"./{name}[plot]\njupyterlab\n")
        add(archive, f"{file.stem}/{name}", package)
        for path, given in sorted(beside.items()):
            add(archive, f"{file.stem}/{given}", path.read_bytes())
        for docname, text in sorted(notebooks(chapters, site, root, beside).items()):
            add(archive, f"{file.stem}/{docname.removeprefix(f'book/{language}/')}.ipynb", text)
