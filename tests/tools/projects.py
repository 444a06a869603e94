"""What the tests that run pytest in a small project share."""

import os
import subprocess
import sys
from pathlib import Path

# Stands for the package, so that the notebooks here need neither torch nor its second.
SETUP = """class lossbook:
    def set_language(code):
        global words
        words = {"en": "the loss", "vi": "mất mát"}.get(code, code)


lossbook.set_language("en")"""


def run_pytest(project: Path, *options: str, settings: str = "--nbval --nbval-current-env") -> tuple[int, str]:
    """Run pytest in the project."""
    ini = f'[tool.pytest.ini_options]\ntestpaths = ["tests", "book"]\naddopts = "{settings} --color=no -n2 --dist=loadfile"\n'
    (project / "pyproject.toml").write_text(ini, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
