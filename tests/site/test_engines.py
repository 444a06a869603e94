"""A few pages in Firefox and in WebKitGTK, which stands for Safari: what Chromium alone would not show.

Where one is not installed its tests are skipped, with a line at the end that says so. In continuous integration they fail.
"""

import os

import pytest

from lossbook.lessons.explorers import EXPLORERS
from tests.site import engines
from tools.book import LANGUAGES

ENGINES = {
    "firefox": (engines.Firefox, engines.FIREFOX, "firefox-esr"),
    "webkit": (engines.WebKit, engines.WEBKIT and engines.SCREEN, "webkit2gtk-driver xvfb"),
}
PHONE = 390  # pixels; both make a window of 450


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    kind, there, packages = ENGINES[request.param]
    if not there and not os.environ.get("CI"):
        pytest.skip(f"no {request.param}: its tests of the site were NOT run (apt install {packages})")
    assert there, f"There is no {request.param} to read the site with: apt install {packages}."
    browser = kind(PHONE)
    yield browser
    browser.close()


@pytest.mark.parametrize(
    "page", ["vi/index", "en/guide/mse", "zh/guide/cross-entropy", "pt/api", "en/api/classification", "vi/glossary"]
)
def test_page_fits(engine, address, page):
    engine.goto(f"{address}book/{page}.html")
    assert engine.run("return document.documentElement.lang") == LANGUAGES[page[:2]].html
    assert engine.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert engine.run("return document.querySelector('h1').getBoundingClientRect().height") > 0


def test_glossary_links_are_seen(engine, address):
    """WebKit knows no shorthand of text-decoration."""
    engine.goto(f"{address}book/en/guide/cross-entropy.html")
    styles = "(({ textDecorationLine: line, textDecorationStyle: style }) => [line, style])"
    assert engine.run(f"return {styles}(getComputedStyle(document.querySelector('a.term')))") == ["underline", "dotted"]


def test_an_explorer_moves(engine, address):
    engine.goto(f"{address}book/en/guide/mse.html")
    engine.run("document.querySelector('figure.explorer').dispatchEvent(new Event('focusin'))")
    engine.wait("document.querySelector('figure.explorer').dataset.shows")
    engine.run(
        """const input = document.querySelector('figure.explorer [name=input]');
        input.value = 3.5;
        input.dispatchEvent(new Event('input', { bubbles: true }));"""
    )
    engine.wait("JSON.parse(document.querySelector('figure.explorer').dataset.shows).input === 3.5")
    shown = engine.run("return Number(document.querySelector('output[name=loss]').dataset.number)")
    assert shown == pytest.approx(EXPLORERS["mse"].answer({"input": 3.5})["loss"])


def test_the_search_finds(engine, address):
    engine.goto(f"{address}book/zh/index.html")
    engine.run(
        """document.querySelector('.search-button__button').click();
        const input = document.querySelector('form.bd-search input');
        input.value = '交叉熵';
        input.dispatchEvent(new Event('input', { bubbles: true }));"""
    )
    engine.wait("document.querySelector('#search-results').dataset.query === '交叉熵'")
    first = engine.run("return document.querySelector('#search-results a:last-child').pathname")
    assert first.startswith("/book/zh/")


def test_two_languages_stand_side_by_side(engine, address):
    engine.goto(f"{address}book/pt/guide/mse.html?with=vi")
    engine.wait("document.documentElement.classList.contains('beside')")
    assert engine.run("return document.querySelector('.pair > [lang]').lang") == "vi"
    assert engine.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
