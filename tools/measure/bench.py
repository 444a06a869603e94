"""How fast the losses are beside torch's own: forward and backward, one thread, CPU time (``make bench``).

Both run in turns in this one process, and the table shows the median of their paired ratios, so that a busy machine
slows both alike. A loss that torch lacks is divided by torch's mse_loss of the same input. Where memory comes from
matters for large tensors; the allocator is named above the table.

With ``--others`` two columns are added, for what others make of the same tensors (`peers.py`, `with_optax.py`): the
fastest of a loss's peers, by name, and optax under ``jax.jit``. It needs ``pip install --editable .[bench]``.

With ``--compiled`` our loss runs under torch.compile and is still divided by torch's as a user calls it, uncompiled; in
brackets it is divided by what torch.compile makes of torch's own. With ``--head`` linear cross-entropy and its memory are measured
at the size it was made for. Lines before the table say what `lossbook.watch` adds to a training.
"""

import argparse
import ctypes
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import lossbook
from lossbook.catalogue import CATALOGUE, find
from lossbook.kit.entry import Entry
from lossbook.watching.watcher import EVERY, FIRST

SIZES = {"small": (64, 10), "medium": (4096, 1000), "large": (16384, 1000)}
LARGE_CLASSES = (8192, 32000)  # cross-entropy as language models know it
HEAD = (2048, 1024, 131072)  # tokens, features, classes
NOT_COMPILED = {
    "multilabel_margin",  # compiled it cannot see how short the lists of classes are: C² numbers for each sample
    "ctc",  # its loop over time is unrolled: minutes
    "adaptive_log_softmax",  # which samples go to which cluster is known only when it runs
}
PAIRS = {"small": 300, "medium": 15, "large": 5}
WATCHED_TURN = 128  #: steps of one side, before as many of the other
WATCHED_TURNS = 32
EACH_WITH_EACH = {"info_nce", "nt_xent", "supervised_contrastive", "clip"}  # rows × rows numbers: gigabytes
MOST_COMPARED = 512
Pass = Callable[[], float]  #: takes one forward and backward pass, and returns its CPU seconds
IMPORT = "import time, torch; t = time.process_time(); import lossbook; print(time.process_time() - t)"


def name_of(loss: str) -> str:
    """The name in the catalogue of a loss that is asked for on the command line."""
    try:
        return find(loss).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def batch(entry: Entry, rows: int, columns: int) -> tuple[Tensor, ...]:
    """What a loss takes, in float32, with rows × columns predictions."""
    tensors = entry.batches.large(torch.Generator().manual_seed(0), rows, columns)
    return tuple(t.float() if t.is_floating_point() else t for t in tensors)


def head(features: int, classes: int, generator: torch.Generator) -> Tensor:
    """The weights of a linear layer, as small as torch.nn.Linear draws them."""
    return torch.randn(classes, features, generator=generator) / (3 * features) ** 0.5


def functions(entry: Entry, columns: int) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Our loss and torch's. A loss that is a module only becomes a function of input and target."""
    if entry.function is not None:
        return entry.function, entry.torch_function or mean_of_squares
    sizes = {"in_features": columns, "n_classes": columns, "cutoffs": [columns // 10, columns // 2], "div_value": 2.0}
    ours, theirs = entry.module(**sizes), torch.nn.AdaptiveLogSoftmaxWithLoss(**sizes)
    theirs.load_state_dict(ours.state_dict())
    return lambda *tensors: ours(*tensors).loss, lambda *tensors: theirs(*tensors).loss


def mean_of_squares(input: Tensor, *_rest: Tensor) -> Tensor:
    """torch's mse_loss of the same input: the yardstick of a loss that torch lacks."""
    return torch.nn.functional.mse_loss(input, torch.zeros_like(input))


def seconds(loss: Callable[..., Tensor], tensors: tuple[Tensor, ...]) -> float:
    """CPU seconds of one forward and backward pass."""
    inputs = [tensors[0].detach().requires_grad_(), *tensors[1:]]
    start = time.process_time()
    loss(*inputs).backward()
    return time.process_time() - start


def ratios(ours: Pass, others: list[Pass], rounds: int) -> list[float]:
    """Median of our time over that of each other, all run in turns."""
    for one in (ours, *others):  # warm up
        one()
    found: list[list[float]] = [[] for _other in others]
    for _round in range(rounds):
        theirs, mine = [other() for other in others], ours()
        for quotients, spent in zip(found, theirs, strict=True):
            if spent > 0:
                quotients.append(mine / spent)
    return [statistics.median(quotients) for quotients in found]


def ratio(ours: Callable[..., Tensor], theirs: Callable[..., Tensor], tensors: tuple[Tensor, ...], pairs: int) -> float:
    """Median of our time over torch's, run in turns."""
    return ratios(partial(seconds, ours, tensors), [partial(seconds, theirs, tensors)], pairs)[0]


def beside_others(entry: Entry, size: str) -> list[str]:
    """Two cells: our time over that of the fastest peer, with its name, and over that of optax."""
    from tools.measure import peers, with_optax  # they import libraries that nothing else here needs

    tensors = size_of(entry, size)
    named = {name: partial(seconds, loss, tensors) for name, loss in peers.PEERS.get(entry.name, {}).items()}
    if entry.name in with_optax.LOSSES:
        named["optax"] = with_optax.timed(entry.name, tensors)
    if not named:
        return ["", ""]
    assert entry.function is not None
    of = dict(
        zip(named, ratios(partial(seconds, entry.function, tensors), [*named.values()], PAIRS[size]), strict=True)
    )
    optax = f"{of.pop('optax'):.2f}" if "optax" in of else ""
    fastest = max(of, key=lambda name: of[name], default="")
    return [f"{of[fastest]:.2f} ({fastest})" if fastest else "", optax]


def size_of(entry: Entry, size: str) -> tuple[Tensor, ...]:
    """The tensors of one size of the table. A loss that compares each row with each other gets fewer of them."""
    if size == "large" and entry.name in ("nll", "cross_entropy"):
        return batch(entry, *LARGE_CLASSES)
    rows, columns = SIZES[size]
    return batch(entry, min(rows, MOST_COMPARED) if entry.name in EACH_WITH_EACH else rows, columns)


def table(names: list[str], sizes: list[str], compiled: bool, others: bool) -> Iterator[str]:
    """The lines of the table, one for each loss as soon as it is measured."""
    titles = [
        [f"{size}, compiled" if compiled else size, *([f"{size}, its peers", f"{size}, optax"] if others else [])]
        for size in sizes
    ]
    yield " | ".join(["loss", *sum(titles, [])])
    for entry in CATALOGUE:
        if (names and entry.name not in names) or (compiled and entry.name in NOT_COMPILED):
            continue
        cells = [entry.name if entry.torch_module else f"{entry.name} (mse_loss)"]
        for size in sizes:
            columns, tensors = SIZES[size][1], size_of(entry, size)
            ours, theirs = functions(entry, columns)
            if compiled:
                torch.compiler.reset()  # or the second size would be compiled for any size, which is slower
                compiled_ours, compiled_theirs = (
                    partial(seconds, torch.compile(loss), tensors) for loss in (ours, theirs)
                )
                eager, own = ratios(compiled_ours, [partial(seconds, theirs, tensors), compiled_theirs], PAIRS[size])
                cells.append(f"{eager:.2f} ({own:.2f})")
            else:
                cells.append(f"{ratio(ours, theirs, tensors, PAIRS[size]):.2f}")
            cells += beside_others(entry, size) if others else []
        yield " | ".join(cells)


def peak(loss: Callable[..., Tensor], tensors: tuple[Tensor, ...]) -> int:
    """KiB in use at the peak of one forward and backward pass, beyond those before it. Linux counts them."""

    def kib(name: str) -> int:
        return int(re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

    ctypes.CDLL(None).malloc_trim(0)  # what earlier passes freed
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = kib("VmRSS")
    loss(*tensors).backward()
    return kib("VmHWM") - before


def linear_cross_entropy() -> str:
    """Time and memory of linear cross-entropy for the head of a language model; input and weights learn."""
    tokens, features, classes = HEAD
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(classes, (tokens,), generator=generator)
    layer = torch.randn(tokens, features, generator=generator), head(features, classes, generator)
    ours, theirs = lossbook.functional.linear_cross_entropy, torch.nn.functional.linear_cross_entropy
    used = [peak(loss, (*(x.clone().requires_grad_() for x in layer), target)) for loss in (ours, theirs)]
    tensors = layer[0], layer[1].requires_grad_(), target
    layer[1].grad = torch.zeros_like(layer[1])  # every timed pass adds to it
    spent = ratio(ours, theirs, tensors, pairs=3)
    return f"{tokens} × {features} → {classes}: time {spent:.2f}, memory {used[0] / used[1]:.2f} ({used[0] >> 10} MiB)"


def import_seconds() -> float:
    """CPU seconds that importing lossbook takes beyond torch, its bytecode at hand."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    runs = [
        subprocess.run([sys.executable, "-c", IMPORT], env=environment, capture_output=True, check=True, text=True)
        for _ in range(6)
    ]
    return statistics.median(float(run.stdout) for run in runs[1:])


def watched_step() -> Iterator[str]:
    """What `watch` adds to the step of a small model, in its three forms: in the first calls, and after them."""
    x, labels = torch.randn(64, 20), torch.randint(10, (64,))
    plain_module, plain_function = torch.nn.CrossEntropyLoss(), torch.nn.functional.cross_entropy

    def steps(criterion: Callable[..., Tensor], whole: bool = False) -> Iterator[list[tuple[float, float]]]:
        """Many steps at a time, so that the other side takes turns with them: what the loss took, and all of each step."""
        model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        around = lossbook.watch(model=model, optimizer=optimizer) if whole else nullcontext()
        while True:
            taken = []
            with around:
                for _ in range(WATCHED_TURN):
                    start = time.process_time()
                    optimizer.zero_grad()
                    prediction, before = model(x), time.process_time()
                    loss = criterion(prediction, labels)
                    after = time.process_time()
                    loss.backward()
                    optimizer.step()
                    taken.append((after - before, time.process_time() - start))
            yield taken

    forms: dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor], bool]] = {
        "a module": (plain_module, lossbook.watch(torch.nn.CrossEntropyLoss()), False),
        "a function": (plain_function, lossbook.watch(plain_function), False),
        "with-block": (plain_module, plain_module, True),
    }
    for form, (before, after, whole) in forms.items():
        both = zip(steps(before), steps(after, whole), strict=True)
        turns = [next(both) for _ in range(WATCHED_TURNS)]
        pairs = zip(turns[0][0][1:FIRST], turns[0][1][1:FIRST], strict=True)  # the first step warms up
        first = statistics.median(watched[1] - plain[1] for plain, watched in pairs)
        late = turns[WATCHED_TURNS // 4 :]
        added = [sum(loss for loss, _ in watched) - sum(loss for loss, _ in plain) for plain, watched in late]
        share = statistics.median(added) / statistics.median(sum(step for _, step in plain) for plain, _ in late)
        look = max(loss for _, watched in late for loss, _ in watched)
        yield (
            f"watch, {form}: {1000 * first:.1f} ms a step in the first {FIRST}, then {100 * share:.1f} % of a small one, "
            f"and {1000 * look:.1f} ms at one call of {EVERY}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("losses", nargs="*", type=name_of, help="names of the catalogue; all when left out")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--compiled", action="store_true", help="under torch.compile, which takes minutes")
    parser.add_argument("--others", action="store_true", help="beside its peers and optax too")
    parser.add_argument("--head", action="store_true", help="linear cross-entropy at its own size, with its memory")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # torch advises against the mean of kl_div
    allocator = os.environ.get("GLIBC_TUNABLES") or os.environ.get("LD_PRELOAD") or "the system's, untuned"
    print(f"torch {torch.__version__}, {platform.machine()}, one thread, CPU time, allocator: {allocator}")
    print(f"import lossbook: {1000 * import_seconds():.0f} ms after torch")
    for line in watched_step():
        print(line)
    if given.head:
        print(linear_cross_entropy())
        return
    print("Our time divided by torch's, forward and backward, median of pairs.")
    for line in table(given.losses, given.sizes, given.compiled, given.others):
        print(line, flush=True)


if __name__ == "__main__":
    main()
