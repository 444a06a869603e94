"""How fast the losses are beside torch's own: forward and backward, one thread, CPU time (``make bench``).

Both run in turns in this one process, and the table shows the median of their paired ratios, so that a busy machine
slows both alike. Where memory comes from matters for large tensors; the allocator is named above the table.
"""

import argparse
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lossbook._core import Entry
from lossbook.catalogue import CATALOGUE

SIZES = {"small": (64, 10), "medium": (4096, 1000), "large": (16384, 1000)}
LARGE_CLASSES = (8192, 32000)  # cross-entropy as language models know it
NOT_TIMED = {"adaptive_log_softmax", "ctc"}  # a module only; and a batch of sequences, which fits none of these sizes
PAIRS = {"small": 300, "medium": 15, "large": 5}


def batch(entry: Entry, rows: int, columns: int) -> tuple[Tensor, ...]:
    """What a loss takes, in float32, with rows × columns predictions."""
    generator = torch.Generator().manual_seed(0)

    def normal() -> Tensor:
        return torch.randn(rows, columns, generator=generator)

    def signs(*shape: int) -> Tensor:
        return torch.randint(2, shape, generator=generator) * 2.0 - 1

    classes = torch.randint(columns, (rows,), generator=generator)
    special = {
        "poisson_nll": lambda: (normal(), torch.randint(6, (rows, columns), generator=generator).float()),
        "gaussian_nll": lambda: (normal(), normal(), normal().square() + 0.1),
        "kl_div": lambda: (normal().log_softmax(1), normal().softmax(1)),
        "bce": lambda: (normal().sigmoid(), (signs(rows, columns) + 1) / 2),
        "bce_with_logits": lambda: (normal(), (signs(rows, columns) + 1) / 2),
        "nll": lambda: (normal().log_softmax(1), classes),
        "cross_entropy": lambda: (normal(), classes),
        "hinge_embedding": lambda: (normal().abs(), signs(rows, columns)),
        "soft_margin": lambda: (normal(), signs(rows, columns)),
        "margin_ranking": lambda: (normal(), normal(), signs(rows, columns)),
        "multi_margin": lambda: (normal(), classes),
        "multilabel_margin": lambda: (normal(), torch.cat([classes[:, None], torch.full((rows, columns - 1), -1)], 1)),
        "multilabel_soft_margin": lambda: (normal(), (signs(rows, columns) + 1) / 2),
        "cosine_embedding": lambda: (normal(), normal(), signs(rows)),
        "triplet_margin": lambda: (normal(), normal(), normal()),
        "triplet_margin_with_distance": lambda: (normal(), normal(), normal()),
    }
    special["linear_cross_entropy"] = lambda: (normal(), torch.randn(columns, columns, generator=generator), classes)
    return special.get(entry.name, lambda: (normal(), normal()))()


def seconds(loss: Callable[..., Tensor], tensors: tuple[Tensor, ...]) -> float:
    """CPU seconds of one forward and backward pass."""
    inputs = [tensors[0].detach().requires_grad_(), *tensors[1:]]
    start = time.process_time()
    loss(*inputs).backward()
    return time.process_time() - start


def ratio(ours: Callable[..., Tensor], theirs: Callable[..., Tensor], tensors: tuple[Tensor, ...], pairs: int) -> float:
    """Median of our time over torch's, run in turns."""
    for loss in (ours, theirs):  # warm up
        seconds(loss, tensors)
    ratios = []
    for _ in range(pairs):
        torchs, mine = seconds(theirs, tensors), seconds(ours, tensors)
        if torchs > 0:
            ratios.append(mine / torchs)
    return statistics.median(ratios)


def table(names: list[str], sizes: list[str], compiled: bool) -> Iterator[str]:
    """The lines of the table, one for each loss as soon as it is measured."""
    yield " | ".join(["loss", *sizes, *(f"{size}, compiled" for size in sizes if compiled and size != "small")])
    for entry in CATALOGUE:
        if (names and entry.name not in names) or entry.name in NOT_TIMED:
            continue
        cells = [entry.name]
        for function in [entry.function, torch.compile(entry.function)] if compiled else [entry.function]:
            for size in sizes:
                if function is not entry.function and size == "small":
                    continue
                wide = size == "large" and entry.name in ("nll", "cross_entropy")
                tensors = batch(entry, *(LARGE_CLASSES if wide else SIZES[size]))
                cells.append(f"{ratio(function, entry.torch_function, tensors, PAIRS[size]):.2f}")
        yield " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("losses", nargs="*", help="names of the catalogue; all when left out")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--compiled", action="store_true", help="also under torch.compile, which takes minutes")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # torch advises against the mean of kl_div
    allocator = os.environ.get("GLIBC_TUNABLES") or os.environ.get("LD_PRELOAD") or "the system's, untuned"
    print(f"torch {torch.__version__}, {platform.machine()}, one thread, CPU time, allocator: {allocator}")
    print("Our time divided by torch's, forward and backward, median of pairs.")
    for line in table(given.losses, given.sizes, given.compiled):
        print(line, flush=True)


if __name__ == "__main__":
    main()
