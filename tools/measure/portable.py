"""The same book on every machine: run the notebooks as other processors would, and name every cell that differs.

``python -m tools.measure.portable`` runs those of every language under every variant, with ``en`` the English ones.
What differs is printed, the number of differences for each variant last.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from multiprocessing import get_context

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output

from tools.book import LANGUAGES, ROOT, Cell, Page, pages, pictures
from tools.measure.kernels import ONE_THREAD, SETTINGS, preload

OLD = {
    "ATEN_CPU_CAPABILITY": "default",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",  # exp and log in Python's math
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])),
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
}
VARIANTS = {
    "as it is": {},
    "torch without vector instructions": {"ATEN_CPU_CAPABILITY": "default"},
    "every library on an old processor": OLD,
    "two threads": dict.fromkeys(ONE_THREAD, "2") | {"OMP_WAIT_POLICY": "passive"},
}
MARK = "DIFFERS "


def differences(variant: dict[str, str], languages: list[str], names: Sequence[str] = ()) -> list[str]:
    """What differs from the stored outputs in a new process under a variant, each in a sentence that names the cell."""
    environment = os.environ | SETTINGS | variant
    command = [sys.executable, "-m", "tools.measure.portable", "--here", *languages, "--only", *names]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"The notebooks did not run with {variant}. What Python said stands above.")
    return [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]


def run_here(languages: list[str], names: Sequence[str] = ()) -> None:
    """Run and compare the notebooks, all or those of these names, each in a fork of this process, which has imported what they need."""
    preload()
    for language in languages:
        for page in pages(language).values():
            if page.path.suffix == ".ipynb" and (not names or page.name in names):
                process = get_context("fork").Process(target=compare, args=(page,))
                process.start()
                process.join()
                if process.exitcode:
                    sys.exit(f"{page.where} did not run to its end.")


def compare(page: Page) -> None:
    """Run the page's cells one after the other, without Jupyter's messages, and print what differs."""
    os.chdir(page.path.parent)
    shell = InteractiveShell.instance()
    shell.display_formatter.formatters[pictures.PNG].enabled = False  # drawn from what the SVG is drawn from
    for cell in page.cells:
        if cell.kind == "code":
            with shell.display_trap, capture_output() as captured:
                shell.run_cell(cell.source)
            for found in output_differences(cell, captured):
                print(f"{MARK}{cell.where}: {found}".replace("\n", "⏎"), flush=True)


def output_differences(cell: Cell, captured: CapturedIO) -> Iterator[str]:
    """What a cell prints and shows otherwise than its stored outputs say."""
    for name in ("stdout", "stderr"):
        stored = "".join("".join(output["text"]) for output in cell.outputs if output.get("name") == name)
        if stored != (new := getattr(captured, name)):
            yield f"{name} is {new!r}, not {stored!r}"
    shown = [output["data"] for output in cell.outputs if "data" in output]
    if len(shown) != len(captured.outputs):
        yield f"{len(captured.outputs)} outputs are shown, not {len(shown)}"
        return
    for stored, output in zip(shown, captured.outputs, strict=True):
        for mime in (stored.keys() | output.data.keys()) - {pictures.PNG}:
            old, new = "".join(stored.get(mime, "")), output.data.get(mime, "")
            if old == new:
                continue
            if mime != pictures.SVG or not (old and new):
                yield f"{mime} is {new!r}, not {old!r}"
            elif found := pictures.difference(mime, old, new):
                yield found


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure.portable", description=__doc__.splitlines()[0])
    parser.add_argument("languages", nargs="*", help=f"of {', '.join(LANGUAGES)} (default: all)")
    parser.add_argument("--here", action="store_true", help="in this process alone, as it is")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="PAGE", help="these pages, such as guide/mse (default: all)"
    )
    parsed = parser.parse_args(arguments)
    if parsed.here:
        run_here(parsed.languages, parsed.only)
        return 0
    languages = parsed.languages or list(LANGUAGES)
    counts = {}
    for variant, settings in VARIANTS.items():
        found = differences(settings, languages, parsed.only)
        counts[variant] = len({line.partition(": ")[0] for line in found})
        print(*(f"{variant}: {line}" for line in found), sep="\n", end="\n" if found else "", flush=True)
    for variant, count in counts.items():
        print(f"{variant:40}{count:5} cells differ")
    return any(counts.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
