"""Nothing that people can call changes its name, its arguments or their defaults unnoticed."""

import inspect
from pathlib import Path

import pytest

import lossbook
from lossbook import beyond, catalogue, functional, language, nn, pictures, softmax, testing

STORED = Path(__file__).with_name("public_names.txt")
MODULES = (lossbook, functional, nn, beyond, catalogue, softmax, testing, language, pictures)
EMPTY = inspect.Parameter.empty


def call(thing: object) -> str:
    """The arguments in parentheses, without types, which each version of Python prints otherwise."""
    if not callable(thing):
        return ""
    parameters = [p.replace(annotation=EMPTY) for p in inspect.signature(thing).parameters.values()]
    return str(inspect.Signature(parameters))


def public_names() -> str:
    lines = [f"{m.__name__}.{name}{call(getattr(m, name))}" for m in MODULES for name in sorted(m.__all__)]
    return "\n".join(lines) + "\n"


def test_public_names_are_those_stored():
    """If the change is meant: `python -m tests.package.test_public_names` stores it, and CHANGELOG tells people."""
    assert public_names().splitlines() == STORED.read_text(encoding="utf-8").splitlines()


def test_another_default_is_seen(monkeypatch):
    monkeypatch.setattr(functional, "huber_loss", lambda input, target, *, delta=2.0: None)
    with pytest.raises(AssertionError, match="huber_loss"):
        test_public_names_are_those_stored()


if __name__ == "__main__":
    STORED.write_text(public_names(), encoding="utf-8")
