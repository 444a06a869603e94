"""Variances: where a root or a logarithm of one is taken for it, or it for its logarithm."""

from __future__ import annotations

from torch import Tensor

from ...kit.text import number
from ...language import Phrase
from .. import graph
from ..finding import Told
from ..observation import Call, Numbers
from .rule import in_call


@in_call(
    "variance-or-its-root",
    Phrase("a standard deviation, a log-variance or any number where a variance belongs"),
    page="guide/overview",
)
def variance_or_root(call: Call) -> Told | None:
    var = call.arguments.get("var")
    if call.name != "gaussian_nll" or not isinstance(var, Tensor) or not var.numel():
        return None
    eps = float(call.settings["eps"])
    lost = Numbers(var).share(lambda v: (v >= 0) & (v <= eps))
    if lost > 0.05:
        return Told(
            Phrase(
                "{share}% of the variances that {loss} gets are at most {eps}, its eps: there every error is divided "
                "by eps, and counts a million times.",
                loss=call.spoken,
                share=round(100 * lost),
                eps=number(eps),
            ),
            Phrase("Let the model predict the variance: var=log_var.exp(), or softplus; or take MSELoss."),
        )
    if var.grad_fn is None:
        return None
    links = graph.last_operations(var)
    names = [link.name for link in links]
    while names and names[0] in ("Add", "Clamp", "ClampMin"):
        names.pop(0)
    seen = Numbers(var)
    values = {"loss": call.spoken, "low": number(seen.low), "high": number(seen.high)}
    if names[:1] == ["Sqrt"] or _half_exponent(links):
        return Told(
            Phrase(
                "{loss} takes the variance; this is a standard deviation, the root of it, from {low} to {high}. Its "
                "errors are divided by the wrong number.",
                **values,
            ),
            Phrase("Square it: var=std**2, or var=log_var.exp()."),
        )
    if names[:1] and names[0] in ("Addmm", "Mm", "Convolution", "LogSoftmax", "Log", "Tanh"):
        return Told(
            Phrase(
                "{loss} takes a variance, which must be positive; nothing in the model keeps it so: it comes straight "
                "from {operation}, from {low} to {high}, as a log-variance would.",
                operation=graph.LAYERS.get(names[0], names[0]),
                **values,
            ),
            Phrase("Write var=log_var.exp(), or softplus."),
            likely=seen.low > 0,
        )
    return None


def _half_exponent(links: list[graph.Link]) -> bool:
    """Whether it is exp(x / 2), the root of exp(x)."""
    if len(links) < 2 or links[0].name != "Exp" or links[1].name not in ("Mul", "Div"):
        return False
    factor = graph.saved(links[1].node, "other")
    return factor is not None and factor.numel() == 1 and factor.item() == (0.5 if links[1].name == "Mul" else 2)


@in_call(
    "exponential-twice",
    Phrase("exp of what is positive already: a variance taken for its logarithm"),
    page="guide/overview",
    likely=True,
)
def exponential_twice(call: Call) -> Told | None:
    whole = call.result if isinstance(call.result, Tensor) and call.result.grad_fn is not None else call.prediction
    found = graph.exponents(whole) if whole.grad_fn is not None else []
    if not found:
        return None
    return Told(
        Phrase(
            "exp() is applied to the output of {operation}, which is positive already: a variance, or a rate, is "
            "taken for its logarithm, so that it can never be below 1.",
            operation=found[0].lower(),
        ),
        Phrase("Let the last layer give the logarithm as it is, without {operation}.", operation=found[0].lower()),
    )
