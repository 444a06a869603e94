"""Two languages side by side, by cell: on a server, from a folder, for a keyboard; and an issue that knows its cell."""

import pytest

from tests.site.browser import violations, wider_than_screen
from tests.site.pages import SITE, WebPage
from tools.book import LANGUAGES, ROOT, read_page

PAGE = "guide/mse"
ROWS = "[...document.querySelectorAll('.pair')].map(row => [...row.children].map(side => side.firstElementChild.textContent))"


def prose_cells(language):
    """The ids of a page's cells of prose, in the order of the site: the note about the article comes last."""
    ids = [c.id for c in read_page(ROOT / f"book/{language}/{PAGE}.ipynb").cells if c.kind == "markdown"]
    return sorted(ids, key=lambda id: id == "about-the-article")


def wait_for_rows(tab):
    tab.wait_for_function("document.documentElement.classList.contains('beside')")
    return tab.evaluate(ROWS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cell_of_prose_stands_beside_its_translation(reader, language):
    other = "en" if language != "en" else "vi"
    tab = reader()
    tab.goto(f"book/{language}/{PAGE}.html?with={other}")
    rows = wait_for_rows(tab)
    assert len(rows) == len(prose_cells(language))
    assert tab.locator(".pair > [lang]").first.get_attribute("lang") == LANGUAGES[other].html
    title = WebPage(f"book/{other}/{PAGE}").title
    assert " ".join(rows[0][1].removesuffix("#").split()) == title
    assert rows[-1][1] != rows[-1][0]
    duplicated = "(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
    assert tab.evaluate(duplicated) == 0
    assert violations(tab) == []
    assert tab.faults == []


def test_a_keyboard_opens_and_closes_it_and_it_stays_on_the_next_page(reader):
    tab = reader()
    tab.goto(f"book/zh/{PAGE}.html")
    assert tab.locator(".pair").count() == 0
    summary = tab.locator(".menu-languages summary")
    summary.focus()
    tab.keyboard.press("Enter")
    side = tab.locator(".menu-languages a[data-with=en]")
    assert not tab.locator(".menu-languages .alone").is_visible()
    side.focus()
    tab.keyboard.press("Enter")
    wait_for_rows(tab)
    tab.locator(".right-next").click()
    tab.wait_for_url("**/*.html?with=en")
    wait_for_rows(tab)
    tab.locator(".menu-languages summary").click()
    tab.locator(".menu-languages .alone a").click()
    tab.wait_for_url("**/*.html?")
    assert tab.locator(".pair").count() == 0
    assert tab.faults == []


def test_it_needs_no_server(chromium):
    tab = chromium.new_page()
    tab.goto((SITE / f"book/pt/{PAGE}.html").as_uri() + "?with=vi")
    assert len(wait_for_rows(tab)) == len(prose_cells("pt"))
    tab.close()


def test_on_a_phone_one_stands_below_the_other(reader):
    tab = reader(390, "dark")
    tab.goto(f"book/vi/{PAGE}.html?with=zh#by-hand")
    wait_for_rows(tab)
    assert wider_than_screen(tab) == 0
    own, theirs = (side.bounding_box() for side in tab.locator(".pair").nth(1).locator("> div").all())
    assert theirs["y"] >= own["y"] + own["height"]
    assert violations(tab) == []


def test_a_page_asks_for_nothing_before(reader):
    tab = reader()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"book/en/{PAGE}.html")
    tab.wait_for_load_state("networkidle")
    assert not [url for url in asked if "beside" in url]
    assert asked


def test_a_report_names_the_cell_that_the_reader_has_reached(reader):
    """The link stands on the page once there is a repository; here one is put into it."""
    address = "https://github.com/o/r/issues/new?body=Cell%3A+"
    tab = reader()
    tab.route(
        "**/guide/mse.html",
        lambda route: route.fulfill(
            body=WebPage(f"book/en/{PAGE}").html.replace(
                "</article>", f'</article><a class="report" href="{address}">?</a>'
            ),
            content_type="text/html",
        ),
    )
    tab.goto(f"book/en/{PAGE}.html")
    tab.evaluate("document.querySelector('.report').addEventListener('click', event => event.preventDefault())")
    for cell in ("title", "traps"):
        tab.evaluate("id => document.getElementById(id).scrollIntoView({ behavior: 'instant', block: 'start' })", cell)
        tab.evaluate("scrollBy({ top: -innerHeight / 4, behavior: 'instant' })")  # where one reads
        tab.evaluate("document.querySelector('.report').click()")
        assert tab.locator(".report").get_attribute("href") == address + cell
