"""What a reader's browser is asked on the site. The fixtures that open it stand in conftest.py.

Without Chromium the tests that import this are skipped, with a line at the end that says so. In continuous integration
they fail.
"""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe

from tools.make.chromium import CHROMIUM

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip(
        "no Chromium: the browser tests of the site were NOT run (apt install chromium)", allow_module_level=True
    )

EVERY_RULE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOR_RULES = ["color-contrast", "link-in-text-block"]


def wider_than_screen(tab) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def find(tab, query: str) -> list[str]:
    """Type a query into the search of the open page; where each page found opens, as addresses."""
    tab.locator("form.bd-search input").fill(query)
    tab.wait_for_function("query => document.querySelector('#search-results').dataset.query === query", arg=query)
    links = "links => links.map(link => link.pathname + link.hash)"
    assert tab.locator("#search-status").inner_text().strip(), "a screen reader is told how many pages were found"
    return tab.locator("#search-results li > p:first-child a:last-child").evaluate_all(links)


# axe takes a millisecond to compute a contrast, and a page holds thousands of words of code in a dozen colors. So of what
# stands in the same colors, as large and as bold, in the same place below the same elements, it looks at the first alone.
# It asks a link whether it stands out from its text, which is as costly, in the same way.
AXE_RUN = """([context, options]) => {
  const looks = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow"];
  looks.push("textDecorationLine", "fontStyle", "borderBottom");
  const kinds = new Map(), kind = new Map();
  for (const element of document.querySelectorAll("body, body :not(.katex-html, .katex-html *)")) {
    const style = getComputedStyle(element);
    const place = [kind.get(element.parentElement), element.tagName, element.className, element.checkVisibility()];
    const key = JSON.stringify([...place, ...looks.map((look) => style[look])]);
    element.toggleAttribute("data-alike", kinds.has(key));
    if (!kinds.has(key)) kinds.set(key, kinds.size);
    kind.set(element, kinds.get(key));
  }
  const selectors = {
    "color-contrast": ":not([data-alike])",
    "link-in-text-block": ":is(a[href], [role=link]):not([data-alike])",
  };
  axe.configure({ rules: Object.entries(selectors).map(([id, selector]) => ({ id, selector })) });
  return axe.run(context, options);
}"""


def violations(tab, rules=EVERY_RULE) -> list[str]:
    """What axe finds. The drawn half of formulas is hidden from assistive technology and would take minutes."""
    tab.evaluate(Axe().axe_script)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    report = tab.evaluate(AXE_RUN, [{"exclude": [[".katex-html"]]}, options])["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in report for node in rule["nodes"]]
