"""Firefox and WebKitGTK, each in a window of its own, with what the standard library speaks: Marionette, which Firefox
brings, and WebDriver, which WebKitWebDriver answers. Playwright drives its own builds of both, not Debian's."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

PATIENCE = 60  # seconds; a start takes three
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT, SCREEN = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(ready, what: str):
    """What `ready` returns once it does not fail."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return ready()
        except OSError as error:
            if time.monotonic() > end:
                raise AssertionError(f"{what} did not come up within {PATIENCE} seconds: {error}") from None
            time.sleep(0.1)


class Engine:
    """A browser that opens pages and runs scripts in them."""

    def command(self, name: str, **given):
        raise NotImplementedError

    def goto(self, address: str) -> None:
        """Open a page and wait until it is loaded."""
        self.command("Navigate", url=address)

    def run(self, script: str, *arguments):
        """What a script in the page returns."""
        return self.command("ExecuteScript", script=script, args=list(arguments))

    def wait(self, condition: str):
        """Wait until an expression is true, and return it."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(f"return {condition}")):
            assert time.monotonic() < end, f"{condition} is not true after {PATIENCE} seconds"
            time.sleep(0.1)
        return value


class Firefox(Engine):
    """https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html"""

    def __init__(self, width: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        port = free_port()
        Path(self.folder.name, "user.js").write_text(f'user_pref("marionette.port", {port});\n', encoding="utf-8")
        command = [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", self.folder.name]
        size = {"MOZ_HEADLESS_WIDTH": str(width), "MOZ_HEADLESS_HEIGHT": "844"}
        self.process = subprocess.Popen(
            [*command, "about:blank"], env=os.environ | size, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.socket = until(lambda: socket.create_connection(("127.0.0.1", port), PATIENCE), "Firefox")
        self.stream = self.socket.makefile("rb")
        self.receive()
        self.number = 0
        self.command("NewSession")

    def receive(self):
        """A message: its length, a colon, JSON."""
        length = b""
        while (byte := self.stream.read(1)) != b":":
            length += byte
        return json.loads(self.stream.read(int(length)))

    def command(self, name: str, **given):
        """Ask, and return what comes back."""
        self.number += 1
        text = json.dumps([0, self.number, f"WebDriver:{name}", given]).encode()
        self.socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self.receive()
        assert error is None, error
        return result.get("value") if isinstance(result, dict) else result

    def close(self) -> None:
        """End the browser."""
        self.socket.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
        with contextlib.suppress(OSError):  # it may still be writing its profile
            self.folder.cleanup()


class WebKit(Engine):
    """https://www.w3.org/TR/webdriver2/"""

    PATHS = {"Navigate": "url", "ExecuteScript": "execute/sync", "SetWindowRect": "window/rect"}

    def __init__(self, width: int) -> None:
        read, write = os.pipe()
        screen = [SCREEN, "-displayfd", str(write), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
        self.screen = subprocess.Popen(screen, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as told:
            display = told.readline().strip()
        port = free_port()
        environment = os.environ | {"DISPLAY": f":{display}", "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        self.process = subprocess.Popen(
            [WEBKIT, f"--port={port}"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.address = f"http://127.0.0.1:{port}/session"
        browser = {
            "binary": next(map(str, Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))),
            "args": ["--automation"],
        }
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": browser}}}
        session = until(lambda: self.post(self.address, wanted), "WebKitWebDriver")
        self.address += f"/{session['sessionId']}"
        self.command("SetWindowRect", width=width, height=844)

    def post(self, address: str, given: dict):
        """Ask, and return what comes back."""
        request = urllib.request.Request(address, json.dumps(given).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    def command(self, name: str, **given):
        return self.post(f"{self.address}/{self.PATHS[name]}", given)

    def close(self) -> None:
        """End the browser and its screen."""
        with contextlib.suppress(OSError):
            urllib.request.urlopen(urllib.request.Request(self.address, method="DELETE"), timeout=PATIENCE)
        for process in (self.process, self.screen):
            process.terminate()
            process.wait(PATIENCE)
