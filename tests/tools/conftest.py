"""A project of its own for the tests that run pytest in one."""

import shutil

import pytest

from tests.book.small_pages import code, store, stream
from tests.tools.projects import SETUP
from tools.book import ROOT


@pytest.fixture
def project(tmp_path):
    """A project with this one's conftest.py, a book of one short page, and a test."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    threads = code("threads", 'import os\n\nprint(os.environ["OMP_NUM_THREADS"])', stream("1\n"))
    store(tmp_path, "en", code("setup", SETUP), threads, code("unrun", "x = 1"))
    shutil.copy(ROOT / "book/languages.yml", tmp_path / "book")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
    return tmp_path
