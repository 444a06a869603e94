"""Every number in the prose is computed on its page."""

from pathlib import Path

import pytest

from tests.book.small_pages import alt
from tools.book import REFERENCE, Cell, Page, pages
from tools.checks.computed import EXEMPTIONS, faults, is_known, needs_computing

SVG = '<svg><path d="M 77.7 88.8"/><text x="99.9">−0.37</text></svg>'


def page(prose: str, seen: str = "") -> Page:
    """A page with prose, and a cell that computes 0.66524, 28.0 and 1e-07 and draws −0.37."""
    page = Page(Path("book/en/page.ipynb"), "en", "page")
    outputs = [
        {"output_type": "stream", "text": ["0.66524\n", "28.0 1e-07\n"]},
        {"output_type": "display_data", "data": {"image/svg+xml": [SVG], "text/plain": ["<Figure>"]}},
    ]
    code = Cell(
        page,
        "code",
        "code",
        "x = 64, 50_000  # not 0.55\nprint('nor 0.44')",
        alt(seen),
        outputs,
    )
    page.cells = [Cell(page, "prose", "markdown", prose), code]
    return page


def test_pages_have_no_faults():
    found = [fault for here in pages(REFERENCE).values() for fault in faults(here)]
    assert EXEMPTIONS.keys() <= pages(REFERENCE).keys()
    assert found == []


def test_exemptions_have_reasons():
    reasons = [reason for rows in EXEMPTIONS.values() for reason in rows.values()]
    assert all(reason.startswith("= ") or len(reason) > 15 for reason in reasons)


@pytest.mark.parametrize(
    "prose",
    [
        "It is 0.665, about 67%, or $0.67$.",
        "Four classes, 12 months, 3 of 4.",
        "The sum is 28, over 64 elements.",
        "The slope −0.37 is drawn; `-0.37` too.",
        "A step of 1e-07.",
        "There are 50\u2009000 of them.",
        "With Python 3.10 to 3.13, see sections 4.1, 4.2 and 4.3. Section 77 too.",
        "In float32, conv2d and L1, see [this](https://example.org/88.8).",
    ],
)
def test_computed_number_is_known(prose):
    assert faults(page(prose)) == []


@pytest.mark.parametrize(
    ("prose", "number"),
    [
        ("It is 0.664.", "0.664"),
        ("It is $0.66525$.", "0.66525"),
        ("It prints `0.7`, no: `0.8`.", "0.8"),
        ("There are 13 of them.", "13"),
        ("There are 27 of them.", "27"),
        ("About 68% are right.", "68"),
        ("It lies at 77.7, off the labels.", "77.7"),
        ("A step of 2e-07.", "2e-07"),
        ("A comment says 0.55.", "0.55"),
        ("A message says 0.44.", "0.44"),
    ],
)
def test_number_that_nothing_computes_is_found(prose, number):
    [fault] = faults(page(prose))
    assert fault.startswith(f"book/en/page.ipynb, cell 'prose': no cell of the page computes {number} ")


def test_alt_text_is_read():
    [fault] = faults(page("", seen="The curve falls to 0.41."))
    assert "0.41" in fault


def test_exemption_holds_and_is_needed():
    assert faults(page("Founded in 1986."), {"1986": "the year"}) == []
    [fault] = faults(page("It is 0.665."), {"0.665": "no reason"})
    assert "Remove the row" in fault


def test_formula_is_computed():
    assert faults(page("It is 0.693."), {"0.693": "= log(2)"}) == []
    [fault] = faults(page("It is 0.694."), {"0.694": "= log(2)"})
    assert "log(2) is 0.693" in fault


def test_rounding():
    assert is_known("0.67", [0.66524])
    assert not is_known("0.66", [0.66524])
    assert is_known("1.5e-08", [1.4901e-08])
    assert not is_known("1.6e-08", [1.4901e-08])


def test_small_counts_need_no_cell():
    assert [n for n in ("0", "12", "13", "2.0", "1e-3") if needs_computing(n)] == ["13", "2.0", "1e-3"]
