"""Errors speak the language that is set, and say the English sentence after it, by which they can be searched for."""

import ast
import builtins
import pickle
import re

import pytest
import torch

import lossbook
from lossbook import functional as lf
from lossbook import language
from lossbook.catalogue import CATALOGUE
from lossbook.language import Phrase, gettext, message
from tools.book import LANGUAGES, REFERENCE
from tools.make import catalogues

from . import TORCH
from .test_messages import WRONG

TRANSLATED = [code for code in LANGUAGES if code != REFERENCE]
KINDS = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
COLUMN, ROW = torch.zeros(3, 1), torch.zeros(3)

#: Errors whose words are not ours, or are no sentence: file, kind and why.
OTHERWISE = {
    (
        "__init__.py",
        "AttributeError",
    ): "Python's own words for an attribute that a module lacks; `hasattr` asks for them",
    ("report.py", "AssertionError"): "the report itself, which speaks the language already",
    ("lessons/explorers/working.py", "ValueError"): "what Python says of zip, where MicroPython says nothing",
    ("verifying/subject/elsewhere.py", "RuntimeError"): "what torch says of another device",
}
OF_A_CHECK = {"NotApplicable"}  # no error for a reader: its text stands in the report


def said_otherwise(source: str, file: str = "a.py") -> list[str]:
    """Errors and warnings that are given another text than what `message` returns."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        texts = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
        if (file, name) in OTHERWISE or not texts:
            continue
        if name in KINDS or name in ("warnings.warn", "warn"):
            right = isinstance(texts[0], ast.Call) and ast.unparse(texts[0].func) == "message"
        elif name in OF_A_CHECK:
            right = not isinstance(texts[0], (ast.Constant, ast.JoinedStr, ast.BinOp))
        else:
            continue
        if not right:
            found.append(f"{file}, line {call.lineno}: {name}(message(…)), so that it speaks every language")
    return found


def test_every_error_is_written_by_message():
    files = {file.relative_to(catalogues.PACKAGE).as_posix(): file.read_text("utf-8") for file in catalogues.files()}
    assert sum(source.count("Error(message(") + source.count("Error(\n") for source in files.values()) > 80
    assert [fault for file, source in files.items() for fault in said_otherwise(source, file)] == []


@pytest.mark.parametrize(
    "call",
    [
        'raise ValueError("no loss")',
        'raise TypeError(f"{name} is no loss")',
        'raise ValueError("a" + name)',
        "raise ValueError(text)",
        'raise ValueError("no {x}".format(x=1))',
        'raise ValueError(_("no loss"))',
        'def wrong():\n    return IndexError("no class")',
        'warnings.warn("careful")',
        'raise NotApplicable("no batch")',
    ],
)
def test_an_error_with_words_of_its_own_is_found(call):
    assert len(said_otherwise(call)) == 1


@pytest.mark.parametrize(
    "call",
    ['raise ValueError(message("no loss"))', "raise ValueError", "raise cause", 'raise NotApplicable(_("none"))'],
)
def test_other_errors_are_not(call):
    assert said_otherwise(call) == []


def unfilled(source: str) -> list[str]:
    """Messages and phrases whose placeholders and values differ."""
    found = []
    for call in catalogues.calls(source):
        if ast.unparse(call.func) != "_" and isinstance(call.args[0], ast.Constant):
            names = {field[0] for field in catalogues.placeholders(call.args[0].value)}
            given = {keyword.arg for keyword in call.keywords}
            if names != given and None not in given:  # None: **values
                found.append(call.args[0].value)
    return found


def test_every_placeholder_gets_a_value():
    assert [fault for file in catalogues.files() for fault in unfilled(file.read_text("utf-8"))] == []
    assert unfilled('message("{name} has {count}", name=1)\nPhrase("none", name=1)') == ["{name} has {count}", "none"]


def caught(case: str) -> BaseException:
    call, kind, _sentence = WRONG[case]
    with pytest.raises(kind) as error:
        call()
    return error.value


@pytest.mark.parametrize("case", WRONG)
def test_the_translated_sentence_comes_first_then_the_english_one(case):
    english = str(caught(case))
    said = set()
    for code in TRANSLATED:
        lossbook.set_language(code)
        own, second = str(caught(case)).split("\n")
        assert second == f"(English: {english})"
        assert own != english
        assert "{" not in own
        said.add(own)
    assert len(said) == len(TRANSLATED)


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_sentence_is_the_catalogue_s_with_its_values(code):
    lossbook.set_language(code)
    text = "{name} must lie between {low} and {high}, got {value}."
    own = catalogues.read(code).get(text).string.format(name="label_smoothing", low=0, high=1, value=1.5)
    with pytest.raises(ValueError, match="label_smoothing must lie") as error:
        lossbook.nn.CrossEntropyLoss(label_smoothing=1.5)
    assert str(error.value) == f"{own}\n(English: label_smoothing must lie between 0 and 1, got 1.5.)"


def test_words_inside_a_sentence_are_translated_with_it():
    lossbook.set_language("zh")
    with pytest.raises(TypeError) as error:
        lf.ctc_loss(torch.zeros(2, 3, 4), ROW)
    own, english = str(error.value).split("\n")
    assert "log_probs、targets、input_lengths 和 target_lengths；缺少 input_lengths 和 target_lengths。" in own
    assert "log_probs, targets, input_lengths and target_lengths; missing: input_lengths and target_lengths." in english
    with pytest.raises(ValueError, match="Did you mean 'mse'") as error:
        lossbook.explain("mes", ROW, ROW)
    assert str(error.value).startswith("lossbook 没有收录损失 'mes'。你想写的是 'mse' 吗？\n")


def test_an_error_inside_an_error_speaks_the_language_of_each_sentence():
    lossbook.set_language("pt")
    with pytest.raises(ValueError, match="cannot be computed") as error:
        lossbook.verify(lf.mse_loss, "mse", delta=1)
    own, english = str(error.value).split("\n")
    assert own.endswith(
        "TypeError: mse_loss não tem a configuração 'delta'. As configurações são: input, target, weight, reduction."
    )
    assert english.endswith("TypeError: mse_loss has no setting 'delta'. It takes input, target, weight, reduction.)")


def test_a_phrase_takes_the_language_of_what_it_is_part_of():
    lossbook.set_language("vi")
    phrase = Phrase("Did you mean {name!r}?", name="mse")
    assert str(phrase) == "Ý bạn là 'mse'?"
    assert message("{one} and {other}", one=phrase, other=ValueError("a\nb")).splitlines() == [
        "Ý bạn là 'mse'? và a",
        "b",
        "(English: Did you mean 'mse'? and a",
        "b)",
    ]
    assert gettext("a text that no catalogue has") == message("a text that no catalogue has")


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_error_holds_a_plain_text_and_can_be_pickled(code):
    lossbook.set_language(code)
    error = caught("shapes that broadcast")
    assert type(error.args[0]) is str
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), twin.args) == (type(error), error.args)


@pytest.mark.parametrize("entry", [e for e in CATALOGUE if e.function], ids=lambda entry: entry.name)
def test_nothing_is_written_where_nothing_is_wrong(entry, generator, monkeypatch):
    monkeypatch.setattr(language, "_filled", lambda *_: pytest.fail("a sentence was written"))
    for settings in entry.settings:
        entry.function(*entry.sample(generator), **settings)
    with pytest.raises(pytest.fail.Exception):
        entry.function()


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_compiled_loss_says_the_same(code):
    lossbook.set_language(code)
    with pytest.raises(ValueError, match="must have the same shape") as error:
        lf.mse_loss(COLUMN, ROW)
    torch.compiler.reset()  # what has failed is not compiled again
    with pytest.raises(ValueError, match=re.escape(str(error.value))):
        torch.compile(lf.mse_loss, backend="eager")(COLUMN, ROW)
    torch.compiler.reset()
    # As one graph torch raises an error of its own, which quotes ours, from 2.7 on: it has traced the writing of it.
    quoted = "input and target must have the same shape" if TORCH >= (2, 7) else "Observed exception"
    with pytest.raises(torch._dynamo.exc.Unsupported, match=quoted):
        torch.compile(lf.mse_loss, backend="eager", fullgraph=True)(COLUMN, ROW)
