"""The package as pip installs it, one version everywhere, exact pins, no trace of its author's machine."""

import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import hatchling.build
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tools.book import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))
PYTHONS = WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["python"]
TORCHES = WORKFLOW["jobs"]["elsewhere"]["strategy"]["matrix"]


def sources() -> list[Path]:
    """Every file of the project, relative to its root: what .gitignore does not name."""
    ignored = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split())]
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not any(fnmatch(name, pattern) for pattern in ignored)]
        found += [Path(folder, name).relative_to(ROOT) for name in files]
    return found


# A home folder, or a folder for scratch or tools; not the page of a site.
PRIVATE = re.compile(r"(?<![\w.])/(?:home|Users|root|tmp|opt|work|workspace)/\w|[A-Z]:\\Users\\")


def test_no_file_names_a_path_of_its_author():
    foreign = {Path("book/_static/micropython/micropython.mjs")}  # its own file system has a /home
    paths = set(sources()) - foreign
    named = [path for path in paths if PRIVATE.search((ROOT / path).read_bytes().decode("utf-8", "ignore"))]
    assert len(sources()) > 20
    assert named == []


@pytest.mark.parametrize("folder", ["home", "Users", "tmp"])
def test_private_path_is_found(folder):
    assert PRIVATE.search(f'File "/{folder}/ann/1.py"')
    assert not PRIVATE.search(f"https://example.org/{folder}/ann, ../{folder}/ann")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which the project's wheel lies unpacked, as in site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        wheel = hatchling.build.build_wheel(str(folder))
    with zipfile.ZipFile(folder / wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def metadata(site):
    """What pyproject.toml says, as pip understands it."""
    [distribution] = importlib.metadata.distributions(path=[str(site)])
    return distribution


def test_wheel_holds_the_package_and_nothing_else(site):
    packed = {path.relative_to(site) for path in site.rglob("*") if path.is_file()}
    package = {path for path in sources() if path.parts[0] == "lossbook"}
    assert {path for path in packed if not path.parts[0].endswith(".dist-info")} == package
    assert {".py", ".mo", ".otf", ".typed"} <= {path.suffix for path in package}


TORCH_ALONE = """
import importlib.abc, sys

class Refuse(importlib.abc.MetaPathFinder):
    asked = []

    def find_spec(self, name, path=None, target=None):
        if name in ("matplotlib", "IPython", "numpy"):
            self.asked.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
import lossbook, torch
print(lossbook.__file__)
lossbook.set_language("zh")
print(lossbook.explain("mse", torch.tensor([1.0]), torch.tensor([3.0])))
print("asked for", {*Refuse.asked} - {"numpy"})  # torch itself looks whether there is a numpy
"""


def test_package_works_with_torch_alone(site):
    python = f"import sys; sys.path.insert(0, {str(site)!r})\n{TORCH_ALONE}"
    run = subprocess.run([sys.executable, "-I", "-c", python], capture_output=True, encoding="utf-8", cwd=site)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(site / "lossbook"))
    assert "误差" in run.stdout
    assert run.stdout.endswith("asked for set()\n")


def pins() -> list[Requirement]:
    """The lines of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.lstrip().startswith("#")]


def unmet(ranges: list[Requirement], pins: list[Requirement], python: str) -> list[str]:
    """The names whose range the pins do not meet under the Python version `python`."""
    environment = {"python_version": python, "python_full_version": f"{python}.9", "extra": "test"}

    def applies(requirement: Requirement) -> bool:
        return requirement.marker is None or requirement.marker.evaluate(environment)

    pinned = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins if applies(pin)}
    return [
        wanted.name
        for wanted in ranges
        if applies(wanted) and not (wanted.name in pinned and wanted.specifier.contains(pinned[wanted.name]))
    ]


def test_requirements_are_exact_and_say_how_they_are_made():
    header = (ROOT / "requirements.txt").read_text("utf-8").split("\n")[:2]
    assert "make requirements" in " ".join(header)
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in pins())
    assert "torch==2.13.0" in map(str, pins())


@pytest.mark.parametrize("python", PYTHONS)
def test_requirements_meet_every_range(metadata, python):
    ranges = [Requirement(text) for text in metadata.requires]
    assert len(ranges) > 10
    assert unmet(ranges, pins(), python) == []


def test_unmet_range_is_found():
    ranges = map(Requirement, ["torch>=3", "numpy>=2", "coffee", 'tomli; python_version < "3.11"'])
    pinned = map(
        Requirement, ["torch==2.13.0", 'numpy==1.0; python_version < "3.11"', 'numpy==2.4; python_version > "3.10"']
    )
    assert unmet(list(ranges), list(pinned), "3.12") == ["torch", "coffee"]


def test_torch_is_tried_at_both_ends_of_its_range(metadata):
    tried = sorted(map(Version, [*TORCHES["torch"], *(more["torch"] for more in TORCHES["include"])]))
    [wanted] = [r for r in map(Requirement, metadata.requires) if r.name == "torch"]
    assert str(wanted.specifier) == f">={tried[0].major}.{tried[0].minor}"
    [pinned] = [Version(str(pin.specifier).removeprefix("==")) for pin in pins() if pin.name == "torch"]
    assert pinned in tried
    assert tried[-1] > pinned


def test_the_package_is_tested_everywhere_by_the_same_command():
    for path in [ROOT / "Makefile", ROOT / ".github/workflows/tests.yml", *ROOT.glob("README*.md")]:
        assert "python -m pytest lossbook tests/package" in path.read_text("utf-8"), path.name


def test_version_is_the_same_everywhere(metadata):
    citation = re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    changes = re.findall(r"^## \[(\d.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert citation == [metadata.version]
    assert changes[:1] == [metadata.version]


def test_pythons_are_the_same_everywhere(metadata):
    assert metadata.metadata["Requires-Python"] == f">={PYTHONS[0]}"
    for readme in ROOT.glob("README*.md"):
        assert re.findall(r"\b3\.\d+\b", readme.read_text("utf-8")) == [PYTHONS[0], PYTHONS[-1]], readme.name
