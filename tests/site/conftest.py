"""The built site in a browser: served, and opened by readers who were never here before."""

import functools
import http.server
import threading

import pytest

from tests.site.pages import INDEX, SITE
from tools.make.chromium import CHROMIUM, QUIET


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, or whichever is installed."""
    assert CHROMIUM, "There is no Chromium to read the site with: install it (apt install chromium)."
    from playwright.sync_api import sync_playwright

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


@pytest.fixture(scope="session")
def phone(chromium, address):
    """One tab for all pages, as a reader has it: the files they share are fetched once."""
    tab = open_tab(chromium, address, 390)
    yield tab
    tab.context.close()
