"""What stops a build, and what the extensions make of a page: shown on small books, so that each fault is planted here."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from book._ext import figures, katex
from tests.book.small_pages import code, markdown
from tests.site.pages import BUILD, CONFIG, PATIENCE, SmallBook, data
from tools.book import ROOT

# ---- formulas and figures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tex", [r"\frac{1", r"\foo", r"a \\ b", "50%", "mất"])
def test_bad_tex_is_refused(tex):
    with pytest.raises(ValueError, match=r"."):
        katex.html(tex, True)


@pytest.mark.parametrize("word", ["mất mát", "đường thẳng", "função", "均方误差"])
def test_words_in_formulas_stay_words(word):
    assert f"<mtext>{word.replace(' ', chr(0xA0))}</mtext>" in katex.html(rf"\text{{{word}}}", False)


def test_figures_on_one_page_do_not_share_ids():
    svg = (
        '<?xml version="1.0"?><svg width="4pt"><g id="axes_1"><path style="fill: #ffffff"/><path style="stroke: #000000" '
        'clip-path="url(#p1)"/><text style="font-family: x; fill: #ffffff" x="1.23456">0.12345</text></g><clipPath id="p1"/></svg>'
    )
    first, second = figures.inline(svg, "one"), figures.inline(svg, "two")
    ids = [re.findall(r'id="([^"]+)"', drawing) for drawing in (first, second)]
    assert len(ids[0]) == len(ids[1]) == 1
    assert ids[0] != ids[1]
    assert f"url(#{ids[0][0]})" in first
    assert 'style="fill: var(--pst-color-background)"' in first
    assert "stroke: currentColor" in first
    assert 'style="fill: #ffffff" x="1.23">0.12345' in first, "a label keeps its color and its digits"


# ---- what stops a build, and what a repository adds ----------------------------------------------------------------------

FIGURE = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" viewBox="0 0 9 9"><g id="figure_1"/></svg>'
PNG = (  # one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
INTRO = markdown("intro", "# Title\n\nText.")


@pytest.fixture
def book(tmp_path):
    return SmallBook(tmp_path)


@pytest.mark.parametrize(
    ("cells", "sentences"),
    [
        (
            [INTRO, markdown("formula", "Fine: $x$.\n\n$$\n\\frac{1\n$$"), code("shown", "1", data(latex="$\\foo$"))],
            [
                "book/en/index.ipynb, cell 'formula': KaTeX cannot set the formula \\frac{1\n  Unexpected end of input",
                "book/en/index.ipynb, cell 'shown': KaTeX cannot set the formula \\foo\n  Undefined control sequence",
            ],
        ),
        (
            [
                INTRO,
                code(
                    "fails",
                    "1 / 0",
                    {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "", "traceback": []},
                ),
            ],
            ["book/en/index.ipynb, cell 'fails' stores an error as its output (ZeroDivisionError"],
        ),
        (
            [INTRO, code("plot", "draw()", data(svg=FIGURE))],
            ["book/en/index.ipynb, cell 'plot': a picture has no alt text"],
        ),
        ([INTRO, markdown("intro", "Again.")], ["book/en/index.ipynb: two cells have the id 'intro'"]),
    ],
    ids=["invalid TeX", "stored error", "no alt text", "same id twice"],
)
def test_build_stops_and_names_page_and_cell(book, cells, sentences):
    book.notebook("book/en/index", *cells)
    run = book.build()
    assert run.returncode != 0
    for sentence in sentences:
        assert sentence in run.stderr
    assert "Traceback" not in run.stderr


def test_the_site_shows_the_svg_and_leaves_the_png_out(book):
    alt = {"mystnb": {"image": {"alt": "A figure."}}}
    book.notebook("book/en/index", INTRO, code("plot", "draw()", data(svg=FIGURE, png=PNG), **alt))
    run = book.build()
    assert run.returncode == 0, run.stderr
    assert [svg["aria-label"] for svg in book.page("book/en/index").soup.select("svg.figure")] == ["A figure."]
    assert list((book.root / "_build/html").rglob("_images/*.png")) == []
    assert not book.page("book/en/index").soup.select("meta[property]"), "no card without a whole address"


def test_a_fault_found_in_another_process_is_told_as_well(book):
    """By the command itself, which must come to its end, too: KaTeX runs in threads of its own."""
    for number in range(9):
        book.notebook(f"book/en/page{number}", markdown("formula", f"# Title\n\n${'x' if number else '{'}$"))
    book.notebook("book/en/index", INTRO)
    book.write_contents()
    command = [Path(sys.executable).with_name(BUILD[0]), *BUILD[1:]]
    run = subprocess.run(command, cwd=book.root, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert run.returncode != 0
    assert "book/en/page0.ipynb, cell 'formula': KaTeX cannot set the formula {" in run.stderr
    assert "Traceback" not in run.stderr


def test_build_stops_at_unknown_language(book):
    book.notebook("book/en/index", INTRO)
    book.notebook("book/fr/index", INTRO)
    run = book.build()
    assert run.returncode != 0
    assert "book/fr/ is the folder of no language: book/languages.yml lists en, vi, zh, pt." in run.stderr


def test_repository_numbers_folds_and_missing_texts(book):
    """One small book for what the real one does not have yet. Its one fault: an interface text without translation."""
    book.write(
        "_config.yml",
        CONFIG.replace('url: ""', "url: https://github.com/o/r"),
    )
    strings = (ROOT / "book/strings.yml").read_text(encoding="utf-8")
    book.write("book/strings.yml", strings.replace("Tip: {vi: Mẹo,", "Tip: {"))
    page = "# T{n}\n\n```{figure} ../dot.png\n:name: fig-{n}\n:alt: A dot\nDot\n```\n\n$$x$$ (eq-{n})\n\n"
    book.write("book/dot.png", "")
    book.write("book/en/index.md", page.replace("{n}", "one"))
    folded = "> **Title of `x`**\n>\n> Text\n\n> **Bold** words\n\n```{tip}\nText\n```"
    book.notebook(
        "book/vi/index",
        markdown("intro", page.replace("{n}", "two") + folded),
        code("solution", "1", data(markdown="so $x^2$, then"), tags=["hide-input"]),
    )
    run = book.build()
    assert run.stderr.count("WARNING") == 1
    assert "The interface text 'Tip' has no 'vi' in book/strings.yml: add it." in run.stderr
    page = book.page("book/vi/index")
    assert [n.get_text().strip() for n in page.soup.select(".eqno")] == ["(1)#"]
    assert [s.get_text(" ", strip=True) for s in page.soup.select("article summary")] == [
        "Title of x",
        "Hiện mã Ẩn mã",
    ]
    assert page.soup.select_one("details.note > p").get_text() == "Text"
    assert page.soup.select_one("summary code").get_text() == "x"
    assert page.soup.blockquote.get_text().strip() == "Bold words"
    assert page.soup.select_one(".cell_output .nobreak > .katex math")
    assert page.soup.select_one(".cell_output .nobreak").get_text().endswith(",")
    assert page.soup.select_one(".cell_output p").get_text().endswith(" then")
    assert [a["hreflang"] for a in page.soup.select(".menu-languages a[hreflang]")] == ["en"], (
        "only where the page exists"
    )
    links = {a.get_text(strip=True): a["href"] for a in page.soup.select(".menu a") if a["href"].startswith("https")}
    at = "main/book/vi/index.ipynb"
    assert links == {
        "Kho mã nguồn": "https://github.com/o/r",
        "Đề nghị sửa": f"https://github.com/o/r/edit/{at}",
        "Trang này có chỗ sai?": links["Trang này có chỗ sai?"],
        "Chạy trên Colab": f"https://colab.research.google.com/github/o/r/blob/{at}",
        "Chạy trên Binder": f"https://mybinder.org/v2/gh/o/r/main?urlpath=lab/tree/{at.removeprefix('main/')}",
    }
    report = urlsplit(links["Trang này có chỗ sai?"])
    assert report.path == "/o/r/issues/new"
    body = parse_qs(report.query)["body"][0]
    assert body.startswith("Chỗ nào sai")
    assert body.endswith(f"\nPage: book/vi/index\nLanguage: vi\nVersion: {version('lossbook')}\nCell: ")
    assert page.soup.select_one("p > a.report")["href"] == links["Trang này có chỗ sai?"]


# ---- addresses ---------------------------------------------------------------------------------------------------------

MOVED = "guide/old-name: guide/new-name\n"


def test_moved_pages_lead_on_and_removed_pages_go(book):
    book.write("book/redirects.yml", "")
    for name in ("index", "guide/old-name", "guide/gone"):
        book.notebook(f"book/en/{name}", markdown("intro", f"# Title of {name}\n\nText."))
    book.notebook("book/vi/index", INTRO)
    assert book.build().returncode == 0
    assert book.page("book/en/guide/gone").path.exists()

    (book.root / "book/en/guide/old-name.ipynb").rename(book.root / "book/en/guide/new-name.ipynb")
    (book.root / "book/en/guide/gone.ipynb").unlink()
    book.notebook("book/en/index", markdown("intro", "# Another title\n\nText."))
    book.write("book/redirects.yml", MOVED)
    assert book.build().returncode == 0
    site = book.root / "_build/html"
    built = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    pages = {"book/index", "book/en/index", "book/vi/index", "book/en/guide/new-name"}
    assert built == {*pages, "index", "404", "book/en/guide/old-name"}
    assert not (site / "_sources/book/en/guide/gone.ipynb").exists()
    assert not (site / "book/en/guide/gone.html.md").exists()
    old = book.page("book/en/guide/old-name").soup
    assert old.find("meta", attrs={"http-equiv": "refresh"})["content"] == "0; url=new-name.html"
    assert "gone" not in (site / "search/en.js").read_text(encoding="utf-8")
    sidebar = book.page("book/en/guide/new-name").soup.select_one(".prev-next-area .left-prev")
    assert "Another title" in sidebar.get_text(), "a page shows the new title of another"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("index: guide/l1", "leads from index to guide/l1, but book/en/index is a page. Remove the row."),
        ("old: guide/none", "leads to guide/none, which the book does not have. Mend the row."),
    ],
)
def test_wrong_redirects_stop_the_build(book, row, sentence):
    book.write("book/redirects.yml", row)
    book.notebook("book/en/index", INTRO)
    book.notebook("book/en/guide/l1", INTRO)
    run = book.build()
    assert run.returncode != 0
    assert sentence in run.stderr


def test_published_address(tmp_path):
    """With a baseurl, whatever search engines read is a whole address. The path of this book holds brackets."""
    book = SmallBook(tmp_path / "lb [v1] & co")
    book.write("_config.yml", re.sub(r'baseurl: "[^"]*"', 'baseurl: "https://o.github.io/r"', CONFIG))
    book.write("README.md", "# Not a page\n\n[dead](none.md)\n")
    for language in ("en", "vi"):
        book.notebook(f"book/{language}/index", INTRO)
        book.notebook(f"book/{language}/guide/l1", INTRO)
    run = book.build()
    assert run.returncode == 0, run.stderr
    at = "https://o.github.io/r/book"
    head = book.page("book/vi/guide/l1").soup.head
    assert head.select_one("link[rel=canonical]")["href"] == f"{at}/vi/guide/l1.html"
    assert {link["hreflang"]: link["href"] for link in head.select("link[hreflang]")} == {
        "en": f"{at}/en/guide/l1.html",
        "vi": f"{at}/vi/guide/l1.html",
        "x-default": f"{at}/en/guide/l1.html",
    }
    assert book.page("index").soup.select_one("link[rel=canonical]")["href"] == f"{at}/index.html"
    assert book.page("404").soup.base["href"] == "https://o.github.io/r/"
    site = book.root / "_build/html"
    urls = ET.parse(site / "sitemap.xml").getroot()
    assert [url.findtext("{*}loc") for url in urls] == [
        f"{at}/{page}.html" for page in ("en/guide/l1", "vi/guide/l1", "en/index", "vi/index")
    ]
    assert [link.get("hreflang") for link in urls[0].iterfind("{*}link")] == ["en", "vi"]
    assert "Sitemap: https://o.github.io/r/sitemap.xml" in (site / "robots.txt").read_text(encoding="utf-8")
    assert (site / ".nojekyll").exists()


def test_cards_for_chats_and_search_engines(book):
    """Each page shows its own picture, words and place in the book; a page that draws nothing shows the book's first."""
    book.write("_config.yml", CONFIG.replace('baseurl: ""', 'baseurl: "https://o.github.io/r/"'))
    book.write("book/redirects.yml", "")
    alt = {"mystnb": {"image": {"alt": "A curve & a line"}}}
    text = "Is $x^2$ `</script>` & co? That depends, among other things, on what it is compared with. "
    drawn = code("plot", "draw()", data(svg=FIGURE, png=PNG), **alt)
    for language in ("en", "vi"):
        book.notebook(f"book/{language}/index", INTRO)
        book.notebook(f"book/{language}/guide/l1", markdown("intro", f"# L1: `L1Loss`\n\n{text}{'Long. ' * 30}"), drawn)
    run = book.build()
    assert run.returncode == 0, run.stderr
    at = "https://o.github.io/r/"
    page = book.page("book/vi/guide/l1").soup.head
    said = {meta["property"]: meta["content"] for meta in page.select("meta[property]")}
    words = "Is x^2 </script> & co? That depends, among other things, on what it is compared with."
    assert said["og:description"].startswith(words)
    assert len(said["og:description"]) <= 160
    assert said["og:description"].endswith("Long.")
    assert page.select_one("meta[name=description]")["content"] == said["og:description"]
    image = said.pop("og:image")
    del said["og:description"]
    assert said == {
        "og:type": "article",
        "og:title": "L1: L1Loss",
        "og:url": f"{at}book/vi/guide/l1.html",
        "og:site_name": "lossbook: các hàm mất mát của PyTorch",
        "og:locale": "vi_VN",
        "og:image:alt": "A curve & a line",
        "og:image:width": "1200",
        "og:image:height": "630",
    }
    file = book.root / "_build/html" / image.removeprefix(at)
    with Image.open(file) as card:
        assert card.size == (1200, 630)
        assert card.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert page.select_one("meta[name='twitter:card']")["content"] == "summary_large_image"
    chapter = json.loads(page.select_one("script[type='application/ld+json']").string)
    assert chapter["@type"] == ["Chapter", "LearningResource"]
    assert chapter["inLanguage"] == "vi"
    assert chapter["educationalLevel"] == "intermediate"
    assert chapter["isPartOf"]["@id"] == f"{at}book/vi/index.html"
    assert chapter["translationOfWork"] == {"@id": f"{at}book/en/guide/l1.html"}
    home = book.page("book/en/index").soup.head
    assert json.loads(home.select_one("script[type='application/ld+json']").string)["@type"][0] == "Book"
    assert home.select_one("meta[property='og:image']")["content"] == image, "the book's first picture"


def test_every_page_has_a_twin_in_plain_markdown(book):
    """Named as llmstxt.org says, linked from the page's head and listed in the language's llms.txt."""
    link = "# Title\n\nSee [L1](guide/one.ipynb#title), [a site](https://o.org/x.md) and $x^2$. More."
    book.notebook("book/en/index", markdown("intro", link))
    printed = {"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}
    book.notebook(
        "book/en/guide/one",
        markdown("title", "# L1: `L1Loss`\n\nThe *mean* of $e$. It is 0 for none."),
        code("install", "import pip", tags=["remove-cell"]),
        code("by-hand", 'print("```")', printed),
        code("plot", "draw()", data(svg=FIGURE, plain="Figure"), **{"mystnb": {"image": {"alt": "A curve."}}}),
    )
    book.write("book/en/glossary.md", "# Glossary\n\n```{terms}\n```\n")
    run = book.build()
    assert run.returncode == 0, run.stderr
    site = book.root / "_build/html/book/en"
    assert (site / "guide/one.html.md").read_text(encoding="utf-8") == (
        "# L1: `L1Loss`\n\nThe *mean* of $e$. It is 0 for none.\n\n"
        '````python\nprint("```")\n````\n\n```text\n1\n2\n```\n\n```python\ndraw()\n```\n\n*A curve.*\n'
    )
    home = (site / "index.html.md").read_text(encoding="utf-8")
    assert "[L1](guide/one.html.md#title), [a site](https://o.org/x.md) and $x^2$" in home
    assert "\n## gradient accumulation\n\nAdding up" in (site / "glossary.html.md").read_text(encoding="utf-8")
    head = book.page("book/en/guide/one").soup.head
    assert head.select_one("link[type='text/markdown']")["href"] == "one.html.md"
    listed = (site / "llms.txt").read_text(encoding="utf-8")
    assert listed.startswith("# lossbook: PyTorch loss functions\n\n> See L1, a site and x^2. More.\n")
    assert "\n- [L1: L1Loss](guide/one.html.md): The mean of e. It is 0 for none.\n" in listed
    assert "[English](book/en/llms.txt)" in (book.root / "_build/html/llms.txt").read_text(encoding="utf-8")


def test_a_term_leads_to_the_section_that_teaches_it(book):
    """Also where the glossary names a cell in the middle of a section."""
    book.notebook("book/en/index", INTRO)
    cells = [markdown("formula", "## Formula\n\nText."), markdown("likelihood", "Text."), markdown("traps", "## Traps")]
    book.notebook("book/en/guide/nll", markdown("title", "# NLL\n\nText."), *cells)
    run = book.build()
    assert run.returncode == 0, run.stderr
    text = (book.root / "_build/html/search/en.js").read_text(encoding="utf-8")
    taught = json.loads(text.removeprefix("const bookIndex = ").removesuffix(";\n"))["taught"]
    assert taught["likelihood"] == "book/en/guide/nll.html#formula"
    built = {"book/en/index.html", "book/en/guide/nll.html"}
    assert {section.partition("#")[0] for section in taught.values()} <= built, "no page that the book lacks"


# ---- sections ----------------------------------------------------------------------------------------------------------


def test_sections_are_named_after_their_cells(book):
    cell = "# 标题\n\n[到第二节](#by-hand) 和[另一页](two.md#second-part)\n\n文字"
    page = [markdown("intro", cell), markdown("by-hand", "## 手算\n\n文字\n\n## 再算\n\n文字")]
    book.notebook("book/en/index", *page)
    book.notebook("book/zh/index", *page)
    book.write("book/en/two.md", "# One\n\n## Second part\n\nText.\n\n## Second part\n\nText.\n")
    book.write("book/zh/two.md", "# 一\n\n## 第二节\n\n文字\n\n## 第三节\n\n文字\n")
    run = book.build()
    assert run.returncode == 0, run.stderr
    soup = book.page("book/zh/index").soup
    assert [section["id"] for section in soup.select("section")] == ["intro", "by-hand", "by-hand-2"]
    assert [a["href"] for a in soup.select("section p a")] == ["#by-hand", "two.html#second-part"]
    assert [a["href"] for a in soup.select("#pst-page-toc-nav a")] == ["#by-hand", "#by-hand-2"]
    ids = [section["id"] for section in book.page("book/zh/two").soup.select("section")]
    assert ids == ["one", "second-part", "second-part-2"]


def test_other_headings_than_in_english_stop_the_build(book):
    book.write("book/en/index.md", "# One\n\n## Two\n")
    book.write("book/vi/index.md", "# Một\n")
    run = book.build()
    assert run.returncode != 0
    assert "book/vi/index has 1 headings, the English page 2." in run.stderr
