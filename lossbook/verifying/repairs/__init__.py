"""Changes of one call of torch in a loss, tried to see which of them makes it right."""

from __future__ import annotations

from .arithmetic import of_alignment, of_arguments, of_operation, of_results, of_transposed, of_variables
from .call import Call, Calls, Changed, Spot
from .change import Change, Maker
from .counts import of_divisor, of_undivided
from .functions import FUNCTIONS, of_function, of_layout, of_missing, of_operands, of_torch_loss
from .gradients import of_gradient
from .numbers import (
    DIGITS,
    Knob,
    divisors,
    either,
    factor_in_words,
    hidden_knobs,
    in_words,
    is_simple,
    knobs,
    of_counts,
    of_factors,
    of_size_below,
    of_sizes,
    others,
    readings,
    rounded,
    share,
    solved,
)
from .own import of_others
from .pooled import of_pooled
from .reductions import of_dimensions, of_kind, of_masks, of_reduction_setting, of_stages, of_weights
from .selection import of_choice, of_comparison, of_order, of_slices
from .source import EXCHANGED, WRITTEN_OTHERWISE, Edit, edits
from .stable import of_stable
from .steps import of_constants, of_filled, of_filling, of_steps

__all__ = [
    "DIGITS",
    "EXCHANGED",
    "FUNCTIONS",
    "WRITTEN_OTHERWISE",
    "Call",
    "Calls",
    "Change",
    "Changed",
    "Edit",
    "Knob",
    "Spot",
    "divisors",
    "edits",
    "either",
    "factor_in_words",
    "hidden_knobs",
    "in_words",
    "is_simple",
    "knobs",
    "of_pooled",
    "others",
    "readings",
    "rounded",
    "share",
    "solved",
]

#: What is done to calls, the likeliest first.
WRITTEN: tuple[Maker, ...] = (
    of_alignment,
    of_dimensions,
    of_stages,
    of_steps,
    of_filled,
    of_filling,
    of_others,
    of_masks,
    of_weights,
    of_arguments,
    of_variables,
    of_stable,
    of_constants,
    of_layout,
    of_comparison,
    of_choice,
    of_operation,
    of_kind,
    of_reduction_setting,
    of_torch_loss,
    of_slices,
    of_order,
    of_counts,
)
#: The many that are tried after them.
OTHERWISE: tuple[Maker, ...] = (of_factors, of_function, of_transposed, of_results)
#: What is done to counts and sizes, which differ from batch to batch.
COUNTED: tuple[Maker, ...] = (of_undivided,)
DIVIDED: tuple[Maker, ...] = (of_size_below, of_divisor)
SIZES: tuple[Maker, ...] = (of_sizes,)
MISSING: tuple[Maker, ...] = (of_missing, of_operands)
#: What may have been done wrong in the same way at several calls.
TOGETHER: tuple[Maker, ...] = (
    of_dimensions,
    of_kind,
    of_stages,
    of_masks,
    of_alignment,
    of_function,
    of_layout,
    of_slices,
    of_stable,
    of_constants,
    of_arguments,
)
#: What may be wrong in an expression that stands at several places.
REPEATED: tuple[Maker, ...] = (of_arguments, of_operation)
#: What may be missing after several calls of one operation.
MISSING_TOGETHER: tuple[Maker, ...] = (of_missing,)
OF_GRADIENT: tuple[Maker, ...] = (of_gradient,)
