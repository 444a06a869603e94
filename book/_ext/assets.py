"""Scripts, styles and the search's files carry a hash of what they hold, so that no browser mixes old with new."""

import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

from sphinx.application import Sphinx

ASSET = re.compile(r'(="(?:\.\./)*)((?:_static|search)/[^"?#]+\.(?:js|css))(?:\?v=\w+)?(?=")')


def add_versions(app: Sphinx, exception: Exception | None) -> None:
    """Write ?v=… behind each address, on pages that earlier builds wrote too."""
    if exception or app.builder.name != "html":
        return

    @cache
    def version(asset: str) -> str:
        return sha256(Path(app.outdir, unquote(asset)).read_bytes()).hexdigest()[:8]

    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        versioned = ASSET.sub(lambda match: f"{match[1]}{match[2]}?v={version(match[2])}", page)
        if versioned != page:
            path.write_text(versioned, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("build-finished", add_versions, priority=900)  # after the stylesheet is written
    return {"parallel_read_safe": True, "parallel_write_safe": True}
