"""`watch` on trainings that are wrong, on their repaired twins, and on right ones that look suspicious."""

import logging
import warnings

import pytest
import torch

import lossbook

from . import SUSPICIOUS, WRONG

names = {"ids": lambda script: script.name}


def run(script, wrong, watch):
    """The losses of a training, or the name of the error that ends it."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about what is wrong on purpose
        try:
            return script.run(watch, wrong)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            return type(error).__name__


def watched(script, wrong):
    """The losses with the criterion watched, and the findings."""
    criteria = []

    def watch(loss):
        criteria.append(lossbook.watch(loss))
        return criteria[-1]

    losses = run(script, wrong, watch)
    return losses, [finding for criterion in criteria for finding in criterion.report.findings]


def same(losses, others):
    if isinstance(losses, str):
        return losses == others
    return len(losses) == len(others) and all(
        torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(losses, others, strict=True)
    )


@pytest.fixture(autouse=True)
def _looks_that_fail_are_told(caplog):
    """A look that fails is left out in use; here it is a fault."""
    caplog.set_level(logging.DEBUG, "lossbook.watch")
    yield
    assert [record.exc_text for record in caplog.records if record.levelno == logging.DEBUG] == []


@pytest.mark.parametrize("script", WRONG, **names)
def test_a_wrong_training_is_diagnosed(script):
    losses, findings = watched(script, wrong=True)
    assert findings, "nothing was found"
    assert findings[0].kind in script.kinds
    assert all(len(str(finding)) <= 400 for finding in findings)
    assert same(losses, run(script, True, lambda loss: loss))


@pytest.mark.parametrize("script", WRONG, **names)
def test_its_repaired_twin_is_left_alone(script):
    losses, findings = watched(script, wrong=False)
    assert findings == []
    assert not isinstance(losses, str), "the twin does not run"
    assert same(losses, run(script, False, lambda loss: loss))


@pytest.mark.parametrize("script", SUSPICIOUS, **names)
def test_what_looks_suspicious_and_is_right_is_left_alone(script):
    losses, findings = watched(script, wrong=False)
    assert findings == []
    assert not isinstance(losses, str), "the training does not run"
    assert same(losses, run(script, False, lambda loss: loss))


def test_the_sets_are_as_large_as_they_are_said_to_be():
    assert len(WRONG) >= 120
    assert len(SUSPICIOUS) >= 60
    assert all(script.where in ("call", "graph", "backward", "loop") for script in WRONG)


def test_every_rule_has_a_training_that_it_finds():
    from lossbook.watching.rules import CALL_RULES, TRAINING_RULES

    found = {kind for script in WRONG for kind in script.kinds}
    told_elsewhere = {"model-frozen", "optimizer-lacks-parameters", "model-in-evaluation"}  # these need the model
    assert {rule.kind for rule in (*CALL_RULES, *TRAINING_RULES)} - found - told_elsewhere == set()
