"""Time every loss beside torch's own and others', eager and compiled, and keep the table in the package (``make bench``).

The page "What a loss costs" shows it. All runs of a loss take turns in one process, each is one forward and backward
pass on one thread, and what is kept is the median of CPU milliseconds. A table says what one machine took; what carries
over to another are the ratios within a row.
"""

import argparse
import json
import platform
import statistics
import warnings
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

import lossbook.lessons.practice
from lossbook.catalogue import CATALOGUE
from lossbook.kit.entry import Entry
from tools.measure.bench import NOT_COMPILED, PAIRS, Pass, functions, head, name_of, seconds, size_of

TABLE = Path(lossbook.lessons.practice.__file__).with_name("times.json")
SIZE = "medium"
HEAD = (1024, 256, 32768)  # tokens, features, classes: logits of 128 MiB


def passes(entry: Entry, tensors: tuple[Tensor, ...]) -> dict[str, Pass]:
    """What is timed for a loss, by the name it has in the table."""
    from tools.measure import peers, with_optax  # they import libraries that nothing else here needs

    ours, theirs = functions(entry, tensors[0].shape[-1])
    of = {"lossbook": ours} if entry.torch_module is None else {"torch": theirs, "lossbook": ours}
    if entry.name not in NOT_COMPILED:
        torch.compiler.reset()  # or the sizes of the loss before would count
        of |= {f"{name}_compiled": torch.compile(loss) for name, loss in of.items()}
    timed: dict[str, Pass] = {
        name: partial(seconds, loss, tensors) for name, loss in (of | peers.PEERS.get(entry.name, {})).items()
    }
    if entry.name in with_optax.LOSSES:
        timed["optax_compiled"] = with_optax.timed(entry.name, tensors)
    return timed


def heads() -> dict[str, Pass]:
    """The head of a language model with its loss: with all logits, in chunks, and with clusters of rare words."""
    tokens, features, classes = HEAD
    generator = torch.Generator().manual_seed(0)
    weight = head(features, classes, generator).requires_grad_()
    frequent = torch.randint(classes // 16, (tokens,), generator=generator)  # each a class of the first cluster
    tensors = torch.randn(tokens, features, generator=generator), frequent
    chunks = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=128)
    adaptive = torch.nn.AdaptiveLogSoftmaxWithLoss(features, classes, cutoffs=[classes // 16, classes // 4])
    of = {
        "all logits": lambda x, t: F.cross_entropy(F.linear(x, weight), t),
        "in chunks": lambda x, t: F.linear_cross_entropy(x, weight, t, options=chunks),
        "adaptive softmax": lambda x, t: adaptive(x, t).loss,
    }
    return {name: partial(seconds, loss, tensors) for name, loss in of.items()}


def milliseconds(of: dict[str, Pass], rounds: int) -> dict[str, float]:
    """Median of each, run in turns after a warm-up, to three digits."""
    for one in of.values():
        one()
    spent = [[one() for one in of.values()] for _round in range(rounds)]
    return {
        name: float(f"{1000 * statistics.median(each):.3g}")
        for name, each in zip(of, zip(*spent, strict=True), strict=True)
    }


def processor() -> str:
    """The name that Linux gives the processor, elsewhere its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    named = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.exists() else []
    return named[0].partition(": ")[2] if named else platform.machine()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "losses", nargs="*", type=name_of, help="names of the catalogue, whose rows alone are measured anew"
    )
    names = parser.parse_args().losses
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # torch advises against the mean of kl_div
    machine = {"processor": processor(), "torch": torch.__version__.partition("+")[0], "threads": 1}
    table = json.loads(TABLE.read_text("utf-8")) if names else {"machine": machine, "losses": {}}
    if table["machine"] != machine:
        parser.error(
            f"the table is of {table['machine']}, this is {machine}. Leave out the names, to measure all anew."
        )
    if not names:
        table["heads"] = {"shape": HEAD, "ms": milliseconds(heads(), PAIRS[SIZE])}
    for entry in CATALOGUE:
        if not names or entry.name in names:
            tensors = size_of(entry, SIZE)
            of = milliseconds(passes(entry, tensors), PAIRS[SIZE])
            table["losses"][entry.name] = {"shape": list(tensors[0].shape), "ms": of}
            print(entry.name, of, flush=True)
    table["losses"] = {entry.name: table["losses"][entry.name] for entry in CATALOGUE if entry.name in table["losses"]}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
