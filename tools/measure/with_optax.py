"""Losses of optax under jax.jit, for the bench: value and gradient, compiled, on the CPU."""

import os
import time
from collections.abc import Callable

# One thread, as torch has it in the bench; jax reads it when it starts.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from optax import losses  # noqa: E402
from torch import Tensor  # noqa: E402

#: by name of the loss: its numbers for each element or sample, from the same tensors. Not ntxent, which makes N³ numbers
LOSSES: dict[str, Callable[..., jax.Array]] = {
    "mse": losses.squared_error,
    "huber": losses.huber_loss,
    "log_cosh": losses.log_cosh,
    "kl_div": lambda log_q, p: losses.kl_divergence(log_q, p) / p.shape[-1],
    "bce_with_logits": losses.sigmoid_binary_cross_entropy,
    "pairwise_logistic": lambda a, b, y: losses.sigmoid_binary_cross_entropy(a - b, y),
    "focal": lambda z, t: losses.sigmoid_focal_loss(z, t, alpha=0.25, gamma=2.0),
    "cross_entropy": losses.softmax_cross_entropy_with_integer_labels,
    "soft_target_cross_entropy": losses.softmax_cross_entropy,
    "triplet_margin": losses.triplet_margin_loss,
}


def mean_of(name: str) -> Callable[..., jax.Array]:
    """The mean of a loss and its gradient to the first argument, compiled."""
    return jax.jit(jax.value_and_grad(lambda *arrays: LOSSES[name](*arrays).mean()))


def timed(name: str, tensors: tuple[Tensor, ...]) -> Callable[[], float]:
    """A function that takes one forward and backward pass, and returns its CPU seconds."""
    compiled, arrays = mean_of(name), [jnp.asarray(t.numpy()) for t in tensors]

    def seconds() -> float:
        start = time.process_time()
        jax.block_until_ready(compiled(*arrays))
        return time.process_time() - start

    return seconds
