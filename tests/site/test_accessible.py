"""axe looks at each kind of page, and at what opens on it."""

import pytest

from tests.site.browser import COLOR_RULES, find, violations
from tests.site.pages import DOOR, WebPage
from tools.book import LANGUAGES

KINDS = [
    *(WebPage(docname) for docname in (DOOR, *(f"book/{code}/index" for code in LANGUAGES))),
    WebPage("book/vi/what-is-a-loss/one-hot-and-softmax"),
    WebPage("book/zh/api"),
]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", KINDS, ids=lambda page: page.docname)
def test_accessible(reader, page, width):
    tab = reader(width)
    tab.goto(f"{page.docname}.html")
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    assert violations(tab) == []
    if width == 1280:
        tab.emulate_media(color_scheme="dark")
        tab.reload()
        assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
        assert violations(tab, COLOR_RULES) == []  # the rest is as in light


LINK = "<p>To <a href='#' style='color: #111; text-decoration: none'>a place</a> that nobody takes for a link.</p>"


def test_inaccessible_page_is_seen(reader):
    tab = reader()
    tab.goto(f"{DOOR}.html")
    tab.set_content(f"<html><body><main><img src='data:,'><p style='color: #ccc'>pale</p>{LINK}</main></body></html>")
    seen = {fault.partition(":")[0] for fault in violations(tab)}
    assert seen >= {"image-alt", "color-contrast", "html-has-lang", "link-in-text-block"}


def test_what_opens_is_accessible(reader):
    """Search results, menus and the phone's sidebars are not on the page until asked for."""
    tab = reader(390)
    tab.goto("book/vi/what-is-a-loss/idea.html")
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
