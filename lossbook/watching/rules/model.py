"""What model and optimizer show, where `watch` was given them."""

from __future__ import annotations

import torch

from ...language import Phrase
from ..finding import Told
from ..training import Training
from .rule import in_training

#: Layers that do something else in training than in evaluation.
OF_TWO_MODES = (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm)


@in_training(
    "model-frozen",
    Phrase("a model without a parameter that may learn"),
    page="first-losses/five-steps",
    hides=("prediction-without-gradient", "loss-made-a-leaf"),
)
def model_frozen(training: Training) -> Told | None:
    model = training.model()
    if model is None or not training.calls or any(p.requires_grad for p in model.parameters()):
        return None
    if training.holds_inputs or any(seen.prediction_carries for seen in training.calls):
        return None
    return Told(
        Phrase(
            "None of the {count} parameters of {model} requires a gradient: the whole model is frozen.",
            count=len(list(model.parameters())),
            model=type(model).__name__,
        ),
        Phrase("Unfreeze what should learn: model.requires_grad_(True)."),
    )


@in_training(
    "optimizer-lacks-parameters",
    Phrase("parameters of the model that its optimizer does not hold"),
    page="training/linear-regression",
    hides=("parameters-missing", "other-parameters", "parameters-unreached", "never-stepped"),
)
def optimizer_lacks(training: Training) -> Told | None:
    model, optimizer = training.model(), training.optimizer()
    if model is None or optimizer is None or training.holds_inputs:
        return None
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    reached = {
        key for key, followed in training.followed.items() if followed.gradients > 2 and not followed.held
    }  # not a teacher that is averaged, nor what another optimizer moves
    missing = [i for i, (_, p) in enumerate(trainable) if id(p) not in held and id(p) in reached]
    kept = [i for i, (_, p) in enumerate(trainable) if id(p) in held]
    if not missing or (kept and missing[-1] < kept[0]):
        return None  # only the first layers: a backbone that is left as it is
    return Told(
        Phrase(
            "The optimizer holds {kept} of {all} trainable parameters of {model}; {name} and {others} others are "
            "missing, and never move.",
            kept=len(kept),
            all=len(trainable),
            model=type(model).__name__,
            name=trainable[missing[0]][0],
            others=len(missing) - 1,
        ),
        Phrase("Build the optimizer from model.parameters(), after the model is whole and on its device."),
    )


@in_training(
    "model-in-evaluation",
    Phrase("a model that is trained in evaluation mode"),
    page="first-losses/five-steps",
    likely=True,
)
def model_in_evaluation(training: Training) -> Told | None:
    model = training.model()
    learning = [seen for seen in training.calls if seen.arrived]
    if (told := _normalization_in_evaluation(training)) is not None:
        return told
    if model is None or len(learning) < 3 or not all(seen.evaluating for seen in learning):
        return None
    layers = [type(m).__name__ for m in model.modules() if isinstance(m, OF_TWO_MODES)]
    if not layers or not any(p.requires_grad for p in model.parameters()):
        return None
    return Told(
        Phrase(
            "{calls} batches were trained on while {model} was in evaluation mode: its {layer} does not do what it "
            "should do in training.",
            calls=len(learning),
            model=type(model).__name__,
            layer=layers[0],
        ),
        Phrase("Call model.train() before the loop, and again after each evaluation."),
    )


def _normalization_in_evaluation(training: Training) -> Told | None:
    """The same as the graph tells it: batch normalization was in training mode before, and is no more."""
    for calls in training.series():
        modes = [seen.normalizes for seen in calls if seen.arrived and seen.stepped]
        first = next((i for i in range(len(modes)) if not any(modes[i:])), len(modes))
        if None in modes or len(modes) - first < 4:
            continue
        if first > 0 and all(modes[:first]):
            return Told(
                Phrase(
                    "Batch normalization was in training mode for {before} steps, and in evaluation mode for the "
                    "{after} steps after them: a model.eval() stayed in force, and Dropout does nothing either.",
                    before=first,
                    after=len(modes) - first,
                ),
                Phrase("Call model.train() before the loop, and again after each evaluation."),
            )
    return None
