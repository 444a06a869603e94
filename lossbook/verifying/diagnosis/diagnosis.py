"""The diagnosis of a wrong loss."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Diagnosis:
    """A likely cause, and how to find its line."""

    says: str
    operations: tuple[str, ...] = field(default=(), kw_only=True)  #: of torch, that a line with this fault calls
    line: str = field(default="", kw_only=True)  #: the line itself, where it is known
    page: str = field(default="", kw_only=True)  #: the page of the book that explains it
