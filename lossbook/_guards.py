"""The only place where wrong input is put into words.

Every message says what was expected, what came, why it matters and how to mend it. Wrong shapes and values
raise ``ValueError``, wrong kinds ``TypeError``, a class that does not exist ``IndexError``, as torch does.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch._subclasses.fake_tensor import FakeTensor


def tensors(**named: Any) -> None:
    """Each value is a tensor."""
    for name, value in named.items():
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name} must be a torch.Tensor, got {type(value).__name__}. "
                f"Turn numbers into a tensor first: torch.tensor([2., 3.])."
            )
    (first, one), *rest = named.items()
    for name, other in rest:
        if one.device != other.device:
            raise ValueError(
                f"{first} and {name} must be on one device, got {one.device} and {other.device}. "
                f"Move one of them: {name}.to({first}.device)."
            )


def floating(*, complex_too: bool = False, **named: Tensor) -> None:
    """Each tensor holds floating-point numbers, so that it can carry a gradient."""
    for name, value in named.items():
        if value.is_floating_point() or (complex_too and value.is_complex()):
            continue
        raise TypeError(
            f"{name} must hold floating-point numbers, got {value.dtype}. "
            f"Only those carry a gradient. Write {name}.float(), or numbers with a point: torch.tensor([2., 3.])."
        )


def numeric(**named: Tensor) -> None:
    """Each tensor holds real numbers: neither truth values nor complex numbers."""
    for name, value in named.items():
        if value.dtype is torch.bool or value.is_complex():
            raise TypeError(f"{name} must hold real numbers, got {value.dtype}. For truth values write {name}.float().")


def same_shape(**named: Tensor) -> None:
    """All tensors have one shape. Nothing is broadcast."""
    (first, one), *rest = named.items()
    for name, other in rest:
        if one.shape != other.shape:
            raise ValueError(
                f"{first} and {name} must have the same shape, got {tuple(one.shape)} and {tuple(other.shape)}. "
                f"Broadcasting would pair numbers that do not belong together: (N, 1) against (N,) gives N×N errors. "
                f"Use squeeze, unsqueeze or reshape on one of them."
            )


def pair(input: Any, target: Any) -> None:
    """Prediction and target of a loss that compares number with number: tensors of one shape, input floating point."""
    tensors(input=input, target=target)
    same_shape(input=input, target=target)
    floating(input=input)
    numeric(target=target)


def class_dim(input: Tensor) -> int:
    """Where the classes stand: 0 for one sample of shape (C,), else 1, as in (N, C) and (N, C, d1, …)."""
    if input.dim() == 0:
        raise ValueError(
            "input must have a dimension for the classes, shape (C,), (N, C) or (N, C, d1, …); got a single number. "
            "One score cannot be compared with anything: give one score for each class."
        )
    dim = 0 if input.dim() == 1 else 1
    if input.shape[dim] == 0:
        raise ValueError(
            f"input must have at least one class, got shape {tuple(input.shape)}: none in dimension {dim}."
        )
    return dim


def dimension(dim: Any) -> None:
    """One dimension, by its number."""
    if not isinstance(dim, int) or isinstance(dim, bool):
        raise TypeError(f"dim must be the number of one dimension, such as 1 or -1, got {dim!r}.")


def class_weight(weight: Tensor | None, classes: int) -> None:
    """One weight for each class."""
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(
            f"weight must hold one number for each class, shape ({classes},), got {tuple(weight.shape)}. "
            f"It weighs classes, not samples: for samples take reduction='none' and weigh the result."
        )


def class_indices(input: Tensor, target: Tensor, name: str = "input") -> None:
    """Target holds class numbers, one where input holds a whole row of scores."""
    dim = class_dim(input)
    expected = tuple(input.shape[:dim] + input.shape[dim + 1 :])
    if tuple(target.shape) != expected:
        raise ValueError(
            f"target must hold one class number for each sample: {name} of shape {tuple(input.shape)} needs target of "
            f"shape {expected}, got {tuple(target.shape)}. The classes of {name} stand in dimension {dim}. "
            f"For a target of shape (N, 1) write target.squeeze(1)."
        )
    class_numbers(target)


def class_probabilities(target: Tensor, ignore_index: int, name: str = "input") -> None:
    """Target, in the shape of input, holds a probability for each class."""
    if not target.is_floating_point():
        raise TypeError(
            f"target has the shape of {name}, {tuple(target.shape)}, so it must hold class probabilities, which are "
            f"floating-point numbers; got {target.dtype}. Write target.float(), or give one class number for each "
            f"sample: target.argmax(dim=…)."
        )
    if ignore_index >= 0:
        raise ValueError(
            f"ignore_index={ignore_index} has no meaning when target holds class probabilities: no class number is "
            f"there to compare with. Leave it out, or give target as class numbers."
        )


def class_exists(target: Tensor, classes: int, cause: Exception, ignorable: bool = False) -> IndexError:
    """The error for a class number outside 0 … classes − 1; called once picking a score has failed."""
    wrong = target[(target < 0) | (target >= classes)].flatten()
    if wrong.numel() == 0:
        raise cause
    marked = f", or pass ignore_index={wrong[0].item()} if this number marks samples to leave out" * ignorable
    return IndexError(
        f"target holds class {wrong[0].item()}, but input has {classes} classes, numbered from 0. "
        f"Count classes from 0{marked}."
    )


def probabilities(**named: Tensor) -> None:
    """Every number lies in [0, 1]. Under torch.compile and vmap, where values cannot be looked at, nothing is checked."""
    for name, value in named.items():
        if not can_be_read(value) or value.numel() == 0:
            continue
        low, high = value.detach().aminmax()  # nan if one of the numbers is
        if not (low >= 0 and high <= 1):
            wrong = value[~((value >= 0) & (value <= 1))].flatten()[0].item()
            raise ValueError(
                f"{name} must hold probabilities between 0 and 1, got {wrong:.4g}. "
                f"If the model returns scores, use the loss 'with logits', or apply torch.sigmoid first."
            )


def ones_where_different(input: Tensor, **named: Tensor) -> None:
    """The broadcasting that torch documents for a loss: a single number, or equally many dimensions, each equal or 1."""
    for name, other in named.items():
        pairs = list(zip(input.shape, other.shape, strict=False))
        alike = input.dim() == other.dim() and all(a == b or 1 in (a, b) for a, b in pairs)
        if other.dim() and not alike:
            raise ValueError(
                f"{name} must have the shape of input, {tuple(input.shape)}, but for dimensions of size 1; got "
                f"{tuple(other.shape)}. (N, 1) against (N,) would pair every number with every other. "
                f"Use squeeze, unsqueeze or reshape."
            )


def variance(input: Tensor, var: Any) -> Tensor:
    """The variance of each element, in a shape that expands to that of ``input``."""
    if isinstance(var, numbers.Real) and not isinstance(var, bool):
        var = torch.full_like(input.detach(), float(var))
    tensors(var=var)
    if var.shape == input.shape[:-1] and var.shape != input.shape:
        var = var.unsqueeze(-1)
    if var.dim() and (
        var.dim() != input.dim() or any(b not in (1, a) for a, b in zip(input.shape, var.shape, strict=True))
    ):
        raise ValueError(
            f"var must hold a variance for each element of input, shape {tuple(input.shape)}, with 1 in some dimensions or "
            f"without the last one; got {tuple(var.shape)}. It must not make input larger."
        )
    if can_be_read(var) and bool((var < 0).any()):
        raise ValueError(
            f"var must not be negative, got {var.min().item():.4g}. A model can predict the logarithm of the variance "
            f"instead: var=log_variance.exp()."
        )
    return var


def row_or_batch(input: Tensor) -> Tensor:
    """Shape (C,) or (N, C); a single number is a row of one class."""
    if input.dim() > 2:
        raise ValueError(
            f"input must have shape (C,) for one sample or (N, C) for a batch, got {tuple(input.shape)}. "
            f"For more dimensions move the classes last and flatten the rest: input.movedim(1, -1).flatten(0, -2)."
        )
    return input if input.dim() else input.unsqueeze(0)


def vectors(**named: Tensor) -> None:
    """Embeddings of one shape, (D,) or (N, D)."""
    same_shape(**named)
    name, value = next(iter(named.items()))
    if value.dim() not in (1, 2):
        raise ValueError(
            f"{name} must hold embeddings, shape (D,) for one or (N, D) for a batch, got {tuple(value.shape)}. "
            f"The last dimension holds the coordinates; flatten the others."
        )


def distances(found: Any, vectors: Tensor) -> None:
    """A distance function gave one number for each pair of embeddings."""
    if not isinstance(found, Tensor) or found.shape != vectors.shape[:-1]:
        came = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ValueError(
            f"distance_function must return one distance for each pair, shape {tuple(vectors.shape[:-1])}, got {came}. "
            f"torch.cdist compares all with all; torch.nn.functional.pairwise_distance compares pairs."
        )


def one_for_each(target: Tensor, vectors: Tensor) -> None:
    """One label for each pair of embeddings."""
    expected = tuple(vectors.shape[:-1])
    if tuple(target.shape) != expected:
        raise ValueError(
            f"target must hold one label for each pair, shape {expected}, got {tuple(target.shape)}. "
            f"For a target of shape (N, 1) write target.squeeze(1)."
        )


def class_numbers(target: Tensor) -> None:
    """Target holds class numbers of a type that can address a class."""
    if target.dtype not in (torch.int64, torch.uint8):
        raise TypeError(
            f"target must hold class numbers of type torch.int64, got {target.dtype}. "
            f"A class number is an address, not a quantity. Write target.long()."
        )


def head(input: Any, linear_weight: Any, linear_bias: Any) -> tuple[int, ...]:
    """The last linear layer of a classifier and its input; returns the shape of the logits it would give."""
    tensors(input=input, linear_weight=linear_weight)
    floating(input=input, linear_weight=linear_weight)
    if input.dim() not in (1, 2):
        raise ValueError(
            f"input must have shape (D,) or (N, D), got {tuple(input.shape)}. "
            f"For a batch of sequences, (B, T, D), write input.flatten(0, 1) and target.flatten()."
        )
    if linear_weight.dim() < 2:
        raise ValueError(
            f"linear_weight must have shape (C, D) or (C, d1, …, D), like the weight of torch.nn.Linear, got "
            f"{tuple(linear_weight.shape)}."
        )
    if input.shape[-1] != linear_weight.shape[-1]:
        raise ValueError(
            f"input must hold {linear_weight.shape[-1]} numbers for each sample, in its last dimension, as many as the "
            f"linear layer takes, got {input.shape[-1]}. The weight of the layer has shape (C, D), one row for each class."
        )
    if linear_weight.dim() > 2 and input.dim() == 1:
        raise ValueError(
            f"linear_weight of shape {tuple(linear_weight.shape)} needs a batch, input of shape (N, D), got "
            f"{tuple(input.shape)}. Write input.unsqueeze(0)."
        )
    if linear_bias is not None:
        tensors(linear_bias=linear_bias)
        if linear_bias.shape != linear_weight.shape[:-1]:
            raise ValueError(
                f"linear_bias must hold one number for each logit, shape {tuple(linear_weight.shape[:-1])}, got "
                f"{tuple(linear_bias.shape)}."
            )
    return (*input.shape[:-1], *linear_weight.shape[:-1])


def cutoffs(given: Any, classes: int, features: int, div_value: float) -> None:
    """Where the clusters of an adaptive softmax begin; each keeps at least one feature."""
    values = list(given)
    whole = all(isinstance(c, numbers.Integral) for c in values)
    if not values or not whole or values != sorted(set(values)) or values[0] < 1 or values[-1] >= classes:
        raise ValueError(
            f"cutoffs must be integers that increase, from 1 to n_classes − 1 = {classes - 1}, got {values}. "
            f"Each begins a cluster: [10, 100] makes classes 0 to 9 the head, 10 to 99 a cluster, the others another."
        )
    if features < div_value ** len(values):
        raise ValueError(
            f"in_features={features} leaves no feature for cluster {len(values)}, which gets in_features // div_value**"
            f"{len(values)} with div_value={div_value}. It could learn nothing: use fewer cutoffs or a smaller div_value."
        )


def expandable(name: str, value: Tensor, input: Tensor) -> Tensor:
    """The weights of the elements of ``input``: a tensor that broadcasts to its shape, never the other way round."""
    try:
        shape = torch.broadcast_shapes(value.shape, input.shape)
    except RuntimeError:
        shape = None
    if shape != input.shape:
        raise ValueError(
            f"{name} must expand to the shape of input, {tuple(input.shape)}, got {tuple(value.shape)}. "
            f"Give one number for each class in the last dimension, shape ({input.shape[-1] if input.dim() else 1},), "
            f"or one for each element."
        )
    return value


def signs(**named: Tensor) -> None:
    """Every number is 1 or −1."""
    for name, value in named.items():
        if can_be_read(value) and not bool((value.abs() == 1).all()):
            wrong = value[value.abs() != 1].flatten()[0].item()
            raise ValueError(
                f"{name} must hold 1 and −1 only, got {wrong:.4g}. For labels 0 and 1 write 2 * {name} − 1."
            )


def can_be_read(value: Tensor) -> bool:
    """Whether the numbers of a tensor can be looked at: not while compiling, under vmap or on the meta device."""
    if torch.compiler.is_compiling() or value.is_meta or isinstance(value, FakeTensor):
        return False
    while functorch.is_functorch_wrapped_tensor(value):  # grad may be wrapped around vmap
        if functorch.is_batchedtensor(value):
            return False
        value = functorch.get_unwrapped(value)
    return True


# Rules for settings. A loss names them in its signature, e.g. `reduction: Reduction`; the function checks them
# at every call and the module when it is built.

Rule = Callable[[str, Any], None]


def one_of(*allowed: str | int) -> Rule:
    def rule(name: str, value: Any) -> None:
        if not isinstance(value, (str, int)) or value not in allowed:
            choices = ", ".join(map(repr, allowed))
            old_name = " PyTorch 0.4 called the mean so." if value == "elementwise_mean" else ""
            raise ValueError(f"{name} must be one of {choices}, got {value!r}.{old_name}")

    return rule


def between(low: float, high: float) -> Rule:
    def rule(name: str, value: Any) -> None:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise TypeError(f"{name} must be a number, got {type(value).__name__}.")
        if not low <= value <= high:
            raise ValueError(f"{name} must lie between {low} and {high}, got {value}.")

    return rule


def at_least(low: float) -> Rule:
    def rule(name: str, value: Any) -> None:
        between(low, float("inf"))(name, value)

    return rule


def positive(name: str, value: Any) -> None:
    if isinstance(value, numbers.Real) and value <= 0:
        raise ValueError(f"{name} must be larger than 0, got {value}.")
    any_number(name, value)


def switch(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}.")


def any_number(name: str, value: Any) -> None:
    between(-float("inf"), float("inf"))(name, value)


def integer(name: str, value: Any) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}.")


def integer_or_none(name: str, value: Any) -> None:
    if value is not None:
        integer(name, value)


def chunk_options(name: str, value: Any) -> None:
    if value is not None and not hasattr(value, "batch_chunk_size"):
        raise TypeError(
            f"{name} must be a torch.nn.LinearCrossEntropyOptions, or another object with a batch_chunk_size, "
            f"or None; got {type(value).__name__}."
        )


def callable_or_none(name: str, value: Any) -> None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function of two batches of embeddings, got {type(value).__name__}.")


def tensor_or_none(name: str, value: Any) -> None:
    if value is None:
        return
    tensors(**{name: value})
    floating(**{name: value})
