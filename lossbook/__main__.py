"""The command ``lossbook``: explain, list, plot, verify and watch losses from a shell."""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .language import SOURCE, languages, message, set_language
from .language import gettext as _
from .listing import listed
from .plain_text import allow_any_text, width

if TYPE_CHECKING:  # torch takes a second to load: commands that do not compute do without
    import torch
    from torch import Tensor

    from .kit.entry import Entry

EXAMPLES = """
  lossbook list
  lossbook explain mse 2,3,4,5 4,5,6,7
  lossbook explain l1 2,3,4,5 4,5,6,7 --set reduction=sum --lang vi
  lossbook explain cross_entropy "2,1,0; 0,3,1" 0,1 --set label_smoothing=0.1
  lossbook plot huber mse -o losses.svg
  lossbook plot huber --set delta=0.5,1,2 --gradient -o slopes.svg
  lossbook verify mypackage.losses:MyMSE --like mse
  lossbook verify losses.py:focal --like reference.py:focal --inputs losses.py:make_batch
  lossbook verify losses.py:focal --inputs losses.py:make_batch
  lossbook verify mypackage.losses
  lossbook watch train.py --epochs 1

"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        allow_any_text(stream)
    # argparse takes a row that begins with a minus, such as -1,2, for an option; a blank in front prevents that.
    words = [
        f" {word}" if re.match(r"-[\d.]", word) else word for word in (sys.argv[1:] if arguments is None else arguments)
    ]
    try:
        set_language(_language_of(words))
        given = _parsed(words)
        return given.run(given) or 0
    except (ValueError, TypeError, IndexError, RuntimeError, OSError, ModuleNotFoundError) as error:
        print(f"lossbook: {error}", file=sys.stderr)
        return 2


def _language_of(words: list[str]) -> str:
    """The language that was asked for: known before all else, so that help and errors speak it too."""
    parser = argparse.ArgumentParser("lossbook", add_help=False)
    parser.add_argument("--lang", default=SOURCE)
    parser.add_argument("command", nargs="?")
    if parser.parse_known_args(words)[0].command == "watch":
        end = words.index("watch") + 1
        while end < len(words) and words[end].startswith("-"):
            end += 2 if words[end] == "--lang" else 1
        words = words[:end]  # from the script on, the words are its own
    return parser.parse_known_args(words)[0].lang


def _parsed(words: list[str]) -> argparse.Namespace:
    english = argparse._  # type: ignore[attr-defined]  # what argparse looks its own texts up with
    argparse._ = _of_argparse  # type: ignore[attr-defined]
    try:
        return _parser().parse_args(words)
    finally:
        argparse._ = english  # type: ignore[attr-defined]


def _of_argparse(text: str) -> str:
    """A text of argparse in the current language; one that is not listed stays English."""
    texts = {
        "usage: ": _("usage: "),
        "positional arguments": _("positional arguments"),
        "options": _("options"),
        "show this help message and exit": _("show this help message and exit"),
        "%(prog)s: error: %(message)s\n": _("%(prog)s: error: %(message)s\n"),
        "argument %(argument_name)s: %(message)s": _("argument %(argument_name)s: %(message)s"),
        "the following arguments are required: %s": _("the following arguments are required: %s"),
        "unrecognized arguments: %s": _("unrecognized arguments: %s"),
        "expected one argument": _("expected one argument"),
        "expected at least one argument": _("expected at least one argument"),
        "ignored explicit argument %r": _("ignored explicit argument %r"),
        "invalid choice: %(value)r (choose from %(choices)s)": _("invalid choice: %(value)r (choose from %(choices)s)"),
        "ambiguous option: %(option)s could match %(matches)s": _(
            "ambiguous option: %(option)s could match %(matches)s"
        ),
    }
    return texts.get(text, text)


def _parser() -> argparse.ArgumentParser:
    # The line break keeps the note as narrow as the examples: the text is shown as it stands.
    note = _(
        "Numbers are separated by commas, rows by semicolons. Exit code 1: verify found a fault, or watch a certain "
        "one. Exit code 2:\nthe input was wrong or the loss could not be run, and a sentence says how."
    )
    shared = argparse.ArgumentParser(add_help=False)
    codes = ", ".join(languages())
    shared.add_argument("--lang", default=SOURCE, metavar="CODE", help=_("language: {codes}").format(codes=codes))
    parser = argparse.ArgumentParser(
        "lossbook",
        parents=[shared],
        description=_("PyTorch losses: explained with your numbers, drawn, and yours checked."),
        epilog=_("examples:") + EXAMPLES + note,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared_set = argparse.ArgumentParser(add_help=False)
    shared_set.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help=_("a setting: reduction=sum")
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", parents=[shared], help=_("list the losses"))
    command.set_defaults(run=_list)

    command = commands.add_parser(
        "explain", parents=[shared, shared_set], help=_("show a loss step by step with your numbers")
    )
    command.add_argument("loss", help=_("a name from 'lossbook list', or softmax"))
    command.add_argument("numbers", nargs="+", help=_("what the loss takes: 2,3,4 for a row, '1,2; 3,4' for two rows"))
    command.set_defaults(run=_explain)

    command = commands.add_parser("plot", parents=[shared, shared_set], help=_("draw losses into a file"))
    command.add_argument("loss", nargs="+", help=_("names from 'lossbook list'"))
    command.add_argument("-o", "--output", required=True, metavar="FILE", help=_("ends in .svg, .png or .pdf"))
    command.add_argument("--gradient", action="store_true", help=_("draw the gradient instead of the loss"))
    command.set_defaults(run=_plot)

    command = commands.add_parser("verify", parents=[shared, shared_set], help=_("check a loss of your own"))
    command.add_argument(
        "loss", help=_("where it is: package.module:Name or file.py:Name; without a name, every loss there")
    )
    command.add_argument("--like", help=_("what is right: a name from 'lossbook list', or a place as above"))
    command.add_argument(
        "--inputs", metavar="PLACE", help=_("a function that makes a batch, for a loss that is not listed")
    )
    command.add_argument("--compile", action="store_true", help=_("try torch.compile too"))
    command.set_defaults(run=_verify)

    command = commands.add_parser(
        "watch", parents=[shared], help=_("run a training script, and say how it uses the losses of torch wrongly")
    )
    command.add_argument("-m", action="store_true", dest="module", help=_("the script is a module, as for python -m"))
    command.add_argument("script", help=_("a file, such as train.py"))
    command.add_argument("arguments", nargs=argparse.REMAINDER, help=_("what the script takes"))
    command.set_defaults(run=_watch)
    return parser


def _list(given: argparse.Namespace) -> None:
    for loss in listed():
        home = "torch.nn" if loss.in_torch else "lossbook.beyond"
        family = _family(loss.family)
        also = f"  ({', '.join(loss.also)})" * bool(loss.also)
        print(f"{loss.name:30}{family}{' ' * (16 - width(family))}{home}.{loss.module}{also}")


def _family(name: str) -> str:
    families = {
        "regression": _("regression"),
        "likelihood": _("likelihood"),
        "binary": _("binary"),
        "classification": _("classification"),
        "distance": _("distance"),
        "ranking": _("ranking"),
        "overlap": _("overlap"),
        "several losses": _("several losses"),
    }
    return families.get(name, name)


def _explain(given: argparse.Namespace) -> None:
    import torch

    from .catalogue import find
    from .explaining.explain import explain

    if given.loss == "softmax":
        if given.set or len(given.numbers) != 1:
            raise ValueError(
                message("softmax takes one row, or rows, of numbers and no settings: lossbook explain softmax 1,2,3")
            )
        print(explain("softmax", _tensor(given.numbers[0], torch.float32)))
        return
    entry = find(given.loss)
    if entry.function is None:
        raise ValueError(
            message(
                "{loss} has parameters of its own. Explain it in Python: explain(module, input, target).",
                loss=entry.name,
            )
        )
    example = entry.sample(torch.Generator())
    kinds = [x.dtype for x in example] + [torch.float64] * len(given.numbers)  # too many: the loss itself will say so
    tensors = [_tensor(text, kind) for text, kind in zip(given.numbers, kinds, strict=False)]
    # One label beside one row of scores is the label of a single sample.
    one_sample = tensors[0].dim() == 1 and example[0].dim() == 2
    tensors = [
        x.squeeze(0) if one_sample and x.shape == (1,) and example[i].dim() == 1 else x
        for i, x in enumerate(tensors[: len(example)])
    ] + tensors[len(example) :]
    print(explain(entry.name, *tensors, **_settings(given.set, [entry])))


def _plot(given: argparse.Namespace) -> None:
    from .catalogue import find
    from .plotting.plot import plot
    from .plotting.style import set_style

    set_style()
    if not Path(given.output).suffix:
        raise ValueError(
            message(
                "The file name {file!r} does not say what to write. End it in .svg, .png or .pdf.", file=given.output
            )
        )
    settings = _settings(given.set, [find(loss) for loss in given.loss])
    figure: Any = plot(*given.loss, quantity="gradient" if given.gradient else "loss", **settings).figure
    figure.savefig(given.output, bbox_inches="tight")
    print(given.output)


def _verify(given: argparse.Namespace) -> int:
    if ":" not in given.loss and not (given.like or given.inputs or given.set or given.compile):
        return _verify_all(given.loss)
    from .catalogue import find, lookup
    from .verifying.verify import verify

    like = _object(given.like) if given.like and ":" in given.like else given.like and find(given.like).name
    entries = [entry for entry in [like and lookup(like)] if entry]
    report = verify(
        _object(given.loss),
        like,
        _object(given.inputs) if given.inputs else None,
        compile=given.compile,
        **_settings(given.set, entries),
    )
    print(report)
    return 0 if report else 1 if report.ran else 2


def _verify_all(home: str) -> int:
    """Check every loss of a module: what is marked as its mark says, the others alone."""
    from .found import losses_in, none_found, verified

    module = _module(home)
    every = losses_in(module)
    if not every:
        raise none_found(module)
    wrong, untried = 0, 0
    for found in every:
        try:
            report = verified(found)
        except Exception as error:  # a mark may hold anything, and so may a loss
            untried += 1
            print(_("{name} was not tried: {error}").format(name=found.name, error=error), end="\n\n")
            continue
        wrong += not report
        print(report.in_short(), end="\n\n")
    right = len(every) - wrong - untried
    print(
        _("{count} losses: {right} without a fault, {wrong} with one, {untried} not tried.").format(
            count=len(every), right=right, wrong=wrong, untried=untried
        )
    )
    return 1 if wrong else 0 if right else 2


def _watch(given: argparse.Namespace) -> int:
    from .watching.script import run_script

    words = [word.removeprefix(" ") for word in given.arguments]
    report, code = run_script(given.script, words, as_module=given.module)
    print(report)
    return code or int(any(finding.certain for finding in report.findings))


def _object(place: str) -> Any:
    """Import the object at a place: ``package.module:Name`` or ``file.py:Name``."""
    home, _colon, name = place.partition(":")
    if not home or not name:
        raise ValueError(
            message("{place!r} does not say where the loss is. Write package.module:Name or file.py:Name.", place=place)
        )
    module = _module(home)
    if not hasattr(module, name):
        raise ValueError(
            message(
                "{home} has no {name}. It has: {names}.",
                home=home,
                name=name,
                names=", ".join(n for n in vars(module) if not n.startswith("_")),
            )
        )
    return getattr(module, name)


def _module(home: str) -> ModuleType:
    """Import a module: ``package.module`` or ``file.py``."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        if not home.endswith(".py"):
            return importlib.import_module(home)
        spec = importlib.util.spec_from_file_location(Path(home).stem, home)
        assert spec is not None  # it is None for endings that Python does not know
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except Exception as error:  # whatever the reader's file does
        raise ValueError(
            message("{home} cannot be imported: {kind}: {error}.", home=home, kind=type(error).__name__, error=error)
        ) from error
    finally:
        sys.path.pop(0)


def _tensor(text: str, kind: torch.dtype) -> Tensor:
    """Read a row, or rows, of numbers. They are integers where the loss takes class numbers and no number has a point."""
    import torch

    try:
        rows = [[float(x) for x in row.split(",")] for row in text.split(";")]
    except ValueError:
        raise ValueError(
            message("{text!r} is not a row of numbers. Write 2,3.5,-1 and '1,2; 3,4' for rows.", text=text)
        ) from None
    if len({len(row) for row in rows}) > 1:
        raise ValueError(
            message("The rows of {text!r} have different lengths. Each row needs as many numbers.", text=text)
        )
    whole = not kind.is_floating_point and "." not in text
    return torch.tensor(rows if ";" in text else rows[0], dtype=torch.int64 if whole else torch.float32)


def _settings(texts: list[str], entries: list[Entry]) -> dict[str, Any]:
    """Read NAME=VALUE: a tensor where the loss takes one, else a Python literal or a word; 1,2 is a list."""
    import torch

    from .kit.loss import rules_of
    from .kit.settings import tensor_or_none

    functions = [entry.function for entry in entries if entry.function]
    settings = {}
    for text in texts:
        name, equal, value = text.partition("=")
        if not equal:
            raise ValueError(
                message(
                    "{text!r} is not a setting. Write its name, an equals sign and its value: reduction=sum.", text=text
                )
            )
        try:
            settings[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            settings[name] = value  # e.g. sum
        if any(rules_of(function).get(name) is tensor_or_none for function in functions):
            settings[name] = _tensor(value, torch.float32)
        elif isinstance(settings[name], tuple):
            settings[name] = list(settings[name])  # which plot compares
    return settings


if __name__ == "__main__":
    sys.exit(main())
