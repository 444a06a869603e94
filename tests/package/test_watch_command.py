"""`lossbook watch train.py`: the script runs as under Python, and afterwards it is told how it used its losses."""

import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

import lossbook
from lossbook.__main__ import main
from lossbook.catalogue import CATALOGUE

SCRIPT = """
import pickle
import sys

import helper
import torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.manual_seed(0)
softmax = [nn.Softmax(dim=1)] if "softmax" in sys.argv else []
model = nn.Sequential(nn.Linear(4, 3), *softmax)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    optimizer.zero_grad()
    loss = cross_entropy(model(torch.randn(8, 4)), torch.randint(3, (8,)))
    loss.backward()
    optimizer.step()
assert pickle.loads(pickle.dumps(cross_entropy)) is cross_entropy
print(__name__, sys.argv[1:], helper.NUMBER, loss.item().hex())
if "error" in sys.argv:
    raise IndexError("of the script")
if "text" in sys.argv:
    sys.exit("ended by a text")
if "7" in sys.argv:
    sys.exit(7)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A script beside a module that it imports."""
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "helper.py").write_text("NUMBER = 42")
    monkeypatch.delitem(sys.modules, "helper", raising=False)
    return tmp_path / "train.py"


def watched(capsys, *arguments):
    argv, path = sys.argv, sys.path[:]
    code = main(["watch", *map(str, arguments)])
    assert (sys.argv, sys.path) == (argv, path)
    assert all(getattr(F, e.torch_function.__name__) is e.torch_function for e in CATALOGUE if e.torch_function)
    out, err = capsys.readouterr()
    return code, out, err


def test_it_prints_what_it_prints_alone(script, capsys):
    alone = subprocess.run([sys.executable, script, "-1,2", "--lang", "fr"], capture_output=True, text=True, check=True)
    code, out, _ = watched(capsys, script, "-1,2", "--lang", "fr")
    assert code == 0
    assert out == f"{alone.stdout}Nothing wrong was seen in the use of cross_entropy.\n"


def test_what_is_certain_makes_the_exit_code_1(script, capsys):
    code, out, _ = watched(capsys, script, "softmax")
    assert code == 1
    assert "softmax-before-cross-entropy" in out


@pytest.mark.parametrize(("ending", "code", "told"), [("7", 7, ""), ("text", 1, "ended by a text\n")])
@pytest.mark.parametrize("softmax", [[], ["softmax"]])
def test_the_scripts_exit_code_is_kept(script, capsys, ending, code, told, softmax):
    got, out, err = watched(capsys, script, ending, *softmax)
    assert got == code
    assert err.endswith(told)
    assert ("wrong in how cross_entropy is used" if softmax else "wrong was seen in the use of cross_entropy") in out


def test_an_error_of_the_script_is_shown_as_python_shows_it(script, capsys):
    alone = subprocess.run([sys.executable, script, "error"], capture_output=True, text=True)
    code, out, err = watched(capsys, script, "error")
    assert code == alone.returncode == 1
    assert err == alone.stderr
    assert out.endswith("Nothing wrong was seen in the use of cross_entropy.\n")


def test_an_error_while_python_reads_it(tmp_path, capsys):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def :")
    alone = subprocess.run([sys.executable, wrong], capture_output=True, text=True)
    code, out, err = watched(capsys, wrong)
    assert code == 1
    assert err == alone.stderr
    assert out == "No loss of torch was seen.\n"


def test_a_module(script, capsys, monkeypatch):
    monkeypatch.chdir(script.parent)
    code, out, _ = watched(capsys, "-m", "train", "softmax", "-m")
    assert code == 1
    assert "__main__ ['softmax', '-m'] 42" in out


def test_ctrl_c_is_reported(tmp_path, capsys):
    script = tmp_path / "long.py"
    script.write_text(
        "import torch\ntorch.nn.functional.mse_loss(torch.ones(2), torch.rand(2))\nraise KeyboardInterrupt"
    )
    code, out, _ = watched(capsys, script)
    assert code == 130
    assert out.endswith("in the use of mse_loss.\n")


def test_a_language_before_the_script_is_ours(script, capsys):
    assert main(["watch", "--lang", "pt", str(script), "--lang", "fr"]) == 0
    assert "['--lang', 'fr']" in capsys.readouterr().out


def test_no_script(capsys):
    code, out, err = watched(capsys, "nowhere.py")
    assert (code, out) == (2, "")
    assert err.startswith("lossbook: nowhere.py is not a file.")


def test_what_was_imported_meanwhile_watches_nothing_afterwards():
    with lossbook.watch() as loop:
        taken = F.cross_entropy
    taken(torch.randn(2, 3).requires_grad_().softmax(dim=1), torch.tensor([0, 1]))
    assert loop.report
    assert loop.report.loss == ""


def test_several_losses_share_a_report(capsys, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(
        "import torch\nfrom torch.nn import functional as F\n"
        "x = torch.randn(4, 3, requires_grad=True)\n"
        "F.binary_cross_entropy_with_logits(x, torch.full((4, 3), 2.0))\n"
        "F.cross_entropy(x.softmax(dim=1), torch.tensor([0, 1, 2, 0]))\n"
    )
    code, out, _ = watched(capsys, script)
    assert code == 1
    assert "Something is wrong in how binary_cross_entropy_with_logits, cross_entropy is used:" in out
    assert "target-outside-0-1" in out
    assert "softmax-before-cross-entropy" in out
