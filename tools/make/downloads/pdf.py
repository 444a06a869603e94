"""A PDF of the chapters: printed by Chromium, tagged, with bookmarks and page numbers."""

import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import pikepdf

from tools.book import LANGUAGES, ROOT, BookError
from tools.make.chromium import CHROMIUM, QUIET
from tools.make.downloads.chapters import LOGO, STYLE, Chapter, details, fill, markup, parts, relinked

PRINT = ["--headless", "--no-pdf-header-footer", "--generate-pdf-document-outline", "--allow-file-access-from-files"]
PAPER = STYLE.with_name("paper.css")
PATIENCE = 600  # seconds
FONTS = {  # for letters that no installed font has; style.css names them
    "Fallback": Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"),
    "Fallback Han": ROOT / "lossbook/fonts/NotoSansCJKsc-Subset.otf",
    "Fallback Mono": ROOT / "book/_static/fonts/noto-sans-mono-vietnamese-400-normal.woff2",
}
CUTS = {
    "Bold": "font-weight: bold",
    "Oblique": "font-style: italic",
    "BoldOblique": "font-weight: bold; font-style: italic",
}
DEEPER = {f"h{level}": f"h{level + 1}" for level in range(1, 6)}


def in_one_file(chapter: Chapter) -> None:
    """Ids that are the chapter's own, and headings below that of its part. A figure's ids are its own already."""

    def walk(element: ET.Element) -> None:
        if element.tag == "svg":
            return
        for name in ("id", "aria-labelledby", "aria-describedby"):
            if name in element.attrib:
                element.set(name, address(chapter, element.get(name)))
        if chapter.part:
            element.tag = DEEPER.get(element.tag, element.tag)
        for child in element:
            walk(child)

    walk(chapter.article)


def address(chapter: Chapter, anchor: str) -> str:
    """An id within the one file."""
    return f"{chapter.id}--{anchor}" if anchor else chapter.id


def face(family: str, file: Path, style: str = "") -> str:
    """A font for the style sheet."""
    return f'@font-face {{ font-family: "{family}"; src: url({file.as_uri()}); {style} }}'


def document(chapters: list[Chapter], language: str, site: Path) -> str:
    """The book as one XHTML page. The chapters are changed for it."""
    relinked(chapters, site, lambda _, chapter, anchor: f"#{address(chapter, anchor)}")
    for chapter in chapters:
        for picture in chapter.article.iter("img"):
            picture.set("src", ((site / chapter.docname).parent / picture.get("src")).resolve().as_uri())
    table = parts(chapters)  # before the headings become deeper
    for chapter in chapters:
        in_one_file(chapter)
    faces = [face(name, file) for name, file in FONTS.items()]
    regular = FONTS["Fallback"]  # else Chromium smears its letters to make them bold
    faces += [face("Fallback", regular.with_stem(f"{regular.stem}-{cut}"), style) for cut, style in CUTS.items()]
    return fill(
        "print.xhtml",
        language,
        parts=table,
        address=lambda chapter: f"#{chapter.id}",
        markup=markup,
        logo=LOGO.as_uri(),
        katex=(ROOT / "book/_static/katex/katex.min.css").as_uri(),
        style="\n".join([*faces, STYLE.read_text(encoding="utf-8"), PAPER.read_text(encoding="utf-8")]),
    )


def print_(page: Path, file: Path) -> None:
    """Let Chromium print a page."""
    with tempfile.TemporaryDirectory() as profile:  # a second Chromium cannot use the same
        command = [CHROMIUM, *QUIET, *PRINT, f"--user-data-dir={profile}", f"--print-to-pdf={file}", page.as_uri()]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if run.returncode or not file.exists():
        raise BookError(f"Chromium could not print {page}, so there is no PDF. It said:\n{run.stderr[-2000:]}")


def finish(printed: Path, language: str, file: Path) -> None:
    """Store the PDF under its title and author, small, and without the hour it was made at."""
    about = details(language)
    date = f"D:{about['date'].replace('-', '')}000000Z"
    with pikepdf.open(printed) as pdf:
        told = pikepdf.Dictionary(Title=about["title"], Author=about["author"], CreationDate=date, ModDate=date)
        pdf.trailer.Info = pdf.make_indirect(told)
        pdf.Root.Lang = LANGUAGES[language].html
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        pdf.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)


def write(chapters: list[Chapter], language: str, site: Path, file: Path) -> None:
    """Write the PDF, unless it exists already and would come out the same."""
    text = document(chapters, language, site).encode()
    page = site.parent / "downloads" / f"{file.stem}.xhtml"  # what was printed last
    if file.exists() and page.exists() and page.read_bytes() == text:
        return
    page.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    page.write_bytes(text)
    printed = page.with_suffix(".pdf")
    print_(page, printed)
    finish(printed, language, file)
    printed.unlink()
