"""What the site brings from elsewhere is byte for byte what was published: a change, by hand or by accident, is seen."""

from hashlib import sha256
from pathlib import Path

import pytest

from tools.book import ROOT

# Folders of book/_static, where each comes from, and a hash of its files and their names. The archives of the npm registry
# were compared with these files; MiniSearch was minified as its first line says.
VENDORED = {
    "micropython": (
        "npm @micropython/micropython-webassembly-pyscript 1.27.0",
        "62229b9d498c87f15f82a78de489983cf48f3bf4f75f51badeabcc1fe64ae0c5",
    ),
    "katex": ("npm katex 0.19.1", "cf4979fd69662caf2d0bbc6e3f928dbc9ddeac62d2ce50de176ce909dad8f2f9"),
    "minisearch": ("npm minisearch 7.2.0", "f12c7147a2623da4f1a8abcfcb0b3f962763a69504da0eac7a89f8509ac7d787"),
    "fonts": ("Noto Sans Mono, Vietnamese letters", "ea34d8517c6c47ec384fb2fb6ce112559b1f2881e7560a5fa5437bdd46b77dee"),
}


def fingerprint(folder: Path) -> str:
    """A hash of the files of a folder and of their names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256(path.read_bytes()).hexdigest()} {path.relative_to(folder).as_posix()}\n" for path in files]
    return sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("name", VENDORED)
def test_vendored_files_are_what_was_published(name):
    source, known = VENDORED[name]
    assert fingerprint(ROOT / "book/_static" / name) == known, f"book/_static/{name} is no longer {source}"


def test_another_file_is_seen(tmp_path):
    (tmp_path / "a.js").write_text("1")
    before = fingerprint(tmp_path)
    (tmp_path / "a.js").write_text("2")
    assert fingerprint(tmp_path) != before
