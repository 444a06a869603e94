"""Names that are wrong, or missing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

from ..language import Phrase

Words = str | Phrase


def suggest(name: Any, known: Iterable[str], listed: Words, *, also: Iterable[str] = ()) -> Phrase:
    """Return a sentence that helps with a wrong name: the nearest known one, or ``listed`` and all of them.

    ``also``: other names that are known, to be tried after these, and too many to list.

    >>> print(suggest("dleta", ["delta", "weight"], "It takes"))
    Did you mean 'delta'?
    >>> print(suggest("colour", ["delta", "weight"], "It takes"))
    It takes delta, weight.
    """
    names = list(known)
    tried = (names, list(also)) if isinstance(name, str) else ()
    nearest = next(filter(None, (difflib.get_close_matches(name.lower(), some, n=1) for some in tried)), None)
    if nearest:
        return Phrase("Did you mean {name!r}?", name=nearest[0])
    return Phrase("{listed} {names}.", listed=listed, names=", ".join(names))


def enumerate_names(names: Sequence[Words]) -> Words:
    """Write names as a sentence does.

    >>> print(enumerate_names(["input", "target", "weight"]))
    input, target and weight
    """
    *first, last = names
    if not first:
        return last
    listed = reduce(lambda one, other: Phrase("{one}, {other}", one=one, other=other), first)
    return Phrase("{one} and {other}", one=listed, other=last)


def alternatives(names: Sequence[Words]) -> Words:
    """Write names between which there is a choice.

    >>> print(alternatives(["input", "target", "weight"]))
    input or target or weight
    """
    return reduce(lambda one, other: Phrase("{one} or {other}", one=one, other=other), names)
