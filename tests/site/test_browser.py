"""The site as a reader meets it: Chromium reads every page, searches, changes language; axe looks at each kind of page.

Without Chromium these tests are skipped, with a line at the end that says so. In continuous integration they fail.
"""

import functools
import http.server
import itertools
import os
import threading
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.site.pages import DOOR, INDEX, SITE, WebPage
from tools.book import LANGUAGES, contents
from tools.make.chromium import CHROMIUM, QUIET

PAGES = [WebPage(docname) for _, docname in contents()]
SEARCHES = yaml.safe_load((Path(__file__).with_name("search.yml")).read_text(encoding="utf-8"))
EVERY_RULE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOR_RULES = ["color-contrast", "link-in-text-block"]

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip(
        "no Chromium: the browser tests of the site were NOT run (apt install chromium)", allow_module_level=True
    )


@pytest.fixture(scope="module")
def address():
    """The built site, served on a free port."""
    there = all(file.exists() for file in INDEX)
    assert there, "There is no complete site in _build/html. Run `make book` first."

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
    for here, there in itertools.permutations(LANGUAGES, 2):
        tab.goto(f"book/{here}/what-is-a-loss/idea.html")
        tab.locator(".menu-languages summary").click()
        tab.locator(f".menu-languages a[hreflang={LANGUAGES[there].html}]").click()
        assert tab.url.endswith(f"/book/{there}/what-is-a-loss/idea.html")
        assert tab.evaluate("document.documentElement.lang") == LANGUAGES[there].html
    assert tab.faults == []


# Scrolled to the section that the address names.
ARRIVED = "(top => 0 <= top && top < 200)(document.querySelector(location.hash)?.getBoundingClientRect().top)"


def test_another_language_opens_at_the_same_section(reader):
    tab = reader()
    tab.goto("book/zh/guide/cross-entropy.html#smoothing")
    tab.wait_for_function(ARRIVED)
    tab.locator(".menu-languages").evaluate("menu => (menu.open = true)")  # Playwright scrolls before it clicks
    tab.wait_for_function("document.querySelector('.menu-languages a').hash")
    tab.locator(".menu-languages a[hreflang=vi]").click()
    assert tab.url.endswith("/book/vi/guide/cross-entropy.html#smoothing")
    tab.wait_for_function(ARRIVED)
    tab.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    tab.locator(".menu-languages summary").click()
    tab.locator(".menu-languages a[hreflang=en]").click()
    assert tab.url.endswith("/book/en/guide/cross-entropy.html"), "at its top a page needs no section"
    assert tab.faults == []


# ---- search ------------------------------------------------------------------------------------------------------------


def find(tab, query: str) -> list[str]:
    """Type a query into the search of the open page; where each page found opens, as addresses."""
    tab.locator("form.bd-search input").fill(query)
    tab.wait_for_function("query => document.querySelector('#search-results').dataset.query === query", arg=query)
    links = "links => links.map(link => link.pathname + link.hash)"
    assert tab.locator("#search-status").inner_text().strip(), "a screen reader is told how many pages were found"
    return tab.locator("#search-results li > p:first-child a:last-child").evaluate_all(links)


# The dialog waits a tenth of a second for the next letter, but a test that asks thirty times types no letters.
IMPATIENT = "setTimeout = ((wait) => (done, milliseconds) => wait(done, milliseconds / 50))(setTimeout)"


def open_search(tab, language: str) -> None:
    """The search dialog of a language's home."""
    tab.add_init_script(IMPATIENT)
    tab.goto(f"book/{language}/index.html")
    tab.locator(".search-button__button:visible").click()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_search(reader, language, width):
    tab = reader(width)
    open_search(tab, language)
    faults = []
    for query, name in SEARCHES[language].items():
        found = [link.removeprefix(f"/book/{language}/").replace(".html", "") for link in find(tab, query)]
        if name == "none":
            faults += [f"{query}: {found}"] if found else []
        elif name not in (found[:3] if "#" in name else [link.partition("#")[0] for link in found[:3]]):
            faults.append(f"{query}: not {name}, but {found[:3]}")
    assert faults == []
    assert wider_than_screen(tab) == 0
    assert tab.faults == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_found_by_its_title(reader, language):
    tab = reader()
    open_search(tab, language)
    for page in [page for page in PAGES if page.folder == language]:
        found = [link.partition("#")[0] for link in find(tab, page.title)[:3]]
        assert f"/{page.docname}.html" in found, page.title


def test_search_of_files_and_of_a_name_alone(reader):
    """The one name everybody knows leads to its own page; pages opened from a folder can be searched too."""
    tab = reader()
    tab.goto((SITE / "book/en/index.html").as_uri())
    tab.keyboard.press("Control+K")
    assert find(tab, "CrossEntropyLoss")[0].endswith("/book/en/guide/cross-entropy.html#in-pytorch")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/guide/cross-entropy.html*")


def test_every_language_is_searched():
    assert list(SEARCHES) == list(LANGUAGES)
    assert all("none" in queries.values() and len(queries) >= 5 for queries in SEARCHES.values())


# axe takes a millisecond to compute a contrast, and a page holds thousands of words of code in a dozen colors. So of what
# stands in the same colors, as large and as bold, in the same place below the same elements, it looks at the first alone.
AXE_RUN = """([context, options]) => {
  const looks = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow"];
  const kinds = new Map(), kind = new Map();
  for (const element of document.querySelectorAll("body, body :not(.katex-html, .katex-html *)")) {
    const style = getComputedStyle(element);
    const place = [kind.get(element.parentElement), element.tagName, element.className, element.checkVisibility()];
    const key = JSON.stringify([...place, ...looks.map((look) => style[look])]);
    element.toggleAttribute("data-alike", kinds.has(key));
    if (!kinds.has(key)) kinds.set(key, kinds.size);
    kind.set(element, kinds.get(key));
  }
  axe.configure({ rules: [{ id: "color-contrast", selector: ":not([data-alike])" }] });
  return axe.run(context, options);
}"""


def violations(tab, rules=EVERY_RULE) -> list[str]:
    """What axe finds. The drawn half of formulas is hidden from assistive technology and would take minutes."""
    tab.evaluate(Axe().axe_script)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    report = tab.evaluate(AXE_RUN, [{"exclude": [[".katex-html"]]}, options])["violations"]
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
    assert violations(tab, EVERY_RULE if scheme == "light" else COLOR_RULES) == []  # the rest is as in light


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
    fold = tab.locator("div.cell details.hide").first
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


# ---- where a browser withholds something -------------------------------------------------------------------------------


def test_code_is_copied_without_a_clipboard(reader):
    """Browsers give pages that came over plain http none."""
    tab = reader()
    tab.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    tab.goto("book/en/guide/mse.html")
    cell = tab.locator("div.cell_input").first
    cell.hover()
    cell.locator("button.copy").click()
    assert cell.locator("button.copy").get_attribute("aria-label") == "Copied"
    tab.evaluate("document.body.prepend(document.createElement('textarea'))")
    tab.locator("body > textarea").focus()
    tab.keyboard.press("Control+V")
    assert tab.locator("body > textarea").input_value() == cell.locator("pre").inner_text().strip()
    assert tab.faults == []


def test_a_session_is_copied_without_prompts_and_outputs(reader):
    tab = reader()
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto("book/en/api.html")
    for button in tab.locator("button.copy").all()[:5]:
        button.focus()
        tab.keyboard.press("Enter")
        copied = tab.evaluate("navigator.clipboard.readText()")
        assert ">>>" not in copied
        compile(copied, "copied", "exec")


BLOCKED = (
    "for (const name of ['getItem', 'setItem']) Storage.prototype[name] = () => { throw new DOMException('blocked') }"
)


def test_blocked_storage(reader):
    tab = reader(1280, "dark")
    tab.add_init_script(BLOCKED)
    tab.goto("book/en/guide/mse.html")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.keyboard.press("Control+K")
    assert find(tab, "MSELoss")
    assert tab.faults == []


def test_sandboxed_frame(reader, address):
    tab = reader()
    tab.goto("404.html")
    frame = f'<iframe sandbox="allow-scripts" width="900" height="700" src="{address}book/en/guide/mse.html"></iframe>'
    tab.set_content(frame)
    page = tab.frames[1]
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.locator("h1").click()
    tab.keyboard.press("Control+K")
    assert page.locator("#pst-search-dialog").is_visible()
    assert find(page, "MSELoss")


def test_without_scripts(chromium, address):
    context = chromium.new_context(java_script_enabled=False, color_scheme="dark", base_url=address)
    tab = context.new_page()
    tab.goto("book/en/guide/mse.html")
    assert tab.locator("html").get_attribute("data-theme") == "light"
    tab.locator(".menu-languages summary").click()
    tab.locator(".menu-languages a[hreflang=vi]").click()
    assert tab.url.endswith("/book/vi/guide/mse.html")
    context.close()


@pytest.mark.parametrize(("asked", "language"), [("book/vi/guide/gone.html", "vi"), ("anywhere/else.html", "en")])
def test_wrong_address(reader, address, asked, language):
    """GitHub Pages answers with 404.html at whatever depth."""
    tab = reader()
    tab.route(
        "**/*.html",
        lambda route: route.fulfill(path=SITE / "404.html") if asked in route.request.url else route.continue_(),
    )
    tab.goto(asked)
    assert tab.evaluate("document.documentElement.lang") == language
    assert tab.locator("h1:visible").count() == 1
    assert violations(tab) == []
    tab.locator("a:visible").click()
    tab.wait_for_url(f"{address}book/{language}/index.html")
    assert tab.faults == []


# ---- what stands where -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_header_of_a_narrow_phone(reader, language):
    tab = reader(320)
    tab.goto(f"book/{language}/api.html")
    assert wider_than_screen(tab) == 0
    name = tab.locator(".menu-languages summary > span")
    assert name.evaluate("span => span.scrollWidth <= span.clientWidth"), "the language's name is cut off"
    assert tab.locator(".bd-header-article").bounding_box()["height"] < 60


def test_focus_is_shown(reader):
    tab = reader(390)
    tab.goto("book/en/guide/mse.html")
    buttons = ".bd-header-article :is(button, summary):visible"
    assert tab.locator(buttons).count() >= 6
    for button in tab.locator(buttons).all():
        tab.keyboard.press("Tab")
        button.focus()
        assert button.evaluate("button => getComputedStyle(button).outlineStyle") == "solid", button.inner_html()


def test_drawers_of_a_phone(reader):
    tab = reader(390)
    tab.goto("book/en/guide/kl-divergence.html")
    focused = "document.activeElement.className"
    tab.locator(".primary-toggle").click()
    assert (
        tab.locator("#pst-primary-sidebar-modal .current.active").evaluate("link => link.getBoundingClientRect().top")
        < 844
    )
    tab.keyboard.press("Escape")
    assert "primary-toggle" in tab.evaluate(focused)
    tab.locator(".secondary-toggle").click()
    tab.locator("#pst-secondary-sidebar-modal a[href='#in-pytorch']").click()
    assert not tab.locator("#pst-secondary-sidebar-modal").is_visible()
    assert tab.url.endswith("#in-pytorch")
    tab.wait_for_function(ARRIVED)


@pytest.mark.parametrize("page", ["book/en/guide/kl-divergence", "book/zh/api"])
def test_home_search_and_current_page_are_in_sight(reader, page):
    tab = reader(1280)
    tab.goto(f"{page}.html")
    for part in (".navbar-brand", ".search-button-field", ".bd-docs-nav .current.active"):
        box = tab.locator(f"#pst-primary-sidebar {part}").first.bounding_box()
        assert 0 <= box["y"] < box["y"] + box["height"] <= 844, part
