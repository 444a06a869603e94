"""The site as a reader meets it: Chromium reads every page, changes language, copies code, opens what is folded."""

import pytest

from tests.site.browser import find, violations, wider_than_screen
from tests.site.pages import DOOR, SITE, WebPage
from tools.book import LANGUAGES, contents

PAGES = [WebPage(docname) for _, docname in contents()]


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
    tab.goto("book/en/what-is-a-loss/idea.html")
    for there in [*list(LANGUAGES)[1:], "en"]:  # each is left and entered; test_site.py reads every other link
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
