"""`python -m tools` lists every command, and `python -m tools.checks` runs the checks and the pages that it is asked for."""

import pytest

from tests.book.small_pages import code, markdown, store, stream
from tools import __main__ as tools
from tools.book import ROOT
from tools.checks.__main__ import CHECKS, main


def test_every_command_is_listed(capsys):
    tools.main()
    listed = capsys.readouterr().out.splitlines()
    runnable = [
        path for path in ROOT.glob("tools/*/**/*.py") if '\nif __name__ == "__main__":' in path.read_text("utf-8")
    ]
    commands = [path for path in runnable if path.stem != "kernels"]  # which runs itself, as the process that is forked
    assert len(listed) == len(commands) + len(CHECKS)
    assert {f"tools.checks {name}" for name in CHECKS} <= tools.commands().keys()
    assert all(tools.commands().values())


@pytest.fixture
def page(tmp_path):
    """A notebook with a fault of two checks: HTML, and a number that nothing computes."""
    return store(tmp_path, "en", markdown("words", "<b>It is 0.25.</b>"), code("sum", "print(1)", stream("1\n")))


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        (["plain"], ["has HTML"]),
        (["computed"], ["no cell of the page computes 0.25"]),
        (["computed", "plain"], ["no cell of the page computes 0.25", "has HTML"]),
        (["parity", "staleness"], []),
    ],
)
def test_these_checks_on_this_page(page, capsys, checks, says):
    assert main([*checks, str(page.path)]) == bool(says)
    said = capsys.readouterr().out
    assert [text for text in ("no cell of the page computes 0.25", "has HTML") if text in said] == says


def test_a_word_that_is_neither_check_nor_page(capsys):
    assert main(["party"]) == 1
    assert capsys.readouterr().err.startswith(
        "'party' is neither a page nor a check. The checks: computed, glosses, notes, "
    )
