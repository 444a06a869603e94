"""What verify says of the losses of other libraries, where these are installed; to be read, not believed.

Each loss of kornia, MONAI, pytorch-metric-learning, segmentation-models-pytorch and torchmetrics is tried alone, on
the usual inputs that it takes. A fault is one line here, and so is what should be looked at; ``--all`` prints the losses
of which nothing was said. Names behind the command choose among the losses.
"""

import argparse
import importlib
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator

import torch

from lossbook.found import Found, losses_in, verified
from lossbook.report import FAILED, WARNED, Report

LIBRARIES = (
    "kornia.losses",
    "monai.losses",
    "pytorch_metric_learning.losses",
    "segmentation_models_pytorch.losses",
    "torchmetrics.functional.regression",
    "torchmetrics.functional.image",
    "torchmetrics.functional.audio",
)


def losses_of(library: str) -> Iterator[Found]:
    """The losses of a library; of torchmetrics every function, as many are trained with."""
    module = importlib.import_module(library)
    if not library.startswith("torchmetrics"):
        yield from losses_in(module)
        return
    for name in module.__all__:
        yield Found(name, getattr(module, name), None)


def said(report: Report) -> Iterator[str]:
    """What the report says, a line each."""
    for check in report.checks:
        if check.state in (FAILED, WARNED):
            found = check.finding
            mark = "WRONG" if check.state == FAILED else "look"
            yield f"    {mark} {check.name}: {found.says if found else check.why}  [{found.line if found else ''}]"


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser("tools.measure.others", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of names of losses")
    parser.add_argument("--all", action="store_true", help="those of which nothing was said, too")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for library in LIBRARIES:
        try:
            every = list(losses_of(library))
        except ImportError as error:
            print(f"{library}: not installed ({error})")
            continue
        counts, slowest = Counter(), (0.0, "")
        print(library)
        for found in every:
            if given.names and not any(name.lower() in found.name.lower() for name in given.names):
                continue
            start = time.process_time()
            try:
                report = verified(found)
            except TypeError as error:
                counts["not tried"] += 1
                print(f"  {found.name}: not tried: {error}" if given.all else "", end="\n" * given.all)
                continue
            slowest = max(slowest, (time.process_time() - start, found.name))
            lines = list(said(report))
            counts["with a fault" if not report else "to look at" if lines else "nothing said"] += 1
            if lines or given.all:
                print(f"  {found.name}: {report.handed}", *lines, sep="\n")
        print(f"  {dict(counts)}; slowest: {slowest[1]}, {slowest[0]:.1f} s", file=sys.stdout, flush=True)


if __name__ == "__main__":
    main()
