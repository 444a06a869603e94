"""What `watch` takes for right and wrong use, held against the catalogue: its losses on batches that are legal for them."""

import inspect

import pytest
import torch

import lossbook
from lossbook.catalogue import CATALOGUE
from lossbook.kit.loss import settings_of
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


def exchangeable(entry):
    """Settings of a loss, those tried by its tests, and whether input and target may change places: their value tells."""
    input, target, *others = entry.sample(torch.Generator().manual_seed(0))
    for settings in (*entry.settings, {"quantile": 0.5}, {"beta": 0.5, "log_target": True}):
        given = {name: value for name, value in settings.items() if name in settings_of(entry.function)}
        if given.get("log_target"):
            target = torch.randn(input.shape, dtype=input.dtype).log_softmax(-1)
        try:
            both = [entry.function(*pair, *others, **given) for pair in ((input, target), (target, input))]
        except (ValueError, TypeError):
            continue  # numbers of one are none of the other
        yield given, torch.allclose(*both)


PAIRED = [
    entry
    for entry in WITH_FUNCTION
    if list(inspect.signature(entry.function).parameters)[:2] == ["input", "target"]
    and entry.name != "soft_margin"  # the same, but torch has no derivative with respect to its target
]


@pytest.mark.parametrize("entry", PAIRED, **names)
def test_which_losses_may_be_given_their_target_first(entry):
    for given, same in exchangeable(entry):
        defaults = {name: parameter.default for name, parameter in settings_of(entry.function).items()}
        assert contract.symmetric(entry.name, defaults | given) == same, given


@pytest.mark.parametrize("entry", [e for e in PAIRED if contract.symmetric(e.name, {})], **names)
def test_a_target_that_comes_first_is_left_alone_where_it_makes_no_difference(entry):
    input, target, *others = legal(entry)[0]
    for loss in filter(None, (entry.function, entry.torch_function)):
        assert lossbook.examine(loss, target, input, *others).findings == []


def test_the_contract_names_losses_of_the_catalogue():
    known = {entry.name for entry in CATALOGUE}
    named = {*contract._PREDICTION, *contract._MASKS, *contract.YES_OR_NO, *contract.SIGNS, *contract.OF_CLASSES}
    assert (named | contract.SYMMETRIC | contract.OF_EMBEDDINGS | contract.OF_PEERS | contract.DIVERGENCES) <= known
