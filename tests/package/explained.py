"""What the tests of `explain` on losses that are not in the catalogue share: two shapes that broadcast, steps, marks."""

import torch

import lossbook

COLUMN, ROW = torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 2.0])


def root_mean_square(prediction, target, eps=0.0):
    """A docstring is no step."""
    error = prediction - target
    # a comment is none either
    mean = (
        error.square()
        .mean()
    )  # fmt: skip
    return (mean + eps).sqrt()


def steps(loss, *tensors, **settings):
    return {step.say: step for step in lossbook.explain(loss, *tensors, **settings).steps}


def marked(loss, *tensors, **settings):
    return {step.say: step.marks for step in lossbook.explain(loss, *tensors, **settings).steps if step.marks}
