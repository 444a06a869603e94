"""The search, asked in Chromium: every query of search.yml and every page's title, in each language."""

from pathlib import Path

import pytest
import yaml

from tests.site.browser import find, wider_than_screen
from tests.site.pages import SITE, own
from tools.book import LANGUAGES

SEARCHES = yaml.safe_load((Path(__file__).with_name("search.yml")).read_text(encoding="utf-8"))
EVERYWHERE = SEARCHES.pop("every language")

# The dialog waits a tenth of a second for the next letter, but a test that asks thirty times types no letters.
IMPATIENT = "setTimeout = ((wait) => (done, milliseconds) => wait(done, milliseconds / 50))(setTimeout)"


def open_search(tab, language: str) -> None:
    """The search dialog of a language's home."""
    tab.add_init_script(IMPATIENT)
    tab.goto(f"book/{language}/index.html")
    tab.locator(".search-button__button:visible").click()


# Types each query as find() does, and lists where the pages found open. To ask the page for each would take longer.
FIND_ALL = """async (queries) => {
  const input = document.querySelector("form.bd-search input");
  const results = document.querySelector("#search-results");
  const found = {};
  for (const query of queries) {
    input.value = query;
    input.dispatchEvent(new Event("input"));
    while (results.dataset.query !== query) await new Promise((done) => setTimeout(done));
    const links = results.querySelectorAll("li > p:first-child a:last-child");
    found[query] = Array.from(links, (link) => link.pathname + link.hash);
    if (!document.querySelector("#search-status").textContent) throw Error(`${query}: a screen reader is told nothing`);
  }
  return found;
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_search(reader, language):
    tab = reader()
    open_search(tab, language)
    titles = {page.title: page.docname for page in own(language)}
    faults = []
    queries = [*SEARCHES[language].items(), *EVERYWHERE.items(), *titles.items()]
    everything = tab.evaluate(FIND_ALL, [query for query, _ in queries])
    for query, name in queries:
        found = [link.removeprefix(f"/book/{language}/").replace(".html", "") for link in everything[query]]
        name = name.removeprefix(f"book/{language}/")
        if name == "none":
            faults += [f"{query}: {found}"] if found else []
        elif name not in (found[:2] if "#" in name else [link.partition("#")[0] for link in found[:2]]):
            faults.append(f"{query}: not {name}, but {found[:3]}")
    assert faults == []
    assert tab.faults == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_search_on_a_phone(reader, language):
    tab = reader(390)
    open_search(tab, language)
    assert all(find(tab, query) for query, name in [*SEARCHES[language].items()][:3] if name != "none")
    assert wider_than_screen(tab) == 0
    assert tab.faults == []


def test_search_of_files_and_of_a_name_alone(reader):
    """The one name everybody knows leads to its own page; pages opened from a folder can be searched too."""
    tab = reader()
    tab.goto((SITE / "book/en/index.html").as_uri())
    tab.keyboard.press("Control+K")
    assert find(tab, "CrossEntropyLoss")[0].endswith("/book/en/guide/cross-entropy.html")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/guide/cross-entropy.html*")


def test_every_language_is_searched():
    assert list(SEARCHES) == list(LANGUAGES)
    assert all("none" in queries.values() for queries in SEARCHES.values())
    assert all(len(queries) + len(EVERYWHERE) >= 60 for queries in SEARCHES.values())


def test_a_result_opens_at_its_section_and_marks_what_was_found(reader):
    """Once: whoever comes back to the page later reads it unmarked."""
    tab = reader()
    open_search(tab, "en")
    assert find(tab, "label smoothing")[0].endswith("/guide/cross-entropy.html#smoothing")
    tab.locator("#search-results li").first.locator("p:first-child a").last.click()
    tab.wait_for_url("**/guide/cross-entropy.html#smoothing")
    marked = "() => [...(CSS.highlights.get('found') ?? [])].map(String)"
    tab.wait_for_function("() => CSS.highlights.has('found')")
    words = tab.evaluate(marked)
    assert {word.lower() for word in words} >= {"smoothing", "label_smoothing"}
    inside = "() => [...CSS.highlights.get('found')].every((r) => document.getElementById('smoothing').contains(r.startContainer))"
    assert tab.evaluate(inside)
    tab.reload()
    assert tab.evaluate(marked) == []
    assert tab.faults == []
