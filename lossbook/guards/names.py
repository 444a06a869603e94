"""Names that are wrong, or missing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


def suggest(name: Any, known: Iterable[str], listed: str, *, also: Iterable[str] = ()) -> str:
    """Return a sentence that helps with a wrong name: the nearest known one, or ``listed`` and all of them.

    ``also``: other names that are known, to be tried after these, and too many to list.

    >>> suggest("dleta", ["delta", "weight"], "It takes")
    "Did you mean 'delta'?"
    >>> suggest("colour", ["delta", "weight"], "It takes")
    'It takes delta, weight.'
    """
    names = list(known)
    tried = (names, list(also)) if isinstance(name, str) else ()
    nearest = next(filter(None, (difflib.get_close_matches(name.lower(), some, n=1) for some in tried)), None)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"{listed} {', '.join(names)}."


def enumerate_names(names: Sequence[str]) -> str:
    """Write names as a sentence does.

    >>> enumerate_names(["input", "target", "weight"])
    'input, target and weight'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
