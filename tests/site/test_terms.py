"""Terms show their definitions: under the pointer, with the focus, at a tap; Escape closes; a screen reader is told."""

import pytest

from tests.site.browser import violations
from tests.site.pages import WebPage
from tools.book import LANGUAGES, read_data

PAGE = "guide/cross-entropy"
TERMS = {term["en"]: term for term in read_data("glossary")["terms"]}
DEFINED = [language for language in LANGUAGES if all(language in term["definition"] for term in TERMS.values())]
OPEN = ".definition:popover-open"


def term(tab, language: str = "en"):
    """The first term of the page that is taught elsewhere."""
    tab.goto(f"book/{language}/{PAGE}.html")
    return tab.locator("a.term[aria-describedby='about-term-entropy']")


@pytest.mark.parametrize("language", DEFINED)
def test_terms_are_described(language):
    soup = WebPage(f"book/{language}/{PAGE}").soup
    links = soup.select("a.term")
    about = [link["aria-describedby"] for link in links]
    assert about == [link["href"].replace("../glossary.html#", "about-") for link in links]
    assert about == [definition["id"] for definition in soup.select(".definition")], "its own terms, and no others"
    assert len(about) > 15


@pytest.mark.parametrize("language", DEFINED)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_hovering_and_focus_show_the_definition(reader, width, scheme, language):
    tab = reader(width, scheme)
    entropy = term(tab, language)
    entropy.scroll_into_view_if_needed()
    before = entropy.bounding_box()
    assert tab.locator(OPEN).count() == 0
    entropy.hover()
    tab.wait_for_selector(OPEN)
    definition = tab.locator(OPEN)
    assert entropy.bounding_box() == before, "nothing moves"
    box = definition.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert violations(tab) == []
    definition.hover()  # the pointer may go there, to follow a link
    tab.wait_for_timeout(400)
    assert definition.count() == 1
    tab.mouse.move(1, 1)
    tab.wait_for_selector(OPEN, state="detached")
    tab.keyboard.press("Tab")  # from here on the focus is shown
    entropy.focus()
    assert definition.count() == 1
    tab.keyboard.press("Escape")
    assert definition.count() == 0
    assert entropy.evaluate("term => document.activeElement === term")
    assert tab.faults == []


def test_a_click_leads_to_the_glossary(reader):
    tab = reader()
    term(tab).click()
    tab.wait_for_url("**/glossary.html#term-entropy")


def test_a_tap_shows_the_definition(chromium, address):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, base_url=address, has_touch=True)
    tab = context.new_page()
    term(tab).tap()
    tab.wait_for_selector(OPEN)
    assert tab.url.endswith(f"{PAGE}.html")
    tab.locator(f"{OPEN} .more a").last.tap()
    tab.wait_for_url("**/glossary.html#term-entropy")
    context.close()
