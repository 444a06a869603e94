"""Make what readers take away, from the built site (after ``make book``).

For each language: its notebooks as one archive, an EPUB and a PDF; for all: the package. They lie in
_build/html/_downloads. The home pages then link to those that are there, and every page to its language's archive.
Without Chromium there is no PDF.
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.book import LANGUAGES, ROOT, BookError
from tools.make.downloads import archive, epub, pdf
from tools.make.downloads.chapters import SITE, fill, read_chapters

KINDS = {
    "pdf": "PDF, to read and to print",
    "epub": "EPUB, for phones and e-readers",
    "zip": "Notebooks, to run without a network",
    "whl": "The package, for a notebook that you downloaded alone",
}
HOME = re.compile(r"(<!-- downloads -->).*?(?=<!-- /downloads -->)", re.DOTALL)  # in book/_templates/layout.html
MENU = re.compile(r"(<!-- archive -->).*?(?=<!-- /archive -->)", re.DOTALL)  # in article-header-buttons.html


def make(language: str, site: Path, toc: Path) -> list[Path]:
    """Make a language's files; those that are there now, in the order of KINDS."""
    files = {kind: site / "_downloads" / f"lossbook-{language}.{kind}" for kind in KINDS}
    files["whl"] = site / "_downloads" / archive.wheel()[0]
    archive.write(read_chapters(language, site, toc), language, site, files["zip"], toc.parent)
    epub.write(read_chapters(language, site, toc), language, site, files["epub"])
    if pdf.CHROMIUM:
        pdf.write(read_chapters(language, site, toc), language, site, files["pdf"])
    else:
        files["pdf"].unlink(missing_ok=True)  # it may be of another day than the rest
    return [file for file in files.values() if file.exists()]


def size(file: Path) -> str:
    """How large a file is, for readers."""
    return f"{file.stat().st_size / 1e6:.1f}\N{NO-BREAK SPACE}MB"


def link(language: str, files: list[Path], site: Path) -> None:
    """Name the files on the language's home page, and the archive in every page's menu, in place of what stood there."""
    home = site / f"book/{language}/index.html"
    links = [(f"../../_downloads/{file.name}", KINDS[file.suffix[1:]], size(file)) for file in files]
    text = fill("links.html", language, links=links)
    home.write_text(HOME.sub(lambda place: place[1] + text, home.read_text(encoding="utf-8")), encoding="utf-8")
    for page in (site / f"book/{language}").rglob("*.html"):
        up = "../" * (len(page.relative_to(site).parts) - 1)
        entry = fill("entry.html", language, address=f"{up}_downloads/lossbook-{language}.zip")
        page.write_text(
            MENU.sub(lambda place, entry=entry: place[1] + entry, page.read_text(encoding="utf-8")), encoding="utf-8"
        )


def main(site: Path = SITE, toc: Path = ROOT / "_toc.yml") -> int:
    """The command."""
    (site / "_downloads").mkdir(parents=True, exist_ok=True)
    name, package = archive.wheel()
    (site / "_downloads" / name).write_bytes(package)
    try:
        with ThreadPoolExecutor(2) as workers:
            made = list(workers.map(lambda language: make(language, site, toc), LANGUAGES))
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    for language, files in zip(LANGUAGES, made, strict=True):
        link(language, files, site)
        print(", ".join(f"{file.name} {size(file)}" for file in files))
    if not pdf.CHROMIUM:
        print("No Chromium, so no PDF was made: install it (apt install chromium) and run this again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
