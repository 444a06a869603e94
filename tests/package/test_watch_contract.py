"""What `watch` takes for right and wrong use, held against the catalogue: its losses on batches that are legal for them."""

import pytest
import torch

import lossbook
from lossbook.catalogue import CATALOGUE
from lossbook.watching import contract

WITH_FUNCTION = [entry for entry in CATALOGUE if entry.function is not None]
names = {"ids": lambda entry: entry.name}


def legal(entry):
    """A batch as the documentation of the loss asks for it, and settings that nobody needs to be warned of."""
    tensors = entry.sample(torch.Generator().manual_seed(0))
    if entry.name == "hinge_embedding":  # the formula is defined for negative numbers, too, but distances are none
        tensors = (tensors[0].abs(), *tensors[1:])
    # A prediction carries a gradient; without one, numbers that all lie between 0 and 1 are taken for probabilities.
    tensors = tuple(t.requires_grad_() if i in entry.batches.wrt else t for i, t in enumerate(tensors))
    return tensors, {"reduction": "batchmean"} if entry.name == "kl_div" else {}


@pytest.mark.parametrize("entry", WITH_FUNCTION, **names)
def test_a_legal_batch_is_left_alone(entry):
    tensors, settings = legal(entry)
    for loss in filter(None, (entry.function, entry.torch_function)):
        assert lossbook.examine(loss, *tensors, **settings).findings == []


@pytest.mark.parametrize("entry", [e for e in WITH_FUNCTION if e.batches.elementwise], **names)
def test_a_column_against_a_row_is_seen_wherever_numbers_are_paired(entry):
    tensors, settings = legal(entry)
    one = tensors[0].flatten()[:, None]
    others = [t.flatten() if isinstance(t, torch.Tensor) else t for t in tensors[1:]]
    for loss in filter(None, (entry.function, entry.torch_function)):
        report = lossbook.examine(loss, one, *others, **settings)
        assert report.findings, "a table of all pairs was taken for right"


@pytest.mark.parametrize("entry", [e for e in WITH_FUNCTION if e.torch_function and e.name in contract.SIGNS], **names)
def test_labels_zero_and_one_are_seen_where_signs_belong(entry):
    *tensors, target = legal(entry)[0]
    report = lossbook.examine(entry.torch_function, *tensors, (target > 0).double())
    assert report.findings[0].kind == "labels-without-signs"


def test_the_contract_names_losses_of_the_catalogue():
    known = {entry.name for entry in CATALOGUE}
    named = {*contract._PREDICTION, *contract._MASKS, *contract.YES_OR_NO, *contract.SIGNS, *contract.OF_CLASSES}
    assert (named | contract.SYMMETRIC | contract.OF_EMBEDDINGS) <= known
