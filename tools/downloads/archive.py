"""The notebooks of a language as one zip archive, with the package that they import: the same bytes on every run."""

import tempfile
import zipfile
from functools import cache
from pathlib import Path

import hatchling.build

from tools.book import ROOT
from tools.downloads.chapters import say, settings

LEFT_OUT = {".ipynb_checkpoints", "__pycache__"}


def add(archive: zipfile.ZipFile, name: str, data: bytes | str, compress: int = zipfile.ZIP_DEFLATED) -> None:
    """Add a file that says neither when nor by whom it was made."""
    entry = zipfile.ZipInfo(name)  # of 1980, the year zip begins with
    entry.create_system, entry.external_attr, entry.compress_type = 3, 0o644 << 16, compress
    archive.writestr(entry, data)


@cache
def wheel() -> tuple[str, bytes]:
    """The package as pip installs it: its name and content."""
    with tempfile.TemporaryDirectory() as folder:
        name = hatchling.build.build_wheel(folder)
        return name, Path(folder, name).read_bytes()


def readme(language: str, package: str) -> str:
    """How to run the notebooks."""
    return f"""# {say(settings()["title"], language)}

{say("The notebooks of the book. You need Python. In this folder, type:", language)}

```sh
pip install "{package}[plot]" jupyterlab
jupyter lab index.md
```

{say("The first command needs a network, once. The notebooks need none, and no GPU.", language)}
"""


def write(language: str, file: Path, root: Path = ROOT) -> None:
    """Write the archive: everything that lies in the language's folder, so that links among the pages hold."""
    book = root / "book" / language
    name, package = wheel()
    with zipfile.ZipFile(file, "w") as archive:
        add(archive, f"{file.stem}/README.md", readme(language, name))
        add(archive, f"{file.stem}/{name}", package)
        for path in sorted(book.rglob("*")):
            if path.is_file() and not LEFT_OUT & set(path.parts):
                add(archive, f"{file.stem}/{path.relative_to(book).as_posix()}", path.read_bytes())
