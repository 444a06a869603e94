"""What may be wrong with a loss."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Diagnosis:
    """What may be wrong, and how to find the line where."""

    says: str
    operations: tuple[str, ...] = field(default=(), kw_only=True)  #: of torch, that a line with this fault calls
    page: str = field(default="", kw_only=True)  #: the page of the book that explains it
