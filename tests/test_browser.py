"""The site as a reader meets it: Chromium reads every page, searches, changes language; axe looks at each kind of page.

Without Chromium these tests are skipped, with a line at the end that says so. In continuous integration they fail.
"""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.site_pages import DOOR, SITE, WebPage, contents
from tools.book import LANGUAGES

PAGES = [WebPage(docname) for docname in contents()]
SEARCHES = yaml.safe_load((Path(__file__).parent / "site_search.yml").read_text(encoding="utf-8"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip(
        "no Chromium: the browser tests of the site were NOT run (apt install chromium)", allow_module_level=True
    )


@pytest.fixture(scope="module")
def address():
    """The built site, served on a free port."""
    assert (SITE / "pagefind/pagefind-entry.json").exists(), (
        "There is no complete site in _build/html. Run `make book` first."
    )

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Silent, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium, or whichever is installed."""
    assert CHROMIUM, "There is no Chromium to read the site with: install it (apt install chromium)."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def open_tab(chromium, address, width=1280, scheme="light"):
    """A tab that notes what a page should not do: log an error, ask another host, miss a file."""
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, base_url=address)
    tab = context.new_page()
    tab.faults = []
    tab.on("console", lambda entry: tab.faults.append(entry.text) if entry.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.on("request", lambda request: tab.faults.append(request.url) if not request.url.startswith(address) else None)
    tab.on(
        "response",
        lambda answer: tab.faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    return tab


@pytest.fixture
def reader(chromium, address):
    """Opens tabs of readers who were never here before."""

    def opened(*how):
        tabs.append(open_tab(chromium, address, *how))
        return tabs[-1]

    tabs = []
    yield opened
    for tab in tabs:
        tab.context.close()


@pytest.fixture(scope="module")
def phone(chromium, address):
    """One tab for all pages, as a reader has it: the files they share are fetched once."""
    tab = open_tab(chromium, address, 390)
    yield tab
    tab.context.close()


def wider_than_screen(tab) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.docname)
def test_page_on_a_phone(phone, page):
    phone.faults.clear()
    phone.goto(f"{page.docname}.html")
    assert phone.evaluate("document.documentElement.lang") == page.language.html
    assert phone.title().startswith(phone.inner_text("h1").removesuffix("#").strip())
    assert wider_than_screen(phone) == 0
    assert phone.faults == []


def test_faults_of_a_page_are_seen(reader, address):
    tab = reader(390)
    tab.goto(f"{DOOR}.html")
    tab.set_content('<div style="width: 900px">wide</div><script>console.error("told")</script><img src="/none.png">')
    tab.wait_for_load_state("networkidle")
    assert wider_than_screen(tab) > 500
    assert "told" in tab.faults
    assert f"404 {address}none.png" in tab.faults


def test_door_and_language_switch(reader):
    tab = reader()
    tab.goto("index.html")
    tab.wait_for_url(f"**/{DOOR}.html")
    tab.get_by_role("link", name="Tiếng Việt", exact=True).click()
    assert tab.evaluate("document.documentElement.lang") == "vi"
    for page in {page.folder: page for page in PAGES if page.folder}.values():  # the last of each language
        for code in [code for code in LANGUAGES if code != page.folder]:
            tab.goto(f"{page.docname}.html")
            tab.locator(".menu-languages summary").click()
            tab.locator(f".menu-languages a[hreflang={LANGUAGES[code].html}]").click()
            assert tab.url.endswith(f"/book/{code}/{page.name}.html")
            assert tab.evaluate("document.documentElement.lang") == LANGUAGES[code].html
    assert tab.faults == []


def find(tab, query: str) -> list[str]:
    """Type a query into the search of the open page; what is found, as addresses."""
    tab.locator("form.bd-search input").fill(query)
    tab.wait_for_function("query => document.querySelector('#search-results').dataset.query === query", arg=query)
    links = tab.locator("#search-results a").evaluate_all("links => links.map(link => link.pathname)")
    assert tab.locator("#search-status").inner_text().strip(), "a screen reader is told how many pages were found"
    return links


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_search(reader, language, width):
    tab = reader(width)
    tab.goto(f"book/{language}/index.html")
    tab.locator(".search-button__button:visible").click()
    for query, name in SEARCHES[language].items():
        found = find(tab, query)
        if name == "none":
            assert found == [], query
        else:
            assert f"/book/{language}/{name}.html" in found, query
            assert all(link.startswith(f"/book/{language}/") for link in found), query
    assert wider_than_screen(tab) == 0
    assert tab.faults == []


def test_every_language_is_searched():
    assert list(SEARCHES) == list(LANGUAGES)
    assert all("none" in queries.values() and len(queries) >= 5 for queries in SEARCHES.values())


def violations(tab) -> list[str]:
    """What axe finds. The drawn half of formulas is hidden from assistive technology and would take minutes."""
    report = Axe().run(tab, context={"exclude": [[".katex-html"]]}, options=AXE).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in report for node in rule["nodes"]]


KINDS = [
    *(page for page in PAGES if page.name == "index"),
    WebPage("book/vi/what-is-a-loss/one-hot-and-softmax"),
    WebPage("book/zh/api"),
]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
@pytest.mark.parametrize("page", KINDS, ids=lambda page: page.docname)
def test_accessible(reader, page, width, scheme):
    tab = reader(width, scheme)
    tab.goto(f"{page.docname}.html")
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    assert violations(tab) == []


def test_inaccessible_page_is_seen(reader):
    tab = reader()
    tab.goto(f"{DOOR}.html")
    tab.set_content("<html><body><main><img src='data:,'><p style='color: #ccc'>pale</p></main></body></html>")
    assert {fault.partition(":")[0] for fault in violations(tab)} >= {"image-alt", "color-contrast", "html-has-lang"}


def test_what_opens_is_accessible(reader):
    """Search results, menus and the phone's sidebars are not on the page until asked for."""
    tab = reader(390)
    tab.goto("book/vi/what-is-a-loss/one-hot-and-softmax.html")
    tab.locator(".menu-languages summary").click()
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    assert not tab.locator(".menu-languages ul").is_visible()
    for toggle in (".primary-toggle", ".secondary-toggle"):
        tab.locator(f"{toggle}:visible").click()
        assert violations(tab) == []
        tab.keyboard.press("Escape")
    tab.locator(".search-button__button:visible").click()
    assert find(tab, "softmax")
    assert violations(tab) == []
    assert tab.faults == []


def test_solutions_unfold_and_code_is_copied(reader):
    tab = reader()
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto("book/vi/what-is-a-loss/one-hot-and-softmax.html")
    fold = tab.locator("details.hide").first
    assert fold.locator("summary").inner_text() == "Hiện lời giải"
    assert not fold.locator("pre").first.is_visible()
    fold.locator("summary").click()
    assert fold.locator("summary").inner_text() == "Ẩn lời giải"
    assert fold.locator("pre").first.is_visible()
    cell = tab.locator("div.cell_input").first
    cell.hover()
    cell.locator("button.copy").click()
    assert tab.evaluate("navigator.clipboard.readText()") == cell.locator("pre").inner_text().strip()
    assert cell.locator("button.copy").get_attribute("aria-label") == "Đã sao chép"
