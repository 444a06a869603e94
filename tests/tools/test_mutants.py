"""The table of slips fits the source, and the command that plants them tells a caught one from another."""

import subprocess
import sys
from collections import Counter

import pytest

from tools.book import ROOT
from tools.measure.mutants import ROWS, Mutant, MutantError, main, rows

MUTANTS = rows(ROWS.read_text("utf-8"))


def test_every_loss_has_slips():
    count = Counter(mutant.file for mutant in MUTANTS)
    losses = {f"losses/{path.name}" for path in ROOT.glob("lossbook/losses/[a-z]*.py")}
    assert len(losses) > 20
    assert min(count[loss] for loss in losses) >= 5
    assert len(set(MUTANTS)) == len(MUTANTS)


@pytest.mark.parametrize("file", sorted({mutant.file for mutant in MUTANTS}))
def test_every_slip_can_be_made(file):
    """After a change of a loss its rows in tools/measure/mutants.txt may need one too."""
    package = ROOT / "lossbook"
    for mutant in MUTANTS:
        if mutant.file == file:
            changed = mutant.planted(package)
            assert changed != (package / file).read_text("utf-8")
            compile(changed, file, "exec")


@pytest.mark.parametrize(("old", "times"), [("a + b", 2), ("a - b", 0)])
def test_a_row_that_does_not_fit(old, times, tmp_path):
    (tmp_path / "sum.py").write_text("a + b, a + b", "utf-8")
    with pytest.raises(MutantError, match=f"sum.py: a . b → b: .* once, but does {times} times"):
        Mutant("sum.py", old, "b").planted(tmp_path)


@pytest.mark.parametrize("text", ["  a → b", "sum.py:\n  a = b"])
def test_a_row_that_cannot_be_read(text):
    with pytest.raises(MutantError, match="old text → new text"):
        rows(text)


def test_a_file_without_slips_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mutants", "huber", "hubr"])
    with pytest.raises(SystemExit):
        main()
    assert "mutants.txt has no slips for hubr." in capsys.readouterr().err


def test_a_slip_is_caught_and_no_change_is_not():
    code = (
        "from tools.measure import mutants; mutants.TESTS = ('extremes',);"
        "new = ('error.square()', '0 + error.abs()');"
        "print(*mutants.verdicts([mutants.Mutant('losses/l1.py', 'error.abs()', text) for text in new]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "tests/package/test_extremes.py::test_as_torch_in_float32[l1 at a tie-eager] None\n", (
        done.stderr
    )
