"""The book's pictures, one function each. Every number in them is computed when they are drawn.

A picture of one panel takes `ax=None` and returns the Axes; a picture of several panels makes its own figure and
returns the array of its Axes. Nothing is shown or saved. Call `lossbook.set_style()` once before.
"""

from .classification import negative_log, one_hot_distances, softmax_bars, temperature
from .descent import descent, learning_rates
from .line import descent_on_contours, error_contours, error_of_slope, error_surface
from .regression import best_constant, outlier
from .training import accuracy_and_loss, training_curves, training_loop

__all__ = [
    "accuracy_and_loss",
    "best_constant",
    "descent",
    "descent_on_contours",
    "error_contours",
    "error_of_slope",
    "error_surface",
    "learning_rates",
    "negative_log",
    "one_hot_distances",
    "outlier",
    "softmax_bars",
    "temperature",
    "training_curves",
    "training_loop",
]
