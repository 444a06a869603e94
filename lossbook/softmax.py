"""Softmax, its logarithm, and the derivation of both, step by step.

Source: J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .guards.classes import as_rows, check_class_indices, unknown_class
from .guards.tensors import check_dimension, check_floating, check_tensors, is_half
from .language import message

__all__ = [
    "LogSoftmax",
    "Softmax",
    "SoftmaxSteps",
    "cross_entropy_gradient",
    "log_softmax",
    "softmax",
    "softmax_jacobian",
    "softmax_steps",
]


class SoftmaxSteps(NamedTuple):
    """The result of :func:`softmax_steps`; read from top to bottom it is the derivation."""

    shift: Tensor  #: the largest logit, subtracted from all: differences are what counts
    shifted: Tensor  #: logits − shift, so the largest is 0 and no exponential exceeds 1
    numerator: Tensor  #: exp(shifted)
    normalizer: Tensor  #: the sum of the numerators, at least 1
    probabilities: Tensor  #: numerator / normalizer


def largest(input: Tensor, dim: int) -> Tensor:
    """Return the largest logit, the shift. It cancels, so no gradient flows through it."""
    logits = input.detach()
    return logits.amax(dim, keepdim=True) if input.numel() else logits.sum(dim, keepdim=True)


def softmax_steps(input: Tensor, dim: int = -1) -> SoftmaxSteps:
    """Compute every intermediate value of the softmax.

    The shift changes nothing: :math:`e^{z_i - m} / \\sum_j e^{z_j - m} = e^{z_i} / \\sum_j e^{z_j}`, since
    :math:`e^{-m}` cancels. It keeps every exponential between 0 and 1, so nothing overflows.

    Args:
        input: logits, any shape, floating point.
        dim: the dimension of the classes.

    >>> softmax_steps(torch.tensor([0.0, 0.0])).probabilities
    tensor([0.5000, 0.5000])
    """
    check_tensors(input=input)
    check_floating(input=input)
    check_dimension(dim)
    shift = largest(input, dim)
    shifted = input - shift
    numerator = shifted.exp()
    normalizer = numerator.sum(dim, keepdim=True)
    return SoftmaxSteps(shift, shifted, numerator, normalizer, numerator / normalizer)


def softmax(input: Tensor, dim: int | None = None, *, dtype: torch.dtype | None = None) -> Tensor:
    r"""Turn scores into probabilities: positive, and adding up to 1 along ``dim``.

    .. math:: p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}

    Args:
        input: logits, any shape, floating point, any real value.
        dim: the dimension of the classes. torch guesses when it is missing; here it is required.
        dtype: compute in this type.

    Returns:
        Probabilities, in [0, 1], shape of ``input``.

    >>> softmax(torch.tensor([1.0, 2.0, 3.0, 4.0]), dim=0)
    tensor([0.0321, 0.0871, 0.2369, 0.6439])
    """
    input, dim, kept = _prepared("softmax", input, dim, dtype)
    return softmax_steps(input, dim).probabilities.to(kept)


def log_softmax(input: Tensor, dim: int | None = None, *, dtype: torch.dtype | None = None) -> Tensor:
    r"""Compute the logarithm of the softmax, without ever taking the logarithm of a rounded 0.

    .. math:: \log p_i = z_i - m - \log \sum_j e^{z_j - m}, \qquad m = \max_j z_j

    Args:
        input: logits, any shape, floating point.
        dim: the dimension of the classes; required.
        dtype: compute in this type.

    Returns:
        Log-probabilities, at most 0, shape of ``input``.

    >>> log_softmax(torch.tensor([200.0, 0.0]), dim=0)  # log(softmax) would give -inf
    tensor([   0., -200.])
    """
    input, dim, kept = _prepared("log_softmax", input, dim, dtype)
    shifted = input - largest(input, dim)
    return (shifted - shifted.exp().sum(dim, keepdim=True).log()).to(kept)


def softmax_jacobian(probabilities: Tensor) -> Tensor:
    r"""Differentiate each probability with respect to each logit.

    .. math:: \frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)

    Args:
        probabilities: a softmax, shape ``(C,)``.

    Returns:
        Shape ``(C, C)``, symmetric; every row and column adds up to 0, since probabilities keep adding up to 1.

    >>> softmax_jacobian(torch.tensor([0.5, 0.5]))
    tensor([[ 0.2500, -0.2500],
            [-0.2500,  0.2500]])
    """
    check_tensors(probabilities=probabilities)
    if probabilities.dim() != 1:
        raise ValueError(
            message(
                "probabilities must have shape (C,), got {shape}. The Jacobian belongs to one sample: take one "
                "row, probabilities[0].",
                shape=tuple(probabilities.shape),
            )
        )
    return torch.diag(probabilities) - torch.outer(probabilities, probabilities)


def cross_entropy_gradient(logits: Tensor, target: Tensor) -> Tensor:
    r"""Gradient of one sample's cross-entropy with respect to its logits.

    .. math:: \frac{\partial}{\partial z_j} \bigl(-\log p_t\bigr) = p_j - \delta_{jt}

    The :math:`1/p_t` of the logarithm cancels the :math:`p_t` of the Jacobian: what is left is the error of the
    probabilities, softmax minus one-hot.

    Args:
        logits: shape ``(C,)`` or ``(N, C)``.
        target: class numbers, shape ``()`` or ``(N,)``, int64.

    Returns:
        Shape of ``logits``, each in [-1, 1].

    >>> cross_entropy_gradient(torch.tensor([0.0, 0.0]), torch.tensor(1))
    tensor([ 0.5000, -0.5000])
    """
    check_tensors(logits=logits, target=target)
    as_rows(logits)  # refuses more than two dimensions
    check_class_indices(logits, target)
    classes = logits.shape[-1]
    try:
        one_hot = torch.nn.functional.one_hot(target.long(), classes)
    except RuntimeError as cause:
        raise unknown_class(target, classes, cause) from None
    return softmax(logits, dim=-1) - one_hot


class Softmax(torch.nn.Module):
    """Module form of :func:`softmax`."""

    function = staticmethod(softmax)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        if dim is not None:
            check_dimension(dim)
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """Module form of :func:`log_softmax`."""

    function = staticmethod(log_softmax)


def _prepared(
    caller: str, input: Tensor, dim: int | None, dtype: torch.dtype | None
) -> tuple[Tensor, int, torch.dtype]:
    """Check the arguments. Returns the input in the type to compute in, ``dim``, and the type of the result.

    Half precision is widened on the way: the normalizer of 65 505 equal logits is more than float16 can hold.
    """
    check_tensors(input=input)
    if dim is None:
        raise ValueError(
            message(
                "{caller} needs dim, the dimension of the classes: dim=1 for a batch of shape (N, C), dim=0 for "
                "one sample of shape (C,). Without it the sum could run over the samples.",
                caller=caller,
            )
        )
    input = input if dtype is None else input.to(dtype)
    check_floating(input=input)
    check_dimension(dim)
    return (input.float() if is_half(input) else input), dim, input.dtype
