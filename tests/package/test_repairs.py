"""A training that a reader mends is judged by what its model has learned, and by what `watch` sees."""

import logging

import pytest
import torch
from torch.nn import functional as F

from lossbook import check, set_language
from lossbook.lessons.exercises import EXERCISES
from lossbook.lessons.exercises.repair import Repair
from lossbook.lessons.practice import breast_cancer, digits, network

REPAIRS = {name: exercise for name, exercise in EXERCISES.items() if isinstance(exercise, Repair)}
SIZES = {"digits": (64, 32, 10), "breast_cancer": (30, 16, 1)}


@pytest.fixture(autouse=True)
def quiet():
    set_language("en")
    logger = logging.getLogger("lossbook.watch")
    logger.disabled, before = True, logger.disabled
    yield
    logger.disabled = before


def loss_of(logits, y):
    return F.cross_entropy(logits, y) if logits.shape[1] > 1 else F.binary_cross_entropy_with_logits(logits[:, 0], y)


def trained(x, y, sizes, model=None):
    model = model or network(*sizes)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _step in range(60):
        loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("name", REPAIRS)
def test_a_right_training_passes_and_an_untrained_model_does_not(name):
    sizes = SIZES[REPAIRS[name].data]
    assert check(name, lambda x, y: trained(x, y, sizes))
    verdict = check(name, lambda x, y: network(*sizes))
    assert not verdict
    assert "0.85 or more" in verdict.message


def test_what_watch_sees_is_told_and_refused_even_where_the_model_has_learned():
    def twice(x, y):
        model = network(*SIZES["digits"])
        F.cross_entropy(model(x).softmax(dim=1), y)
        return trained(x, y, SIZES["digits"], model)

    verdict = check("repair-order", twice)
    assert not verdict
    assert "something is wrong in the use of its loss" in verdict.message
    assert "applies softmax itself" in verdict.facts[0]


@pytest.mark.parametrize("language", ["en", "vi"])
def test_what_was_seen_is_told_in_the_reader_s_language_too(language):
    def cleared(x, y):
        model = network(*SIZES["digits"])
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _step in range(2):
            F.cross_entropy(model(x), y).backward()
            optimizer.zero_grad()
            optimizer.step()
        return model

    set_language(language)
    assert len(check("repair-order", cleared).facts) == 1


def test_nothing_yet_and_no_model():
    assert check("repair-order", ...) == check("same-accuracy", ...)
    assert "return its model" in check("repair-order", lambda x, y: None).message


def test_the_validation_part_judges_and_the_reader_gets_the_training_part():
    for name, data in (("repair-order", digits()), ("repair-rounded", breast_cancer())):
        got = {}

        def keep(x, y, got=got):
            got.update(x=x, y=y)
            return network(x.shape[1], 1 if y.is_floating_point() else 10)

        check(name, keep)
        assert torch.equal(got["x"], data.train_x)
        assert torch.equal(got["y"], data.train_y)
