"""The GitHub workflows and the citation: valid by their published schemas, and the report of a failure finds its issue."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.book import ROOT

WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


def schema_faults(schema: str, *files: Path) -> str:
    """What is wrong with these YAML files by one of the schemas that check-jsonschema carries."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, "--force-filetype", "yaml"]
    run = subprocess.run([*check, *files], capture_output=True, encoding="utf-8")
    assert run.returncode in (0, 1), run.stderr
    return run.stdout if run.returncode else ""


# GitHub lets a job hang for six hours unless it says when to stop.
@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_workflows_are_valid(schema):
    assert WORKFLOWS
    assert schema_faults(schema, *WORKFLOWS) == ""


def test_invalid_workflow_is_found(tmp_path):
    faulty = tmp_path / "tests.yml"
    faulty.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "run-on:"), "utf-8")
    assert "run-on" in schema_faults("vendor.github-workflows", faulty)


def test_citation_is_valid(tmp_path):
    citation = ROOT / "CITATION.cff"
    assert schema_faults("vendor.citation-file-format", citation) == ""
    faulty = tmp_path / "CITATION.cff"
    faulty.write_text(citation.read_text("utf-8").replace("authors:", "author:"), "utf-8")
    assert "author" in schema_faults("vendor.citation-file-format", faulty)


# Stands in for GitHub's command: says which issue is open, and writes down what it was asked to do.
GH = """#!/bin/sh
[ "$2" = list ] && { echo "$OPEN_ISSUE"; exit; }
echo "$@" > asked.txt
cat report.md > body.md
"""

LOG = """Running Sphinx
tests/test_mse.py F
=================================== FAILURES ===================================
E  book/en/what-is-a-loss/idea.ipynb, cell 'mean': 4.0 became 4.5
=========================== short test summary info ============================
"""


@pytest.mark.parametrize(
    ("log", "open_issue", "asked", "told"),
    [
        (LOG, "", "issue create --title The tests fail under the newest torch", "4.0 became 4.5"),
        (LOG, "12", "issue comment 12", "4.0 became 4.5"),
        ("no torch for this Python\nmake: *** Error 1\n", "", "issue create", "make: *** Error 1"),
    ],
)
def test_newest_torch_reports_a_failure(tmp_path, log, open_issue, asked, told):
    [job] = yaml.safe_load((ROOT / ".github/workflows/newest-torch.yml").read_text("utf-8"))["jobs"].values()
    step = job["steps"][-1]
    for name, script in {"bin/gh": GH, ".venv/bin/python": "#!/bin/sh\necho 9.9"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(script, "utf-8")
        path.chmod(0o755)
    (tmp_path / "test.log").write_text(log, "utf-8")
    environment = {
        **os.environ,
        **step["env"],
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "OPEN_ISSUE": open_issue,
    }
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
    body = (tmp_path / "body.md").read_text("utf-8")
    assert (tmp_path / "asked.txt").read_text("utf-8").startswith(asked)
    assert body.startswith("torch 9.9")
    assert told in body
    assert "Running Sphinx" not in body
