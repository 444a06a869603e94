"""Changes of what a sum is divided by: how many it adds up, how many a mask leaves in, one less, another size."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .call import DIVIDING, Call, written
from .change import Change, is_real, masks_among, masks_of

#: Operations that add up, and do not divide.
SUMMING = {"matmul", "mm", "bmm", "mv", "dot", "inner", "einsum", "tensordot", "sum"}
MOST = 16  #: counts that are tried at one call
Count = Callable[[Call], Any]


def counts_of(call: Call) -> Iterator[tuple[str, Count]]:
    """The sizes that there are, the likeliest first, each with how it is written: of arguments, of what is added up."""
    seen = {1}
    for text, count in itertools.islice(_sizes(call), MOST):
        for new, less in ((text, 0), (f"({text} - 1)", 1)):
            number = count(call) - less
            if number > 0 and number not in seen:
                seen.add(number)
                yield new, partial(lambda count, less, c: count(c) - less, count, less)


def _sizes(call: Call) -> Iterator[tuple[str, Count]]:
    for i, t in enumerate(call.inputs):
        for d in range(t.dim()):
            yield f"{call.name_of(i)}.shape[{d}]", partial(lambda i, d, c: c.inputs[i].shape[d], i, d)
    for i, t in enumerate(call.inputs):
        if t.dim() > 1:
            yield f"{call.name_of(i)}.numel()", partial(lambda i, c: c.inputs[i].numel(), i)
            yield f"{call.name_of(i)}[0].numel()", partial(lambda i, c: c.inputs[i][0].numel(), i)
    for i, t in enumerate(call.args):
        if is_real(t) and t.dim() > 1:
            name = written(call, i) or "x"
            yield f"{name}.numel()", partial(lambda i, c: c.args[i].numel(), i)
            for d in range(t.dim()):
                yield f"{name}.shape[{d}]", partial(lambda i, d, c: c.args[i].shape[d], i, d)
    if is_real(call.result) and call.result.dim() > 1:
        yield _("the number of its elements"), lambda c: c.again().numel()


def of_undivided(call: Call) -> Iterator[Change]:
    """A sum or a matrix product over how many it adds up."""
    if call.spot.name not in SUMMING or not is_real(call.result):
        return
    says = _("a sum is not divided by a count: right with {new} in the place of {old}")
    for text, count in counts_of(call):
        yield Change(says, f"… / {text}", partial(lambda count, c: c.again() / count(c), count))
    for text, count in itertools.islice(counts_of(call), MOST // 4):
        says = _("a sum is divided by a count, and should not be: right with {new} in the place of {old}")
        yield Change(says, f"… * {text}", partial(lambda count, c: c.again() * count(c), count))


def of_divisor(call: Call) -> Iterator[Change]:
    """Another count below the line."""
    if call.spot.name not in DIVIDING or len(call.args) != 2 or not is_real(call.args[0]):
        return
    now = call.args[1]
    says = _("it is divided by the wrong count: right with {new} in the place of {old}")
    if isinstance(now, Tensor) and now.requires_grad:
        return
    for text, mask in _left_in(call):
        yield Change(says, f"… / {text}", partial(lambda mask, c: c.args[0] / mask(c), mask))
        for more, count in itertools.islice(_sizes(call), MOST):
            new = f"… / ({text} * {more})"
            yield Change(says, new, partial(lambda mask, count, c: c.args[0] / (mask(c) * count(c)), mask, count))
    if isinstance(now, Tensor) and now.dim():
        return
    name = written(call, 1)
    for text, count in counts_of(call):
        yield Change(says, f"… / {text}", partial(lambda count, c: c.args[0] / count(c), count))
        more = f"({name} * {text})" if name else f"({text} * …)"
        yield Change(says, f"… / {more}", partial(lambda count, c: c.args[0] / (c.args[1] * count(c)), count))
        if not isinstance(now, Tensor) and now % count(call) == 0:
            fewer = f"({name} / {text})" if name else f"(… / {text})"
            yield Change(says, f"… / {fewer}", partial(lambda count, c: c.args[0] / (c.args[1] / count(c)), count))


def _left_in(call: Call) -> Iterator[tuple[str, Count]]:
    """How many a mask leaves in of what is added up, over the same dimensions."""
    made = _sum_behind(call, call.args[0])
    if made is None:
        return
    summed: Tensor = made.args[0]
    for name, mask in itertools.chain(masks_of(call, summed), masks_among(call, summed)):
        more = "" if mask(call).shape == summed.shape else ".expand_as(…)"
        yield f"{name}{more}.sum({_dims_written(made)})", partial(_kept, mask)
        yield f"(1 - {name}){more}.sum({_dims_written(made)})", partial(_kept, partial(_opposite, mask))


def _opposite(mask: Count, call: Call) -> Tensor:
    return 1 - mask(call)


def _sum_behind(call: Call, value: Any) -> Call | None:
    made = call.made.get(id(value))
    weighed = made is not None and made.spot.name in ("mul", "multiply") and not isinstance(made.args[-1], Tensor)
    if made is not None and made.args and (weighed or made.spot.name == "neg"):
        return _sum_behind(call, made.args[0])
    is_sum = made is not None and made.spot.name == "sum" and made.args and is_real(made.args[0])
    return made if is_sum and made is not None and made.args[0].dim() else None


def _dims_written(made: Call) -> str:
    dims = made.kwargs.get("dim", made.args[1] if len(made.args) > 1 else None)
    return "" if dims is None else str(dims)


def _kept(mask: Count, call: Call) -> Tensor:
    made = _sum_behind(call, call.args[0])
    assert made is not None  # a change is made of such calls alone
    kept = torch.as_tensor(mask(call), dtype=made.args[0].dtype).expand_as(made.args[0])
    return made.again(kept, *made.args[1:])
