"""What each loss of the catalogue wants to be given, as far as `watch` can see it in a batch.

Which arguments are predictions, and whether prediction and target are paired number by number, stands in the entries of
the losses; their guards say the rest. Here is what no guard can see: whether numbers are logits or probabilities.
"""

from __future__ import annotations

from typing import Any

LOGITS = "logits"  #: of classes, softmax inside
SCORES = "scores"  #: of yes or no each, sigmoid inside, or of classes, without an end
PROBABILITIES = "probabilities"
LOG_PROBABILITIES = "log-probabilities"
RATES, LOG_RATES = "rates", "log-rates"
NUMBERS = "numbers"  #: of any size, such as measurements
OTHER = "other"  #: distances, embeddings, boxes

_PREDICTIONS = {
    LOGITS: (
        "cross_entropy", "softmax_focal", "generalized_cross_entropy", "symmetric_cross_entropy",
        "soft_target_cross_entropy", "token_cross_entropy", "distillation",
    ),
    SCORES: ("bce_with_logits", "focal", "multilabel_soft_margin", "soft_margin", "multi_margin", "multilabel_margin"),
    PROBABILITIES: ("bce",),
    LOG_PROBABILITIES: ("nll", "kl_div", "js_div", "ctc"),
    NUMBERS: (
        "l1", "mse", "smooth_l1", "huber", "log_cosh", "charbonnier", "rmse", "quantile", "gaussian_nll",
    ),
}  # fmt: skip
_PREDICTION = {name: kind for kind, names in _PREDICTIONS.items() for name in names}
_MASKS = ("dice", "tversky", "jaccard", "focal_tversky")

#: Losses of yes or no: their targets lie in [0, 1].
YES_OR_NO = {"bce", "bce_with_logits", "focal", "multilabel_soft_margin"}
#: Losses whose targets are 1 and −1.
SIGNS = {"soft_margin", "hinge_embedding", "cosine_embedding", "margin_ranking"}
#: Losses that compare distributions, or classes: the mean is over the classes' dimension 1, or 0 of a single sample.
OF_CLASSES = {*_PREDICTIONS[LOGITS], "nll", "multi_margin"}
#: Losses that compare embeddings.
OF_EMBEDDINGS = {
    "triplet_margin", "triplet_margin_with_distance", "cosine_embedding", "contrastive", "info_nce", "nt_xent",
    "supervised_contrastive", "clip", "arcface",
}  # fmt: skip
#: Those of them that compare directions, whatever the embeddings' length.
OF_DIRECTIONS = OF_EMBEDDINGS - {"triplet_margin", "triplet_margin_with_distance", "contrastive"}
#: Losses that stay what they are, gradient included, when prediction and target change places.
SYMMETRIC = {
    "l1", "mse", "smooth_l1", "huber", "log_cosh", "charbonnier", "rmse", "gaussian_nll", "iou",
    "giou", "diou", "ciou",
}  # fmt: skip
#: Losses of two or three predictions of one kind, any of which may be the one that learns.
OF_PEERS = (OF_EMBEDDINGS - {"arcface", "supervised_contrastive"}) | {"margin_ranking", "pairwise_logistic"}
#: Divergences, of which both directions are in use: the target may be what learns.
DIVERGENCES = {"kl_div", "js_div"}


def symmetric(name: str, settings: dict[str, Any]) -> bool:
    """Whether prediction and target of a loss with these settings may change places."""
    if name == "quantile":
        level = settings.get("quantile")
        return isinstance(level, float) and level == 0.5
    if name in _MASKS:  # of probabilities; which classes are absent, the target alone says
        as_given = not settings.get("from_logits", True) and settings.get("mode") != "multiclass"
        return as_given and not settings.get("skip_absent") and settings.get("alpha") == settings.get("beta")
    if name == "js_div":
        return bool(settings.get("log_target")) and settings.get("beta") == 0.5
    return name in SYMMETRIC


def takes(name: str, settings: dict[str, Any]) -> str:
    """What kind of numbers a loss with these settings takes for a prediction."""
    if name == "poisson_nll":
        return LOG_RATES if settings.get("log_input", True) else RATES
    if name in _MASKS:
        if not settings.get("from_logits", True):
            return PROBABILITIES
        return LOGITS if settings.get("mode") == "multiclass" else SCORES
    return _PREDICTION.get(name, OTHER)
