"""The built site without a browser: each page's language, its way to the others, its links and pictures."""

import copy
import functools
import re
from collections import Counter
from hashlib import sha256

import pytest
from bs4 import BeautifulSoup

from book._ext.about import LEVELS
from tests.site.pages import BASE, DOOR, INDEX, SITE, STRINGS, TITLE, WebPage
from tools.book import LANGUAGES, REFERENCE, ROOT, contents, read_data, read_page

DOCNAMES = [docname for _, docname in contents()]
PAGES = {docname: WebPage(docname) for docname in DOCNAMES}
IN_LANGUAGE = [page for page in PAGES.values() if page.folder]


def every(pages):
    """Run a test once a page, named after it."""
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.docname)


@pytest.fixture(autouse=True, scope="module")
def _site_is_built():
    there = all(file.exists() for file in INDEX)
    assert there, "These tests read the built site, and _build/html is not complete. Run `make book` first."


def test_site_is_built_from_these_sources():
    sources = [ROOT / "_config.yml", ROOT / "_toc.yml", *(ROOT / "book").rglob("*.*")]
    built = INDEX[0].stat().st_mtime
    newer = [p for p in sources if p.stat().st_mtime > built and "__pycache__" not in p.parts]
    assert not newer, f"The site was built before {newer[0].relative_to(ROOT)} was changed. Run `make book` again."


# ---- all pages are there ---------------------------------------------------------------------------------------------


def test_site_has_these_pages_and_no_other():
    built = {p.relative_to(SITE).with_suffix("").as_posix() for p in SITE.rglob("*.html")}
    moved = {f"book/{code}/{old}" for code in LANGUAGES for old in read_data("redirects")}
    assert built == {*DOCNAMES, "index", "404", *moved}


def test_bare_address_leads_to_the_door():
    soup = BeautifulSoup((SITE / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.html["lang"] == LANGUAGES[REFERENCE].html
    assert soup.find("meta", attrs={"http-equiv": "refresh"})["content"] == f"0; url={DOOR}.html"


def test_door_opens_every_language():
    cards = {div["lang"]: div.a for div in PAGES[DOOR].soup.select(".door > div")}
    assert list(cards) == [language.html.lower() for language in LANGUAGES.values()]  # docutils writes classes small
    for code, language in LANGUAGES.items():
        card = cards[language.html.lower()]
        assert card.get_text() == language.name
        assert PAGES[DOOR].target(card["href"]) == PAGES[f"book/{code}/index"].path


@every([page for page in IN_LANGUAGE if page.folder != REFERENCE])
def test_sections_have_one_address_in_all_languages(page):
    def sections(page):
        return [section.get("id") for section in page.soup.article.find_all("section")]

    assert sections(page) == sections(PAGES[f"book/{REFERENCE}/{page.name}"])
    if (ROOT / f"{page.docname}.ipynb").exists():
        own = {cell.id for cell in read_page(ROOT / f"{page.docname}.ipynb").cells}
        assert {re.sub(r"-\d$", "", id) if id not in own else id for id in sections(page)} <= own


def test_a_wrong_address_is_answered_in_every_language():
    soup = BeautifulSoup((SITE / "404.html").read_text(encoding="utf-8"), "html.parser")
    answers = {section["lang"]: section for section in soup.select("section")}
    assert list(answers) == [language.html for language in LANGUAGES.values()]
    assert len({section.h1.string for section in answers.values()}) == len(LANGUAGES)
    for code, language in LANGUAGES.items():
        assert (SITE / answers[language.html].a["href"]).resolve() == PAGES[f"book/{code}/index"].path
    assert soup.base["href"].endswith("/"), "served at any depth, its links must not be relative to that depth"


def test_every_part_has_a_level():
    notebooks = [page.name for page in IN_LANGUAGE if (ROOT / f"{page.docname}.ipynb").exists()]
    assert {name.split("/")[0] for name in notebooks} <= LEVELS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_listed_as_markdown(language):
    listed = (SITE / f"book/{language}/llms.txt").read_text(encoding="utf-8")
    pages = [(caption, name) for caption, name in contents() if name.startswith(f"book/{language}/") and caption]
    links = re.findall(r"^- \[.+\]\((\S+)\): \S", listed, re.MULTILINE)
    assert [link.removeprefix(f"{BASE.rstrip('/')}/book/{language}/") for link in links] == [
        f"{name.removeprefix(f'book/{language}/')}.html.md" for _, name in pages
    ]
    assert re.findall("^## (.+)$", listed, re.MULTILINE) == list(dict.fromkeys(caption for caption, _ in pages))
    for _, name in [("", f"book/{language}/index"), *pages]:
        twin = (SITE / f"{name}.html.md").read_text(encoding="utf-8")
        assert twin.startswith("# ")
        assert not re.search(r"\]\([^)\s]+\.ipynb[#)]", twin), name


# ---- each page speaks its language -----------------------------------------------------------------------------------


@every(PAGES.values())
def test_language_title_and_description(page):
    assert page.soup.html["lang"] == page.language.html
    heading = page.soup.h1.find(string=True)
    assert page.soup.title.string == f"{page.soup.h1.get_text().removesuffix('#')} — {page.text(TITLE)}"
    assert heading.strip()
    descriptions = page.soup.find_all("meta", attrs={"name": "description"})
    assert len(descriptions) == 1
    assert descriptions[0]["content"].strip()
    paragraph = page.soup.article.select_one("section > p")
    begins = re.match(r"[\w\s]{6,40}", next(paragraph.stripped_strings)) if paragraph else None
    assert not begins or descriptions[0]["content"].startswith(begins[0].strip()), (
        "the first paragraph, not a later one"
    )
    assert len(page.soup.find_all("meta", attrs={"name": "viewport"})) == 1


FURNITURE = ".headerlink, div.cell details > summary, div.admonition > .admonition-title"
GIVEN_BY_THE_AUTHOR = "div[class*=admonition-] > .admonition-title"
CONTENT = "title, nav a, .prev-next-title, script, style, .caption-text, kbd, .logo__title, code"


@functools.cache
def interface(page: WebPage) -> frozenset[str]:
    """What the site itself says on a page: texts and labels outside of the article, and the article's furniture."""
    frame = BeautifulSoup(re.sub("<article.*</article>", "", page.html, flags=re.DOTALL), "html.parser")
    furniture = [copy.copy(f) for f in page.soup.article.select(FURNITURE) if not f.css.match(GIVEN_BY_THE_AUTHOR)]
    said = set()
    for part in [frame, *furniture]:
        for content in part.select(CONTENT):
            content.extract()
        said.update(part.stripped_strings)
        for tag in [part, *part.find_all(True)]:
            said.update(tag.get(name, "") for name in ("title", "aria-label", "placeholder", "alt"))
            said.update(
                value
                for name, value in tag.attrs.items()
                if name in ("data-none", "data-one", "data-many", "data-failed", "data-copied")
            )
    names = {language.name for language in LANGUAGES.values()} | {"© 2026, lossbook", "#"}
    sizes = re.compile(r"\(\d+\.\d\sMB\)")  # of the downloads
    found = {text for text in said if re.search(r"[^\W\d_]", text) and not sizes.fullmatch(text)}
    return frozenset(found - names)


def test_interface_has_texts_to_compare():
    assert {"Search", "Skip to main content", "Color mode", "Copied"} <= interface(PAGES[f"book/{REFERENCE}/index"])


@every([page for page in IN_LANGUAGE if page.folder != REFERENCE])
def test_no_english_interface(page):
    english = interface(PAGES[f"book/{REFERENCE}/{page.name}"])
    assert english & interface(page) == set(), "add these texts to book/strings.yml, or translate them in the template"


def test_every_text_in_every_language():
    for text, row in STRINGS.items():
        assert set(row) - {REFERENCE} == set(LANGUAGES) - {REFERENCE}, f"book/strings.yml: {text!r}"


# ---- each page leads to itself in the other languages, and else stays in its own ---------------------------------------


@every(PAGES.values())
def test_other_languages(page):
    there = {code: f"book/{code}/{page.name}" for code in LANGUAGES if f"book/{code}/{page.name}" in PAGES}
    links = page.soup.find_all("link", hreflang=True)
    fallback = DOOR if page.name == "index" else there[REFERENCE]
    expected = {LANGUAGES[code].html: PAGES[docname].path for code, docname in there.items()}
    assert {link["hreflang"]: page.target(link["href"]) for link in links} == expected | {
        "x-default": PAGES[fallback].path
    }
    offered = {a["hreflang"]: page.target(a["href"]) for a in page.soup.select(".menu-languages a[hreflang]")}
    assert offered == {html: path for html, path in expected.items() if not page.folder or html != page.language.html}


@every(IN_LANGUAGE)
def test_navigation_stays_in_the_language(page):
    own = [docname for docname in DOCNAMES if docname.startswith(f"book/{page.folder}/")]
    sidebar = [page.target(a["href"]) for a in page.soup.select("nav.bd-docs-nav a")]
    assert sidebar == [PAGES[docname].path for docname in own[1:]]
    assert page.target(page.soup.select_one(".navbar-brand")["href"]) == PAGES[own[0]].path
    here = own.index(page.docname)
    for side, neighbor in (".left-prev", here - 1), (".right-next", here + 1):
        link = page.soup.select_one(f".prev-next-area {side}")
        expected = PAGES[own[neighbor]].path if 0 <= neighbor < len(own) else None
        assert (page.target(link["href"]) if link else None) == expected


# ---- links, pictures, no other host ------------------------------------------------------------------------------------


LOADED = ("data-rank-src", "data-finder-src", "data-index-src")  # by the search, when it is asked


def dead_links(page: WebPage) -> list[str]:
    """Addresses on the page that lead nowhere in the site."""
    dead = []
    tags = page.soup.find_all(["a", "link", "script", "img", "use", "form"])
    addresses = [tag.get(name) for tag in tags for name in ("href", "src", "xlink:href", *LOADED)]
    for href in filter(None, addresses):
        if re.match(r"[a-z]+:", href):
            continue
        file, anchor = page.target(href), href.partition("#")[2]
        if not file.is_file() or not file.is_relative_to(page.site):
            dead.append(href)
        elif anchor and file.suffix == ".html":
            docname = file.relative_to(page.site).with_suffix("").as_posix()
            other = page if file == page.path else PAGES.get(docname) or WebPage(docname, page.site)
            if anchor not in other.ids:
                dead.append(href)
    return dead


def foreign_requests(html: str) -> list[str]:
    """What a browser would fetch from elsewhere: everything but links to follow and the namespaces of SVG and MathML."""
    html = re.sub(r"<(a|annotation)\b[^>]*>|\bxmlns(:\w+)?=\"[^\"]*\"|<link rel=\"canonical\"[^>]*>", "", html)
    return re.findall(
        r"(?:src|href|srcset|data|action|url\(|@import|import\()\s*[=(]?\s*[\"']?((?:https?:)?//[^\"')\s>]+)", html
    )


@every(PAGES.values())
def test_links_and_pictures(page):
    assert dead_links(page) == []
    assert foreign_requests(page.path.read_text(encoding="utf-8")) == []
    assert [id for id, times in Counter(page.ids).items() if times > 1] == []
    for picture in page.soup.article.select("img, svg:not(.katex svg, [aria-hidden])"):
        assert (picture.get("alt") or picture.get("aria-label") or "").strip(), str(picture)[:200]


@every(PAGES.values())
def test_assets_carry_a_hash_of_what_they_hold(page):
    tags = page.soup.select("script[src], link[rel=stylesheet], form[data-index-src]")
    for address in [tag[name] for tag in tags for name in ("src", "href", *LOADED) if tag.get(name)]:
        version = sha256(page.target(address).read_bytes()).hexdigest()[:8]
        assert address.endswith(f"?v={version}"), address


def test_links_checked():
    assert sum(len(page.soup.find_all("a", href=True)) for page in PAGES.values()) > 10 * len(PAGES)


@pytest.mark.parametrize(
    "file", sorted(p for p in SITE.glob("_static/**/*") if p.suffix in (".css", ".js")), ids=lambda p: p.name
)
def test_styles_and_scripts_ask_nobody_else(file):
    assert foreign_requests(file.read_text(encoding="utf-8")) == []


def test_foreign_request_is_seen():
    assert foreign_requests('<script src="https://cdn.example/x.js">') == ["https://cdn.example/x.js"]
    assert foreign_requests("@import url(//fonts.example/a.css)") == ["//fonts.example/a.css"]
    assert foreign_requests('<a href="https://pytorch.org">docs</a>') == []


@every(PAGES.values())
def test_every_drawn_figure_is_on_the_page(page):
    source = ROOT / f"{page.docname}.ipynb"
    cells = read_page(source).cells if source.exists() else []
    drawn = [cell.alt for cell in cells for output in cell.outputs if "image/svg+xml" in output.get("data", {})]
    assert [svg["aria-label"] for svg in page.soup.select("svg.figure")] == drawn
    rasters = page.soup.article.find_all("image")  # photographs of digits, which a drawing may hold
    assert [image for image in rasters if not image.find_parent("svg", class_="figure")] == []


@every(PAGES.values())
def test_no_repository_no_buttons(page):
    launchers = page.soup.select("a[href*=colab], a[href*=mybinder], a[href*='/edit/'], a[href*='/issues/']")
    assert [link for link in launchers if not link.find_parent("article")] == []  # a page may cite an issue
    assert len(page.soup.select(".article-header-buttons a[download]")) == bool(page.folder)
