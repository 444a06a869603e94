"""Whether the tests see a slip: each row of mutants.txt is planted in a copy of the package, where some test must fail.

``python -m tools.measure.mutants`` plants all of them, ``python -m tools.measure.mutants huber kl_div`` those in these
files. It counts which tests caught how many, and lists the slips that none caught.
"""

import argparse
import contextlib
import gc
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import matplotlib  # noqa: F401  (this and torch's samples take seconds to import: once, before the forks)
import pytest
import torch.testing._internal.common_methods_invocations
import torch.testing._internal.common_modules  # noqa: F401

from tools.book import ROOT

ROWS = Path(__file__).with_suffix(".txt")
# The fastest first; but tests that name the slip's own file go before all others, or what NEAREST says of it. A loss that
# torch lacks has a test file of its own, which is tried for no other; of these files it gets the tests that name it.
TESTS = (
    *("messages", "extremes", "classes", "softmax", "losses", "torch_suite", "spine"),
    *("ctc", "linear_cross_entropy", "adaptive_log_softmax", "explain", "formulas"),
    *("explain_own", "explain_own_marks", "explain_own_inputs", "exercises"),
)
NEAREST = {
    "sequences": "ctc",
    "_by_rows": "linear_cross_entropy",
    "_by_similarity": "info_nce",
    "_triplets": "triplets",
    "classes": "classes masks token_cross_entropy",
    "_of_class": "large_tensors token_cross_entropy",
    "precision": "rmse info_nce",
    "curve": "curve large_tensors rmse gaussian_kl",
    "log_cosh": "log_cosh curve",
    "focal": "focal curve",
    **dict.fromkeys(
        ("_masks", "_overlap", "dice", "tversky", "jaccard", "focal_tversky"), "overlap masks large_tensors"
    ),
    **dict.fromkeys(("_boxes", "iou", "giou", "diou", "ciou"), "boxes"),
    **dict.fromkeys(("generalized_cross_entropy", "symmetric_cross_entropy"), "noisy_labels"),
    "steps": "explain",
    "class_steps": "explain",
    "text": "explain",
}
WORKERS = 2
NEWLINE = "⏎"


class MutantError(Exception):
    """A row does not fit the source, or tests could not run; the message says which, and how to mend it."""


class Mutant(NamedTuple):
    """One slip: in a file of the package the old text becomes the new."""

    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}: {self.old} → {self.new or 'nothing'}"

    def planted(self, package: Path) -> str:
        """The source of the file with the slip in it; without an old text, the file as it is."""
        old, new = (text.replace(NEWLINE, "\n") for text in (self.old, self.new))
        source = (package / self.file).read_text("utf-8")
        if old and source.count(old) != 1:
            raise MutantError(f"{self}: the old text must stand there once, but does {source.count(old)} times.")
        return source.replace(old, new) if old else source


def rows(text: str) -> list[Mutant]:
    """The slips in a table: below the name of a file, each line ``old text → new text``, ⏎ for the end of a line."""
    found, file = [], ""
    for line in filter(None, map(str.rstrip, text.splitlines())):
        if not line.startswith(" "):
            file = line.removesuffix(":")
            continue
        old, arrow, new = line.strip().partition(" →")
        if not arrow or not file:
            raise MutantError(f"{ROWS.name}: “{line}” must read “old text → new text”, below the name of a file.")
        found.append(Mutant(file, old, new.removeprefix(" ")))
    return found


class FirstFailure:
    """Lets the tests with a name in theirs run first, or them alone, and remembers the one that failed."""

    def __init__(self, names: list[str], alone: bool) -> None:
        self.names, self.alone, self.test = names, alone, None

    def pytest_collection_modifyitems(self, items):
        items.sort(key=self._is_of_another)
        if self.alone:
            items[:] = [item for item in items if not self._is_of_another(item)]

    def _is_of_another(self, item) -> bool:
        return not any(name in item.nodeid for name in self.names)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.test = report.nodeid

    pytest_collectreport = pytest_runtest_logreport  # some files compute with losses before their first test


def tested_by(file: str, folder: Path) -> list[str]:
    """What the tests of a file of the package are called after, the nearest first; of one that losses share, those losses."""
    stem = Path(file).stem
    names = [*NEAREST.get(stem, stem).split(), stem]
    if stem.startswith("_"):
        losses = sorted((folder / "lossbook/losses").glob("[a-z]*.py"))
        names += [loss.stem for loss in losses if stem in loss.read_text("utf-8")]
    return list(dict.fromkeys(names))


def caught_by(mutant: Mutant) -> str | None:
    """The first test that fails on a copy of the package with this slip. Changes the process: call it in its own."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        copy = Path(folder)
        for name in ("lossbook", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / "lossbook" / mutant.file).write_text(mutant.planted(copy / "lossbook"), "utf-8")
        os.chdir(copy)
        os.environ["PYTHONPATH"] = folder
        sys.path.insert(0, folder)
        names = tested_by(mutant.file, copy)
        own = [name for name in names if name not in TESTS and (copy / f"tests/package/test_{name}.py").exists()]
        first = FirstFailure(names, alone=bool(own))
        for files in filter(None, (own, TESTS)):  # the others need not be collected where its own catch it
            tests = [f"tests/package/test_{name}.py" for name in files]
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *tests], plugins=[first])
            if code != pytest.ExitCode.OK:
                break
        os.chdir(ROOT)
        tried = getattr(sys.modules.get("lossbook"), "__file__", None) == str(copy / "lossbook/__init__.py")
        if not tried or (code != pytest.ExitCode.OK and first.test is None):
            raise MutantError(f"{mutant}: the tests could not run.\n{said.getvalue()}")
        return first.test


def verdicts(mutants: list[Mutant]) -> Iterator[str | None]:
    """What catches each.

    Each gets a fork: a package is imported only once in a process, and torch need not be imported again.
    """
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(WORKERS, maxtasksperchild=1) as pool:
        yield from pool.imap(caught_by, mutants)


def main() -> int:
    """Plant the slips and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="files of the package, e.g. huber; all when left out")
    names = parser.parse_args().names
    table = rows(ROWS.read_text("utf-8"))
    if unknown := set(names) - {Path(mutant.file).stem for mutant in table}:
        parser.error(f"{ROWS.name} has no slips for {', '.join(sorted(unknown))}. Write some below the file's name.")
    mutants = [mutant for mutant in table if not names or Path(mutant.file).stem in names]
    for mutant in mutants:  # find a row that does not fit before the long run, not in it
        mutant.planted(ROOT / "lossbook")
    files = dict.fromkeys(mutant.file for mutant in mutants)
    results = verdicts([*(Mutant(file, "", "") for file in files), *mutants])
    if broken := list(filter(None, islice(results, len(files)))):
        raise MutantError(f"{', '.join(broken)} fails without any slip. Mend it first.")
    tests, survivors = Counter(), []
    for mutant, test in zip(mutants, results, strict=True):
        print(f"{mutant}   {test or 'NOT CAUGHT'}", flush=True)
        if test:
            tests[test.partition("[")[0]] += 1
        else:
            survivors.append(mutant)
    print("", *(f"{count:4} by {test}" for test, count in tests.most_common()), sep="\n")
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} slips caught.", *survivors, sep="\n")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
