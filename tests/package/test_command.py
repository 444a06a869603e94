"""The command `lossbook`: what it prints, and one sentence with exit code 2 for wrong input."""

import argparse
import ast
import inspect
import io
import re
import subprocess
import sys

import pytest

import lossbook
from lossbook.__main__ import _of_argparse, main
from lossbook.catalogue import CATALOGUE
from lossbook.plain_text import width
from tools.make import catalogues


def run(capsys, *arguments):
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_explain(capsys):
    code, out, _ = run(capsys, "explain", "mse", "2,3,4,5", "4,5,6,7")
    assert code == 0
    assert "((2 − 4)² + (3 − 5)² + (4 − 6)² + (5 − 7)²) / 4 = 16 / 4 = 4" in out


def test_explain_in_another_language_with_settings(capsys):
    code, out, _ = run(capsys, "explain", "l1", "2,3", "4,5", "--set", "reduction=sum", "--lang", "vi")
    assert code == 0
    assert "Tổng" in out
    assert "|2 − 4| + |3 − 5| = 4" in out


def test_rows_class_numbers_and_weights(capsys):
    code, out, _ = run(capsys, "explain", "cross_entropy", "0,0; 0,0", "0,1", "--set", "weight=1,3")
    assert code == 0
    assert "(0.6931 + 2.0794) / (1 + 3)" in out
    code, out, _ = run(capsys, "explain", "cross_entropy", "0,0; 0,0", "1.0,0; 0.5,0.5")
    assert code == 0
    assert "0.5 · (−ln 0.5) + 0.5 · (−ln 0.5) ≈ 0.6931" in out


def test_a_row_that_begins_with_a_minus(capsys):
    code, out, _ = run(capsys, "explain", "l1", "-1,2", "-.5,2")
    assert code == 0
    assert "|−1 − (−0.5)| = 0.5" in out


@pytest.mark.parametrize("loss", ["cross_entropy", "nll", "multi_margin"])
def test_one_sample(capsys, loss):
    assert run(capsys, "explain", loss, "-2,-1,-3", "1")[0] == 0


def test_softmax(capsys):
    assert "0.7311" in run(capsys, "explain", "softmax", "1,2")[1]


def test_list(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert len(out.splitlines()) == len(CATALOGUE)
    for entry in CATALOGUE:
        home = "torch.nn" if hasattr(lossbook.nn, entry.module.__name__) else "lossbook.beyond"
        also = f"  ({', '.join(entry.also)})" if entry.also else ""
        assert f"{home}.{entry.module.__name__}{also}\n" in out


def test_plot(capsys, tmp_path):
    for name in ("losses.svg", "losses.png"):
        code, _, _ = run(capsys, "plot", "l1", "mse", "-o", str(tmp_path / name), "--gradient")
        assert code == 0
        assert (tmp_path / name).stat().st_size > 1000


def test_plot_with_settings(capsys, tmp_path):
    file = tmp_path / "losses.svg"
    assert run(capsys, "plot", "huber", "--set", "delta=0.5,2", "-o", str(file))[0] == 0
    assert all(f"delta={delta}" in file.read_text("utf-8") for delta in (0.5, 2))  # one curve for each
    assert run(capsys, "plot", "bce_with_logits", "--set", "pos_weight=3", "-o", str(file))[0] == 0
    assert "weight=[3]" in file.read_text("utf-8")  # a tensor


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("explain", "mes", "1", "2"), "Did you mean 'mse'?"),
        (("explain", "mse", "1,a", "2"), "'1,a' is not a row of numbers"),
        (("explain", "mse", "1,2; 3", "2"), "different lengths"),
        (("explain", "mse", "1,2", "2"), "same shape"),
        (("explain", "mse", "1"), "missing: target"),
        (("explain", "mse", "1", "2", "3"), "2 tensors"),
        (("explain", "cross_entropy", "1,2; 3,4", "0,7"), "class 7"),
        (("explain", "mse", "1", "2", "--set", "reduction"), "is not a setting"),
        (("explain", "mse", "1", "2", "--set", "reduction=avg"), "one of 'none', 'mean', 'sum'"),
        (("explain", "mse", "1", "2", "--lang", "fr"), "not 'fr'"),
        (("plot", "l1", "-o", "losses.xyz"), "xyz"),
        (("plot", "huber", "--set", "delta=0", "-o", "losses.svg"), "larger than 0"),
        (("plot", "huber", "--set", "delt=1", "-o", "losses.svg"), "Did you mean 'delta'?"),
        (("plot", "l1", "-o", "losses"), "End it in .svg"),
        (("explain", "softmax", "1,2", "3,4"), "softmax takes one row"),
        (("explain", "MSE", "1", "2"), "Did you mean 'mse'?"),
    ],
)
def test_wrong_input(capsys, arguments, sentence):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert not out
    assert err.startswith("lossbook: ")
    assert err.count("\n") == 1
    assert sentence in err


LOSSES = """
import torch

def mse(input, target):
    return (input - target).square().mean()

def summed(input, target):
    return (input - target).square().sum()

def broken(input, target):
    raise RuntimeError("not yet written")

def batch():
    return torch.randn(4, 2), torch.randn(4, 2)
"""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("losses.py:mse", "--like", "mse"), 0, "mse agrees with mse."),
        (("losses:mse", "--like", "losses:mse", "--inputs", "losses:batch"), 0, "mse agrees with mse."),
        (("losses.py:summed", "--like", "mse", "--set", "reduction=sum"), 0, "summed agrees with mse."),
        (("torch.nn:L1Loss", "--like", "smooth_l1"), 1, "L1Loss does not agree with smooth_l1."),
        (("losses.py:summed", "--like", "mse"), 1, "got 5, should be 2.5"),
        (("losses.py:summed", "--like", "mse", "--lang", "pt"), 1, "a soma em vez da média"),
        (("losses.py:broken", "--like", "mse"), 2, "RuntimeError: not yet written"),
    ],
)
def test_verify(capsys, tmp_path, monkeypatch, arguments, code, words):
    (tmp_path / "losses.py").write_text(LOSSES, "utf-8")
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    found, out, err = run(capsys, "verify", *arguments)
    assert found == code
    assert words in out
    assert not err
    assert sys.path == path
    sys.modules.pop("losses", None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("losses.py:mse", "--like", "mes"), "Did you mean 'mse'?"),
        (("losses.py:mse", "--like", "losses.py:mse"), "its inputs are not known"),
        (("losses.py:msq", "--like", "mse"), "losses.py has no msq. It has: torch, mse"),
        (("losses.py", "--like", "mse"), "does not say where the loss is"),
        ((":mse", "--like", "mse"), "does not say where the loss is"),
        (("nowhere.py:mse", "--like", "mse"), "nowhere.py cannot be imported: FileNotFoundError"),
        (("no.where:mse", "--like", "mse"), "no.where cannot be imported: ModuleNotFoundError"),
        (("losses.py:mse", "--like", "mse", "--set", "delta=1"), "mse cannot be computed on any of the batches"),
    ],
)
def test_verify_with_wrong_input(capsys, tmp_path, monkeypatch, arguments, sentence):
    (tmp_path / "losses.py").write_text(LOSSES, "utf-8")
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "verify", *arguments)
    assert code == 2
    assert not out
    assert err.startswith("lossbook: ")
    assert err.count("\n") == 1
    assert sentence in err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["explain", "--help"], ["plot", "--help"], ["verify", "--help"], ["watch", "--help"]]
)
def test_help(arguments, capsys):
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 0
    assert "usage: lossbook" in capsys.readouterr().out


TRANSLATED = ["vi", "zh", "pt"]


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "mes", "1", "2"),
        ("explain", "mse", "1,a", "2"),
        ("explain", "mse", "1,2; 3", "2"),
        ("explain", "mse", "1,2", "2"),
        ("explain", "mse", "1", "2", "--set", "reduction"),
        ("explain", "softmax", "1,2", "3,4"),
        ("explain", "adaptive_log_softmax", "1", "2"),
        ("plot", "l1", "-o", "losses"),
        ("verify", "losses.py", "--like", "mse"),
        ("verify", "nowhere.py:mse", "--like", "mse"),
        ("verify", "math:mse", "--like", "mse"),
        ("watch", "nowhere.py"),
    ],
)
def test_wrong_input_is_told_in_two_languages(capsys, arguments, language):
    english = run(capsys, *arguments)[2].removeprefix("lossbook: ").removesuffix("\n")
    code, out, err = run(capsys, "--lang", language, *arguments)
    own, second = err.splitlines()
    assert (code, out) == (2, "")
    assert second == f"(English: {english})"
    assert own.startswith("lossbook: ")
    assert own != f"lossbook: {english}"


def without_blanks(text):
    return "".join(text.split())


@pytest.mark.parametrize("language", TRANSLATED)
def test_help_in_another_language(capsys, language):
    shown = ""
    for command in ([], ["list"], ["explain"], ["plot"], ["verify"], ["watch"]):
        with pytest.raises(SystemExit) as done:
            main([*command, "--lang", language, "--help"])
        assert done.value.code == 0
        shown += without_blanks(capsys.readouterr().out)
    home, told = "lossbook/__main__.py", 0
    for text in catalogues.read(language):
        if (
            text.id
            and text.locations[0][0] == home
            and not re.search("[{}%]|^softmax|expected|^[a-z]+$|^several losses$", text.id)
        ):
            assert without_blanks(text.string) in shown, text.id
            told += 1
    assert told > 15
    assert "usage:" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["explain"], "thiếu các đối số bắt buộc: loss, numbers"),
        (["dance"], "không có lựa chọn 'dance' (hãy chọn trong "),
        (["plot", "l1", "-o"], "đối số -o/--output: cần đúng một giá trị"),
        (["plot", "l1", "-o", "a.svg", "--dance"], "không nhận ra các đối số: --dance"),
        (["plot", "l1", "-o", "a.svg", "--gradient=1"], "tùy chọn này không nhận giá trị, mà lại có '1'"),
    ],
)
def test_argparse_speaks_the_language_too(capsys, arguments, words):
    with pytest.raises(SystemExit) as done:
        main(["--lang", "vi", *arguments])
    assert done.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("cách dùng: lossbook")
    assert ": lỗi: " in err
    assert words in err
    assert argparse._("usage: ") == "usage: "


def test_argparse_has_every_text_that_is_translated():
    tree = ast.parse(inspect.getsource(_of_argparse))
    texts = [key.value for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys]
    known = {node.value for node in ast.walk(ast.parse(inspect.getsource(argparse))) if isinstance(node, ast.Constant)}
    assert len(texts) > 10
    assert set(texts) <= known


@pytest.mark.parametrize("language", TRANSLATED)
def test_list_in_another_language(capsys, language):
    english, own = run(capsys, "list")[1], run(capsys, "list", "--lang", language)[1]
    family = catalogues.read(language).get("regression").string
    assert (
        english.count(" regression ")
        == own.count(f" {family} ")
        == sum(entry.family == "regression" for entry in CATALOGUE)
    )
    homes = {width(line.partition("torch.nn.")[0]) for line in own.splitlines() if "torch.nn." in line}
    assert homes == {46}


def test_as_a_program():
    done = subprocess.run([sys.executable, "-m", "lossbook", "explain"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "arguments are required" in done.stderr


SHOWN = {
    "cp1252": {"en": "(2 - 4)² = 4", "vi": "Sai s", "zh": "(2 - 4)² = 4", "pt": "Gradiente"},
    "cp936": {"en": "(2 - 4)^2 = 4", "vi": "Sai so", "zh": "梯度", "pt": "de cada elemento"},
    "ascii": {"en": "(2 - 4)^2 = 4", "vi": "Sai so", "zh": "(2 - 4)^2 = 4", "pt": "previsao menos alvo"},
}


@pytest.mark.parametrize("encoding", SHOWN)
@pytest.mark.parametrize("language", ["en", "vi", "zh", "pt"])
def test_any_terminal_shows_it(encoding, language, monkeypatch, tmp_path):
    commands = {
        "list": (["list"], 0),
        "explain": (["explain", "mse", "2,3", "4,5"], 0),
        "plot": (["plot", "mse", "-o", str(tmp_path / "phân số.svg")], 0),
        "verify": (["verify", "lossbook.functional:l1_loss", "--like", "mse"], 1),
        "error": (["explain", "hinge_embedding", "1,2", "1,0"], 2),
    }
    told = {}
    for name, (arguments, code) in commands.items():
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr("sys.stdout", stream)
        monkeypatch.setattr("sys.stderr", stream)
        assert main([*arguments, "--lang", language]) == code
        stream.flush()
        told[name] = stream.buffer.getvalue().decode(encoding)
    assert SHOWN[encoding][language] in told["explain"]
    assert "-1" in told["error"]
