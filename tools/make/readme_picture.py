"""Take the pictures of the READMEs from the built site, after `make book`."""

import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image
from playwright.sync_api import sync_playwright

from tools.book import LANGUAGES, ROOT
from tools.make.chromium import CHROMIUM, QUIET

PAGE = "what-is-a-loss/l1-and-mse"
WINDOW = {"width": 1280, "height": 720}
COLORS = 128  # enough for text and two curves; half the bytes


def main() -> None:
    """The command."""
    site = ThreadingHTTPServer(("localhost", 0), partial(SimpleHTTPRequestHandler, directory=ROOT / "_build/html"))
    threading.Thread(target=site.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport=WINDOW, device_scale_factor=1.5)
        for language in LANGUAGES:
            page.goto(f"http://localhost:{site.server_port}/book/{language}/{PAGE}.html")
            page.locator("svg.figure").first.scroll_into_view_if_needed()
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            path = ROOT / f".github/page.{language}.png"
            picture.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
        browser.close()
    site.shutdown()


if __name__ == "__main__":
    main()
