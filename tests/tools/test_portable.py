"""The English notebooks print and draw the same on other processors and with more threads."""

from types import SimpleNamespace

import pytest

from tests.book.small_pages import code, display, store, stream
from tools.book import pages
from tools.measure.portable import OLD, VARIANTS, differences, output_differences

OUTPUTS = [stream("loss 1\n"), display("text/plain", "2")]
# nbval runs them as it is. `make portable` takes one departure at a time, which tells what a difference comes from.
DEPARTURES = {
    "two threads, torch without vector instructions": VARIANTS["two threads"]
    | VARIANTS["torch without vector instructions"],
    "every library on an old processor": OLD,
}


NAMES = sorted(name for name, page in pages("en").items() if page.path.suffix == ".ipynb")
FEW = [NAMES[start : start + 7] for start in range(0, len(NAMES), 7)]  # no test may take minutes


@pytest.mark.parametrize("names", FEW, ids=lambda names: names[0])
@pytest.mark.parametrize("settings", DEPARTURES.values(), ids=DEPARTURES)
def test_notebooks_are_the_same(settings, names):
    found = differences(settings, ["en"], names)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("stdout", "data", "says"),
    [
        ("loss 1\n", [{"text/plain": "2"}], []),
        ("loss 1.0\n", [{"text/plain": "2"}], ["stdout is 'loss 1.0\\n', not 'loss 1\\n'"]),
        ("loss 1\n", [{"text/plain": "3"}], ["text/plain is '3', not '2'"]),
        ("loss 1\n", [{"text/html": "2"}], ["text/html is '2', not ''", "text/plain is '', not '2'"]),
        ("loss 1\n", [], ["0 outputs are shown, not 1"]),
    ],
)
def test_another_output_is_named(tmp_path, stdout, data, says):
    cell = store(tmp_path, "en", code("cell", "f()", *OUTPUTS)).cell("cell")
    shown = [SimpleNamespace(data=each) for each in data]
    captured = SimpleNamespace(stdout=stdout, stderr="", outputs=shown)
    assert sorted(output_differences(cell, captured)) == says
