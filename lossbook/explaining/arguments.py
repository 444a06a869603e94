"""What a loss of the reader's own is called with: copies of its arguments, and which of them carry a gradient."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from ..guards.tensors import check_arguments

#: Words in the names of what a loss is given beside what a model predicts. They outweigh the others.
DATA = frozenset((
    "target", "targets", "label", "labels", "gt", "gts", "true", "truth", "actual", "observed", "expected",
    "mask", "masks", "weight", "weights", "teacher", "ref", "reference", "old", "advantage", "advantages",
    "reward", "rewards", "returns", "length", "lengths", "index", "indices", "prior", "counts",
))  # fmt: skip
#: Words in the names of what a model predicts.
PREDICTED = frozenset((
    "mu", "mean", "means", "loc", "logvar", "var", "variance", "logstd", "std", "sigma", "logsigma", "pred",
    "preds", "prediction", "predictions", "predicted", "hat", "logit", "logits", "logp", "logps", "logprob",
    "logprobs", "prob", "probs", "probabilities", "output", "outputs", "out", "image", "images", "img", "text",
    "texts", "txt", "feat", "feats", "feature", "features", "embedding", "embeddings", "embeds", "emb", "anchor",
    "anchors", "positive", "positives", "negative", "negatives", "pos", "neg", "chosen", "rejected", "student",
    "query", "queries", "recon", "reconstruction", "projection", "projections", "score", "scores", "policy",
))  # fmt: skip
#: The two views that contrastive losses compare: z1 and z2, x_i and x_j, za and zb.
VIEW = re.compile(r"[hxz]_?[1-4ijab]")


class Arguments:
    """Copies of a loss's arguments; ``variables`` holds those that carry a gradient, by name."""

    def __init__(self, loss: Callable, values: tuple[Any, ...], settings: dict[str, Any]) -> None:
        check_values(values)
        named = [*zip(names_of(loss, len(values)), values, strict=True), *settings.items()]
        tensors = [leaf for name, value in named for leaf in leaves(name, value)]
        self._carrying = predicted(tensors)
        self.variables: dict[str, Tensor] = {}
        self.values = tuple(self._copy(name, value) for name, value in named[: len(values)])
        self.settings = {name: self._copy(name, value) for name, value in named[len(values) :]}

    def _copy(self, name: str, value: Any) -> Any:
        """Copy tensors, those in lists, tuples and dicts too, so that nothing happens to what was given."""
        if isinstance(value, Tensor):
            copy = value.detach().clone()
            if name not in self._carrying:
                return copy
            self.variables[name] = copy.requires_grad_()
            return copy.clone()  # not the leaf itself, so that a loss may work on its input in place
        if isinstance(value, dict):
            return {key: self._copy(f"{name}[{key!r}]", item) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self._copy(f"{name}[{i}]", item) for i, item in enumerate(value))
        return value


def names_of(loss: Callable, count: int) -> list[str]:
    """The names of the first parameters of a loss; their numbers where it has none."""
    try:
        call = loss.forward if hasattr(loss, "forward") else loss  # that of a module says *args
        names = [p.name for p in inspect.signature(call).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):
        names = []
    return [*names, *(str(i) for i in range(len(names) + 1, count + 1))][:count]


def leaves(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors in an argument, each with its name: ``outputs['logits']``."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(f"{name}[{key!r}]", item)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from leaves(f"{name}[{i}]", item)


def predicted(tensors: list[tuple[str, Tensor]]) -> set[str]:
    """Guess which tensors a model predicts: the first, those that carry a gradient or are named so, or look like it."""
    floating = [(name, tensor) for name, tensor in tensors if tensor.is_floating_point()]
    if not floating:
        return set()
    data = {name for name, _tensor in floating if DATA & set(words(name))}
    others = [(name, tensor) for name, tensor in floating if name not in data]
    first, alike = (others or floating)[0]
    return {
        name
        for name, tensor in floating
        if name == first
        or tensor.requires_grad
        or (name not in data and (PREDICTED & set(words(name)) or VIEW.fullmatch(name)))
        or (name not in data and len(tensors) > 2 and looks_predicted(tensor, alike))
    }


def words(name: str) -> list[str]:
    """The words of a name: image and features of ``image_features2``."""
    return re.split(r"[\W\d_]+", name.lower())


def looks_predicted(tensor: Tensor, first: Tensor) -> bool:
    """True for numbers of every kind, in the shape of the first: labels, masks and weights are not like that."""
    return tensor.shape == first.shape and bool((tensor < 0).any()) and len(tensor.unique()) > 2


def check_values(values: tuple[Any, ...]) -> None:
    """Each is a tensor, or what a loss takes beside tensors: a number, a text, None, a list or dict that holds some."""
    tensors = [tensor for value in values for _name, tensor in leaves("", value)]
    passes = (int, float, str, type(None)) if tensors else ()
    check_arguments(*(tensors[0] if isinstance(v, passes) or any(leaves("", v)) else v for v in values))
    check_arguments(*tensors)  # on one device
