"""Inputs that losses usually take, for a loss of which nobody says what it takes."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...language import message
from ..subject.given import ASKED_FOR
from ..subject.outcome import Answered, Failed, call
from ..subject.state import preserved, quiet


def _class_numbers() -> tuple[Tensor, ...]:
    return torch.randn(8, 4), torch.randint(4, (8,))


def _pixels() -> tuple[Tensor, ...]:
    return torch.randn(2, 3, 8, 8), torch.randint(3, (2, 8, 8))


def _answers() -> tuple[Tensor, ...]:
    return torch.randn(8, 4), torch.randint(2, (8, 4)).float()


def _numbers() -> tuple[Tensor, ...]:
    return torch.randn(8, 4), torch.randn(8, 4)


def _probabilities() -> tuple[Tensor, ...]:
    return torch.rand(8, 4) * 0.9 + 0.05, torch.randint(2, (8, 4)).float()


def _distributions() -> tuple[Tensor, ...]:
    return torch.randn(8, 4).softmax(1), torch.randn(8, 4).softmax(1)


def _masks() -> tuple[Tensor, ...]:
    return torch.randn(2, 3, 8, 8), torch.nn.functional.one_hot(torch.randint(3, (2, 8, 8)), 3).movedim(-1, 1).float()


def _two_classes() -> tuple[Tensor, ...]:
    return torch.randn(2, 1, 8, 8), torch.randint(2, (2, 8, 8))


def _channel_of_labels() -> tuple[Tensor, ...]:
    return torch.randn(2, 3, 8, 8), torch.randint(3, (2, 1, 8, 8))


def _volumes() -> tuple[Tensor, ...]:
    return torch.rand(2, 1, 6, 6, 6), torch.rand(2, 1, 6, 6, 6)


def _images() -> tuple[Tensor, ...]:
    return torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)


def _one_image() -> tuple[Tensor, ...]:
    return (torch.rand(2, 3, 32, 32),)


def _row() -> tuple[Tensor, ...]:
    return torch.randn(8), torch.randn(8)


def _triplets() -> tuple[Tensor, ...]:
    return torch.randn(8, 4), torch.randn(8, 4), torch.randn(8, 4)


def _pairs() -> tuple[Tensor, ...]:
    return torch.randn(8, 4), torch.randn(8, 4), torch.randint(2, (8,)) * 2 - 1


def _boxes() -> tuple[Tensor, ...]:
    corners = torch.rand(2, 8, 2) * 5
    boxes = torch.cat([corners, corners + torch.rand(2, 8, 2) * 5 + 0.5], -1)
    return boxes[0], boxes[1]


#: The more a form asks of a loss, the sooner it is tried: what takes class numbers takes no floats.
USUAL = (
    _class_numbers,
    _pixels,
    _answers,
    _numbers,
    _probabilities,
    _distributions,
    _masks,
    _images,
    _row,
    _triplets,
    _pairs,
    _boxes,
    _two_classes,
    _channel_of_labels,
    _volumes,
    _one_image,
)
OF_PICTURES = re.compile(
    "dice|iou|jaccard|tversky|lovasz|hausdorff|ssim|image", re.IGNORECASE
)  #: these are tried there first


#: What arguments without a default usually are, by their names.
SETTINGS: dict[str, Any] = {
    "num_classes": 4,
    "n_classes": 4,
    "classes": 4,
    "embedding_size": 4,
    "embedding_dim": 4,
    "feat_dim": 4,
    "features": 4,
    "alpha": 0.5,
    "beta": 0.5,
    "gamma": 2.0,
    "delta": 1.0,
    "sigma": 1.0,
    "margin": 0.5,
    "temperature": 0.5,
    "max_val": 1.0,
    "window_size": 5,
    "spatial_dims": 2,
    "descriptors_dim": 4,
    "data_range": 1.0,
    "p": 2,
}


def usual_call(loss: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """How `verify` may call a loss: its arguments, and the settings that had to be guessed among them.

    Raises:
        TypeError: the class needs other arguments, or the loss takes none of the usual inputs.
    """
    settings = {name: SETTINGS[name] for name in _required(loss) if name in SETTINGS}
    arguments: dict[str, Any] = {}
    with preserved(), quiet():
        try:
            built: Any = loss(**settings) if inspect.isclass(loss) else functools.partial(loss, **settings)
        except Exception as error:
            raise TypeError(
                message("it cannot be built: {error}. Give it a mark with make.", error=str(error))
            ) from error
        if settings and inspect.isclass(loss):
            arguments["make"] = lambda kind: kind(**settings)
        elif settings:
            arguments["call"] = lambda loss, *inputs: loss(*inputs, **settings)
        name = getattr(loss, "__name__", type(loss).__name__)
        first = [_pixels, _masks, _images] if OF_PICTURES.search(name) else []
        return {**arguments, "inputs": _fitting(built, (*first, *USUAL))}, settings


def _required(loss: Any) -> list[str]:
    """What a loss cannot be called or built without; of a function not the first two, which are what it compares."""
    try:
        parameters = list(inspect.signature(loss).parameters.values())
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters[0 if inspect.isclass(loss) else 2 :] if p.default is p.empty]


def _fitting(loss: Callable, usual: Sequence[Callable]) -> Callable[[], tuple[Tensor, ...]]:
    """The first usual inputs that a loss takes, giving a finite number with a gradient."""
    errors: list[str] = []
    for make in usual:
        for seed in range(ASKED_FOR):
            torch.manual_seed(seed)
            got = call(loss, make(), (0,))
            if not isinstance(got, Answered) or not got.is_finite or not _has_gradient(got):
                break
        else:
            return make
        if isinstance(got, Failed):
            errors.append(str(got.error).split("\n")[0])
    said = next(iter(errors), "")
    raise TypeError(message("none of the usual inputs fits it ({said}). Give it a mark with inputs.", said=said))


def _has_gradient(got: Answered) -> bool:
    gradient = got.gradients[0]
    return gradient is not None and bool(gradient.isfinite().all())
