"""What an editor, or a type checker, sees of the package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import lossbook

ROOT = Path(lossbook.__file__).parent.parent

USER = """\
import torch
from lossbook import functional as lf, nn, verify

x, y = torch.zeros(2), torch.ones(2)
reveal_type(lf.huber_loss)
reveal_type(nn.HuberLoss(delta=2.0)(x, y))
reveal_type(verify(lf.mse_loss, like="mse"))
lf.huber_loss(x, y, dleta=2.0)
lf.huber_loss(x, y, delta="2")
nn.HuberLoss(2.0)
"""
OUTPUT = re.compile(r'user\.py:(\d+): (?:note: Revealed type is "(.*)"|error: (.*?)(?:  \[.*\])?)$', re.MULTILINE)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """By line of a user's file: what a type checker says of it."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "user.py").write_text(USER)
    settings = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache"]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *settings, folder / "user.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.stderr == ""
    return {int(line): type_ or error for line, type_, error in OUTPUT.findall(checked.stdout)}


def test_an_editor_sees_the_whole_signature_of_a_loss(said):
    signature = said[5].replace("torch._tensor.", "")
    assert signature == (
        "def (input: Tensor, target: Tensor, *, delta: float =, weight: Tensor | None =, reduction: str =) -> Tensor"
    )


def test_results_have_a_type(said):
    assert said[6] == "torch._tensor.Tensor"
    assert said[7] == "lossbook.report.Report"


def test_a_wrong_setting_is_an_error_before_the_program_runs(said):
    assert said[8] == 'Unexpected keyword argument "dleta" for "huber_loss"; did you mean "delta"?'
    assert said[9] == 'Argument "delta" to "huber_loss" has incompatible type "str"; expected "float"'
    assert said[10] == 'Argument 1 to "HuberLoss" has incompatible type "float"; expected "Never"'
    assert set(said) == {5, 6, 7, 8, 9, 10}
