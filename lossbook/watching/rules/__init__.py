"""All rules, in the order in which their findings are told: causes before what follows from them."""

# ruff: noqa: I001  # the order of these imports is that order
from . import activations, last_layer, shapes, targets, distributions, variances, embeddings, weights, padding, own  # noqa: F401
from . import batches, not_finite, sizes, contracts, model, cuts, gradients, steps, course  # noqa: F401
from .rule import CALL_RULES, TRAINING_RULES, Rule

__all__ = ["CALL_RULES", "TRAINING_RULES", "Rule"]
